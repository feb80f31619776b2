"""From a checked net to PyTorch: source text, a module, a compiled module, weights."""
