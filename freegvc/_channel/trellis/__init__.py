"""The trellis coder: one bit for each block."""
