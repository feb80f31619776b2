"""What was probably meant where the parser stopped: one rule for each mistake, told apart by kind."""
