"""Tables and pictures of a net, torch-free."""
