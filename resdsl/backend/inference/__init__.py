"""A net as a fixed function: norms folded, weights packed."""
