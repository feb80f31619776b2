"""Text to syntax tree and back: parser, syntax errors, formatter."""
