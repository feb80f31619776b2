"""How fast a net runs, side by side with other ways to run it."""
