"""freegvc-small: the learned prior that ships with the package (docs/small-prior.md)."""
