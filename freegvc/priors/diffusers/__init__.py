"""Models of the diffusers library as priors, and how to fetch them."""
