"""Bits shared between GOPs so that their noise levels, or their scores, are as even as possible."""

from __future__ import annotations

import heapq
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from freegvc._control.surrogate import PowerLaw


class Option(Protocol):
    """What one GOP can be cut to."""

    @property
    def bits(self) -> tuple[float, ...]:
        """Of its packet after 0, 1, ... steps; increasing."""

    def loss(self, num_steps: int) -> float:
        """What shall be even over the GOPs, after that many steps; falling."""


@dataclass(frozen=True, slots=True)
class ByLevel:
    """An option whose noise level is to be that of the others.

    Attributes:
        bits: as for `Option`.
        timesteps: where the walk stands after 0, 1, ... steps.
    """

    bits: tuple[float, ...]
    timesteps: tuple[int, ...]

    def loss(self, num_steps: int) -> float:
        """The timestep: the more noise is left, the larger."""
        return float(self.timesteps[num_steps])


@dataclass(frozen=True, slots=True)
class ByScore:
    """An option whose score is to be that of the others.

    Attributes:
        bits: as for `Option`.
        curve: the surrogate of its loss.
    """

    bits: tuple[float, ...]
    curve: PowerLaw

    def loss(self, num_steps: int) -> float:
        """The expected loss."""
        # the best packet of no steps is not on the curve: its loss counts as the largest
        return self.curve.loss(self.bits[num_steps] if num_steps else 1.0)


def share_bits(options: Sequence[Option], budget_bits: float) -> list[int]:
    """How many steps each GOP keeps.

    The GOP with the largest loss gets a step more, again and again, until that does not fit. A GOP
    at its end is left out from then on.

    Args:
        options: of each GOP.
        budget_bits: for all packets together.

    Returns:
        Steps of each GOP; zero for all if not even one step of the worst GOP fits.
    """
    chosen = [0] * len(options)
    total = sum(option.bits[0] for option in options)
    waiting = [(-option.loss(0), k) for k, option in enumerate(options)]
    heapq.heapify(waiting)
    while waiting:
        _, k = heapq.heappop(waiting)
        bits = options[k].bits
        if chosen[k] + 1 == len(bits):
            continue
        more = bits[chosen[k] + 1] - bits[chosen[k]]
        if total + more > budget_bits:
            break
        total += more
        chosen[k] += 1
        heapq.heappush(waiting, (-options[k].loss(chosen[k]), k))
    return chosen


def even_loss(curves: Sequence[PowerLaw], budget_bits: float) -> float:
    """The loss that all GOPs can have together.

    Args:
        curves: of each GOP, one or more.
        budget_bits: for all of them; > 0.
    """
    each = budget_bits / len(curves)
    losses = [curve.loss(each) for curve in curves]
    low, high = min(losses), max(losses)  # the common one lies between
    for _ in range(60):
        middle = (low * high) ** 0.5
        if sum(curve.bits(middle) for curve in curves) > budget_bits:
            low = middle
        else:
            high = middle
    return high


def state_at(bits: Sequence[float], wanted: float) -> int:
    """Index of the state nearest to a number of bits.

    Args:
        bits: increasing, one or more.
        wanted: number of bits.
    """
    above = bisect_left(bits, wanted)
    if above == 0 or above == len(bits):
        return min(above, len(bits) - 1)
    return above if bits[above] - wanted < wanted - bits[above - 1] else above - 1
