"""The graph of a net, and what is read off it."""
