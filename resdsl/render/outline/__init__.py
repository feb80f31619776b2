"""What a net is from above: its stages, blocks and shortcuts in the paper's words, for tables and pictures."""
