"""Anti-aliased pooling: `ops` describes the op to resdsl, `layers` runs it in torch."""
