"""Wilson's score interval of a proportion."""

from __future__ import annotations

from math import sqrt
from statistics import NormalDist


def wilson_interval(
    successes: float, trials: float, confidence: float = 0.95
) -> tuple[float, float]:
    """Where a proportion lies that was observed as successes / trials.

    The interval has the proportions p with |observed - p| <= z sqrt(p (1 - p) / trials) (Wilson,
    1927). It stays within [0, 1], and is of use for few trials and for 0 and 1.

    Args:
        successes: from 0 to `trials`.
        trials: above 0.
        confidence: between 0 and 1.

    Returns:
        The lower and the upper end.
    """
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    observed = successes / trials
    centre = observed + z * z / (2 * trials)
    half = z * sqrt(observed * (1 - observed) / trials + (z / (2 * trials)) ** 2)
    scale = 1 + z * z / trials
    return max(0.0, (centre - half) / scale), min(1.0, (centre + half) / scale)
