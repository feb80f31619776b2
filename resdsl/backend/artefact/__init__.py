"""A net with its weights in one file, which runs without resdsl."""
