"""A user study: which codec people prefer, from a plan to votes and their statistics.

The experiment is that of the Free-GVC paper, Section V-A, "User Study", and Fig. 9.
"""
