"""Tables of a net, of several side by side, and of a search."""
