"""Where the walks of a stream stop: `targets` has the targets, each with one controller.

`stop_step`, `rate` and `score` are the controllers; `search` is Algorithm 3 of the paper over the
`surrogate`, `sharing` divides bits between GOPs, `stopping` walks along a grid.
"""
