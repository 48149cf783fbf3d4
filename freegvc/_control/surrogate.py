"""The rate-perception surrogate: P = a R^b through a few points that were really decoded.

A prior's frame encoder and decoder lose something too, so the score approaches a limit c; the
search takes c off all losses first and so fits P = c + a R^b (docs/quality-control.md).

P is a loss, `Metric.loss`: what a score is away from perfect, so that one law serves all metrics.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

# What is assumed of a curve while there is one point; loss falls with about the cube root of bits.
USUAL_EXPONENT = -0.3
EXPONENTS = (-6.0, -0.03)  # limits: beyond them the inverse could overflow
_LEAST_LOSS = 1e-9


@dataclass(frozen=True, slots=True)
class RatePoint:
    """A state of a walk that was decoded and scored.

    Attributes:
        bits: of the packet that stops there.
        loss: `Metric.loss` of its score; smaller is better.
    """

    bits: float
    loss: float


@dataclass(frozen=True, slots=True)
class PowerLaw:
    """loss = factor * bits ** exponent, falling."""

    factor: float
    exponent: float

    def loss(self, bits: float) -> float:
        """Loss of a walk of that many bits, > 0."""
        return float(self.factor * max(bits, 1.0) ** self.exponent)

    def bits(self, loss: float) -> float:
        """Bits at which the loss is expected; at most 10^18."""
        log_bits = math.log(max(loss, _LEAST_LOSS) / self.factor) / self.exponent
        return math.exp(min(max(log_bits, 0.0), math.log(1e18)))


def fit_power_law(points: Sequence[RatePoint]) -> PowerLaw:
    """The power law with the least squared error in the loss (paper, eq. 16).

    Never fails: one point, or points whose loss does not fall, give a curve of the usual exponent
    through the last point.

    Args:
        points: one or more; bits > 0.

    Raises:
        ValueError: there are no points.
    """
    if not points:
        raise ValueError("a power law needs one point or more")
    log_bits = np.log([max(p.bits, 1.0) for p in points])
    losses = np.array([max(p.loss, _LEAST_LOSS) for p in points])
    # about their means, in which the two parameters hardly depend on each other
    centre, scale = float(log_bits.mean()), float(np.exp(np.log(losses).mean()))
    x, y = log_bits - centre, losses / scale
    spread = float(x @ x)
    if spread < 1e-12:
        return _through(points[-1], USUAL_EXPONENT)
    slope = float(x @ np.log(y)) / spread  # exact for points on a power law: a good start
    if not EXPONENTS[0] <= slope <= EXPONENTS[1]:
        return _through(points[-1], USUAL_EXPONENT)
    if len(points) == 2:
        offset, exponent = 0.0, slope
    else:
        offset, exponent = _least_squares(x, y, slope)
    return PowerLaw(scale * math.exp(offset - exponent * centre), exponent)


def _least_squares(x: np.ndarray, y: np.ndarray, slope: float) -> tuple[float, float]:
    from scipy.optimize import least_squares

    def residuals(parameters: np.ndarray) -> np.ndarray:
        return np.asarray(np.exp(parameters[0] + parameters[1] * x) - y)

    low, high = EXPONENTS
    found = least_squares(residuals, (0.0, slope), bounds=((-20.0, low), (20.0, high)))
    return float(found.x[0]), float(found.x[1])


def _through(point: RatePoint, exponent: float) -> PowerLaw:
    bits, loss = max(point.bits, 1.0), max(point.loss, _LEAST_LOSS)
    return PowerLaw(loss / bits**exponent, exponent)


def align(points: Sequence[RatePoint], before: RatePoint, now: RatePoint) -> tuple[RatePoint, ...]:
    """Points of the GOP before as they would be in this one (Algorithm 3, line 13).

    Both axes are scaled so that the state that both GOPs have scored, at one noise level, agrees;
    a power law stays a power law, with the same exponent.

    Args:
        points: of the GOP before.
        before, now: the state of the alignment sample in the GOP before and in this one.
    """
    bits = max(now.bits, 1.0) / max(before.bits, 1.0)
    loss = max(now.loss, _LEAST_LOSS) / max(before.loss, _LEAST_LOSS)
    return tuple(RatePoint(p.bits * bits, p.loss * loss) for p in points)
