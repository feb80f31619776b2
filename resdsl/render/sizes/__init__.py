"""At which input sizes a net fits: the report, in words and as a table."""
