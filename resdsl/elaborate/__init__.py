"""Tree to graph: arguments bound, repeats unrolled, every shape computed."""
