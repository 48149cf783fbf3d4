"""Rate curves as Bjontegaard deltas need them: sorted, and the part that two have in common."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Curve = Sequence[tuple[float, float]]  # bpp and score of each point
Range = tuple[float, float] | None
MIN_POINTS_IN_OVERLAP = 3  # of both curves together


@dataclass(frozen=True)
class Overlap:
    """The part that two curves have in common.

    Attributes:
        low, high: scores of a BD-rate, bpp of a BD-metric.
        fraction: of the narrower of the two curves; of its log rates for a BD-metric.
    """

    low: float
    high: float
    fraction: float


@dataclass(frozen=True)
class SortedCurve:
    """A curve by rising rate: log10 of bpp, and scores so turned (by `sign`) that higher is better.

    float64 [number of points] each.
    """

    name: str
    rates: npt.NDArray[np.float64]
    scores: npt.NDArray[np.float64]
    sign: int
    num_left_out: int = 0

    def too_few(self, min_points: int) -> Iterator[str]:
        """Whether there are fewer points than a curve must have, as a complaint."""
        if len(self.rates) < min_points:
            left = "" if self.num_left_out == 0 else f" without {self.num_left_out} beyond a wobble"
            yield f"{self.name} has {len(self.rates)} points{left}, fewer than {min_points}"

    def complaints(self, parts: Iterable[int]) -> Iterator[str]:
        """Which of these parts, from a point to the next, do not get better."""
        for k in parts:
            low, high = 10 ** self.rates[k : k + 2]
            before, after = self.sign * self.scores[k : k + 2]
            if self.rates[k] == self.rates[k + 1]:
                yield f"{self.name} has two points at {low:.5g} bpp"
            elif self.scores[k] >= self.scores[k + 1]:
                yield (
                    f"{self.name} does not get better from {low:.5g} to {high:.5g} bpp "
                    f"({before:.5g} to {after:.5g})"
                )

    def parts(self, rates: tuple[float, float]) -> range:
        """The parts, from a point to the next, that have log rates between these two in them."""
        low, high = rates
        first = int(np.searchsorted(self.rates, low, side="right")) - 1
        last = int(np.searchsorted(self.rates, high, side="left"))
        return range(max(first, 0), min(last, len(self.rates) - 1))

    def within(self, overlap: Overlap, rate_range: Range) -> list[int]:
        """The parts in the range of rates that have scores of the overlap in them."""
        span = self.rate_span(rate_range)
        return [
            k
            for k in (self.parts(span) if span else ())
            if min(self.scores[k : k + 2]) < overlap.high
            and max(self.scores[k : k + 2]) > overlap.low
        ]

    def rising_through(self, overlap: Overlap, rate_range: Range) -> SortedCurve:
        """The points of one rise through the overlap, as far to both sides as it goes.

        Args:
            overlap: of scores; each part within it gets better.
            rate_range: to which the overlap belongs.
        """
        parts = self.within(overlap, rate_range)
        first, last = parts[0], parts[-1] + 1
        rises = np.diff(self.scores) > 0
        rises &= np.diff(self.rates) > 0
        while first > 0 and rises[first - 1]:
            first -= 1
        while last < len(rises) and rises[last]:
            last += 1
        kept = slice(first, last + 1)
        left_out = len(self.rates) - (last + 1 - first)
        return SortedCurve(self.name, self.rates[kept], self.scores[kept], self.sign, left_out)

    def rate_span(self, rate_range: Range) -> Range:
        """Lowest and highest log rate of the part in the range; None if there is no such part."""
        if not len(self.rates):
            return None
        low, high = float(self.rates[0]), float(self.rates[-1])
        if rate_range is not None:
            low = max(low, float(np.log10(rate_range[0])))
            high = min(high, float(np.log10(rate_range[1])))
        return (low, high) if low <= high else None

    def score_span(self, rate_range: Range) -> Range:
        """Lowest and highest score of that part."""
        rates = self.rate_span(rate_range)
        if rates is None:
            return None
        inside = self.scores[(self.rates >= rates[0]) & (self.rates <= rates[1])]
        scores = [*inside, *np.interp(rates, self.rates, self.scores)]
        return float(min(scores)), float(max(scores))


def sorted_curves(
    anchor: Curve, test: Curve, higher_is_better: bool, rate_range: Range
) -> tuple[SortedCurve, SortedCurve]:
    if rate_range is not None and not 0 < rate_range[0] < rate_range[1]:
        raise ValueError(f"{rate_range[0]:g} to {rate_range[1]:g} bpp is not a range of rates")
    sign = 1 if higher_is_better else -1

    def sorted_points(name: str, curve: Curve) -> SortedCurve:
        ordered = np.array(sorted(curve), dtype=np.float64).reshape(-1, 2)
        if not (np.isfinite(ordered).all() and (ordered[:, 0] > 0).all()):
            raise ValueError(
                f"{name} has a rate that is not positive or a number that is not finite"
            )
        return SortedCurve(name, np.log10(ordered[:, 0]), sign * ordered[:, 1], sign)

    return sorted_points("the anchor", anchor), sorted_points("the tested curve", test)


def overlap_of(
    spans: Sequence[Range],
    measured: Sequence[npt.NDArray[np.float64]],
    what: str,
    min_overlap: float,
) -> tuple[Overlap | None, list[str]]:
    """The overlap of two intervals as a fraction of the narrower one, and what is wrong with it."""
    first, second = spans
    if first is None or second is None:
        return None, ["a curve has no part in the range of rates"]
    low, high = max(first[0], second[0]), min(first[1], second[1])
    if low >= high:
        return None, [f"the {what} do not overlap"]
    overlap = Overlap(low, high, (high - low) / min(float(np.ptp(whole)) for whole in measured))
    if overlap.fraction < min_overlap:
        return overlap, [
            f"the {what} overlap by {100 * overlap.fraction:.2g} % of the narrower curve, "
            f"less than {100 * min_overlap:g} %"
        ]
    # with few points in the overlap, the result would be mostly interpolation
    slack = 1e-9 * (high - low)
    at = np.concatenate(measured)
    count = int(np.sum((at >= low - slack) & (at <= high + slack)))
    if count < MIN_POINTS_IN_OVERLAP:
        return overlap, [f"{count} points lie in the overlap, fewer than {MIN_POINTS_IN_OVERLAP}"]
    return overlap, []
