"""Algorithm 3 of the paper: the walk's stop at a wanted quality, by a surrogate that is refitted.

`search` decides and does nothing else: it yields where to look next and is sent what was found
there. Whoever drives it walks, decodes and scores.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Sequence
from dataclasses import dataclass

from freegvc._control.surrogate import RatePoint, align, fit_power_law

NUM_POINTS = 3  # M: sampled before the reach is doubted, and kept for a fit
MAX_GROWTH = 4.0  # of the bits from one sample to the next while nothing better is known
# a bracket narrower than this holds only the noise of the channel
_NARROW = 0.002
_LEAST_MOVE = 1.03  # of the bits, beyond everything seen
_UNDER = 0.95  # of a loss: the highest floor that is accepted below it
_MAX_REPEATS = 2  # of one state
_FAR = 1.25  # between bits asked for and found: the walk has no more, or no less
_EDGE = 0.05  # of the logarithm of a bracket: no closer to its ends


@dataclass(frozen=True, slots=True)
class Goal:
    """A wanted loss, and which losses are near enough: low <= wanted <= high."""

    wanted: float
    low: float
    high: float

    def holds(self, loss: float) -> bool:
        """Whether a loss is near enough."""
        return self.low <= loss <= self.high


@dataclass(frozen=True, slots=True)
class AtBits:
    """Score the state nearest to this many bits; answered with a `RatePoint`."""

    bits: float


@dataclass(frozen=True, slots=True)
class AtTimestep:
    """Score the state at this timestep; answered with a `RatePoint`."""

    timestep: int


@dataclass(frozen=True, slots=True)
class AtLimit:
    """Score the latent itself, to which all walks lead; answered with a point of its loss."""


Request = AtBits | AtTimestep | AtLimit


@dataclass(frozen=True, slots=True)
class History:
    """What the GOP before has taught.

    Attributes:
        points: what was scored there, the chosen state included.
        chosen: the state that was chosen.
        timestep: where the chosen state stands.
        floor: the loss of that GOP's limit.
        reached: whether the goal was; if not, the next GOP's limit is probed sooner.
    """

    points: tuple[RatePoint, ...]
    chosen: RatePoint
    timestep: int
    floor: float
    reached: bool = True


@dataclass(frozen=True, slots=True)
class Found:
    """The result of a search.

    Attributes:
        best: index of the chosen state among the walk's answers, in order; `AtLimit` does not
            count.
        reached: whether its loss is near enough to what was wanted.
        floor: the loss of the limit, as far as known.
    """

    best: int
    reached: bool
    floor: float


Search = Generator[Request, RatePoint, Found]


def search(
    goal: Goal, *, first_bits: float, max_probes: int, history: History | None = None
) -> Search:
    """Find a state whose loss is near enough to the goal.

    The law is a power of the bits above the loss of the limit, which is probed first. Without
    history, probes then go up from `first_bits`, by a factor of 4 at most, until the goal is
    between two of them, so the walk does not go far beyond it. With history, the first probe is at
    the timestep that the GOP before has chosen, and its point aligns the older points and limit.
    From then on, the law through the few points nearest to the goal places each probe. The farthest
    point is dropped, and so are the older points once the GOP has two points of its own. A guess
    outside the interval that holds the goal is replaced by the law between the interval's ends.

    A goal beyond the limit is replaced by the nearest one that can be reached: within the
    tolerance of the limit. If probes fall short of the goal, the limit is probed again.

    Args:
        goal: the loss to find.
        first_bits: where to start without history.
        max_probes: most probes, the limit included; >= 1.
        history: of the GOP before.
    """
    asked = goal
    points: list[RatePoint] = []
    learned: tuple[RatePoint, ...] = ()
    num_probes = repeats = 0
    floor = 0.0
    patience = NUM_POINTS if history is not None and history.reached else 1
    limit_known = history is None
    if history is None and max_probes > 1:
        floor = (yield AtLimit()).loss
        num_probes += 1
        goal = _within_reach(goal, floor)
    request: Request = AtBits(first_bits) if history is None else AtTimestep(history.timestep)
    while True:
        point = yield request
        num_probes += 1
        seen_before = any(point.bits == p.bits for p in points)
        points.append(point)
        if len(points) == 1 and history is not None:
            learned = align(history.points, history.chosen, point)
            floor = history.floor * point.loss / max(history.chosen.loss, point.loss)
        repeats = repeats + 1 if seen_before else 0
        if goal.holds(point.loss) or num_probes >= max_probes:
            break
        if repeats > _MAX_REPEATS or (seen_before and _is_far(request, point)):
            break
        falls_short = all(p.loss > goal.high for p in points)
        if falls_short and not limit_known and len(points) >= patience:
            floor, limit_known = (yield AtLimit()).loss, True
            num_probes += 1
            goal = _within_reach(goal, floor)
            if any(goal.holds(p.loss) for p in points) or num_probes >= max_probes:
                break
        bits = next_bits(goal, points, learned, floor)
        if repeats and isinstance(request, AtBits):
            # which state a number of bits leads to is only roughly known: ask beside it
            factor = _LEAST_MOVE if point.loss > goal.wanted else 1.0 / _LEAST_MOVE
            bits = request.bits * factor
        if bits is None:
            break
        request = AtBits(bits)
    best = min(range(len(points)), key=lambda i: abs(points[i].loss - goal.wanted))
    return Found(best, asked.holds(points[best].loss), floor)


def next_bits(
    goal: Goal,
    points: Sequence[RatePoint],
    learned: Sequence[RatePoint] = (),
    floor: float = 0.0,
) -> float | None:
    """The bits of the next probe; None if there is nothing left between the points.

    Args:
        goal: the loss to find; no point is near enough.
        points: those of this GOP, one or more, in any order.
        learned: aligned points of the GOP before.
        floor: the loss of the limit, as far as known.
    """

    def law(of: Sequence[RatePoint]) -> float:
        """Bits of the goal by the power law through some points."""
        # a floor that others have measured may be too high
        below = min(floor, _UNDER * min(goal.wanted, *(p.loss for p in of)))
        above = [RatePoint(p.bits, p.loss - below) for p in of]
        return fit_power_law(above).bits(goal.wanted - below)

    nearest = sorted(
        points if len(points) > 1 else (*learned, *points),
        key=lambda p: abs(p.loss - goal.wanted),
        reverse=True,
    )
    guess = law(nearest[-NUM_POINTS:])
    short = max((p for p in points if p.loss > goal.wanted), key=_bits, default=None)
    beyond = min(
        (p for p in points if p.loss <= goal.wanted and (short is None or p.bits > short.bits)),
        key=_bits,
        default=None,
    )
    if beyond is None:
        # the point with the most bits falls short of the goal
        bits = max(p.bits for p in points)
        return _clamp(guess, bits * _LEAST_MOVE, bits * MAX_GROWTH)
    if short is None:
        if beyond.bits <= 1.0:
            return None
        return _clamp(guess, beyond.bits / MAX_GROWTH, beyond.bits / _LEAST_MOVE)
    span = math.log(beyond.bits / short.bits)
    if span < _NARROW:
        return None
    low, high = short.bits * math.exp(_EDGE * span), beyond.bits * math.exp(-_EDGE * span)
    if low <= guess <= high:
        return guess
    return _clamp(law((short, beyond)), low, high)


def _within_reach(goal: Goal, limit: float) -> Goal:
    """The goal, or the nearest one that the prior can reach: within the tolerance of its limit."""
    if limit < goal.high:
        # what lies just above the limit takes any number of bits
        return Goal(max(goal.wanted, 0.5 * (limit + goal.high)), goal.low, goal.high)
    return Goal(limit + goal.high - goal.wanted, limit, limit + goal.high - goal.low)


def _is_far(request: Request, point: RatePoint) -> bool:
    """Whether a walk could not go where it was asked to."""
    if not isinstance(request, AtBits):
        return False
    return not point.bits / _FAR <= request.bits <= point.bits * _FAR


def _bits(point: RatePoint) -> float:
    return point.bits


def _clamp(value: float, low: float, high: float) -> float:
    return min(max(value, low), high)
