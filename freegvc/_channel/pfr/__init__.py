"""The coder of the paper, by the Poisson functional representation: one index for each block."""
