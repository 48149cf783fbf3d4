"""Bjontegaard deltas of two rate curves, with the checks that the `bjontegaard` package leaves out.

BD-rate is the mean difference in log rate at equal score, as a percentage; BD-metric the mean
difference in score at equal log rate. Both are means over the overlap of the two curves, which is
given with every number. Curves are interpolated by Akima's splines in log rate (Herglotz et al.,
"Beyond Bjontegaard", ICIP 2022); "pchip" is what the spreadsheets of JCT-VC and JVET do.

The paper prints N/A where "BD-rate cannot be computed due to insufficient overlap between the
rate-metric curves" (caption of Table I) and gives no number; `MIN_OVERLAP` and
`MIN_POINTS_IN_OVERLAP` are ours. As in its table, BD-rate can be N/A where BD-metric is not: the
first needs scores that both curves reach, the second rates.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

Curve = Sequence[tuple[float, float]]  # bpp and score of each point
Range = tuple[float, float] | None
Interpolation = Literal["akima", "pchip"]
MIN_POINTS = 4  # as Bjontegaard has it in VCEG-M33
MIN_OVERLAP = 0.1
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
class Delta:
    """A BD-rate or BD-metric, or why there is none.

    Attributes:
        value: per cent of rate, or score; test minus anchor. None is N/A.
        overlap: what it is a mean over; given for N/A as well, if there is an overlap.
        remarks: why it is N/A, and everything else that is wrong with the curves.
    """

    value: float | None
    overlap: Overlap | None
    remarks: tuple[str, ...] = ()


_SAMPLES = 1000  # of a spline, to see where it goes
_SLACK = 0.05  # of the span of log10 rates: Akima's splines overshoot a little everywhere


def bd_rate(
    anchor: Curve,
    test: Curve,
    *,
    higher_is_better: bool,
    rate_range: Range = None,
    min_points: int = MIN_POINTS,
    min_overlap: float = MIN_OVERLAP,
    interpolation: Interpolation = "akima",
) -> Delta:
    """Mean difference in rate at equal score, in per cent of the anchor's; negative is fewer bits.

    Args:
        anchor, test: points in any order.
        higher_is_better: whether a larger score is better.
        rate_range: compare only the parts of both curves between these bpp; the scores at its
            ends are interpolated linearly in log rate.
        min_points: how many points each curve must have.
        min_overlap: how much of the narrower curve both must have in common, above 0.
        interpolation: between points.

    Returns:
        N/A if a curve has too few points, or does not get strictly better with the rate within the
        overlap, or the overlap is too small. What a curve does elsewhere does not matter: points
        beyond a rate at which it gets no better are left out. With a remark, and with pchip between
        points, if a spline leaves the measured rates.

    Raises:
        ValueError: a rate is not positive, a score is not finite, or the rate range is empty.
    """
    curves = _sorted_curves(anchor, test, higher_is_better, rate_range)
    remarks = [said for points in curves for said in points.too_few(min_points)]
    spans = [points.score_span(rate_range) for points in curves]
    overlap, trouble = _overlap(spans, [points.scores for points in curves], "scores", min_overlap)
    shown = overlap
    if overlap and not higher_is_better:
        shown = Overlap(-overlap.high, -overlap.low, overlap.fraction)
    if overlap:
        remarks += [
            said
            for points in curves
            for said in points.complaints(points.within(overlap, rate_range))
        ]
    remarks += trouble
    if remarks or overlap is None:
        return Delta(None, shown, tuple(remarks))
    first, second = (points.rising_through(overlap, rate_range) for points in curves)
    curves = first, second
    remarks = [said for points in curves for said in points.too_few(min_points)]
    if remarks:
        return Delta(None, shown, tuple(remarks))
    splines = _splines("bd_rate", curves, interpolation)
    left = [
        points.name
        for points, spline in zip(curves, splines, strict=True)
        if _leaves(spline, points.rates, overlap)
    ]
    if left:
        # where a curve saturates, a spline may swing to rates that nothing was coded at
        remarks = [f"the spline of {' and '.join(left)} leaves the measured rates: pchip instead"]
        splines = _splines("bd_rate", curves, "pchip")
    difference = _mean_difference(splines, overlap)
    return Delta(100 * (10**difference - 1), shown, tuple(remarks))


def bd_metric(
    anchor: Curve,
    test: Curve,
    *,
    higher_is_better: bool,
    rate_range: Range = None,
    min_points: int = MIN_POINTS,
    min_overlap: float = MIN_OVERLAP,
    interpolation: Interpolation = "akima",
) -> Delta:
    """Mean difference in score at equal rate, in units of the score.

    The sign is that of the scores, as in the paper: below 0 is better where lower is better.

    Args and Raises:
        Those of `bd_rate`.

    Returns:
        N/A if a curve has too few points or two at one rate, or the overlap is too small. A curve
        that is not monotone within the overlap still has a BD-metric, with a remark.
    """
    curves = _sorted_curves(anchor, test, higher_is_better, rate_range)
    remarks = [said for points in curves for said in points.too_few(min_points)]
    spans = [points.rate_span(rate_range) for points in curves]
    overlap, trouble = _overlap(spans, [points.rates for points in curves], "rates", min_overlap)
    shown = overlap and Overlap(10**overlap.low, 10**overlap.high, overlap.fraction)
    if overlap:
        within = (overlap.low, overlap.high)
        remarks += [said for points in curves for said in points.complaints(points.parts(within))]
    usable = all(len(p.rates) >= min_points and np.all(np.diff(p.rates)) for p in curves)
    if trouble or overlap is None or not usable:
        return Delta(None, shown, (*remarks, *trouble))
    difference = _mean_difference(_splines("bd_psnr", curves, interpolation), overlap)
    return Delta(difference if higher_is_better else -difference, shown, tuple(remarks))


@dataclass(frozen=True)
class _Points:
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

    def rising_through(self, overlap: Overlap, rate_range: Range) -> _Points:
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
        return _Points(self.name, self.rates[kept], self.scores[kept], self.sign, left_out)

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


def _sorted_curves(
    anchor: Curve, test: Curve, higher_is_better: bool, rate_range: Range
) -> tuple[_Points, _Points]:
    if rate_range is not None and not 0 < rate_range[0] < rate_range[1]:
        raise ValueError(f"{rate_range[0]:g} to {rate_range[1]:g} bpp is not a range of rates")
    sign = 1 if higher_is_better else -1

    def sorted_points(name: str, curve: Curve) -> _Points:
        ordered = np.array(sorted(curve), dtype=np.float64).reshape(-1, 2)
        if not (np.isfinite(ordered).all() and (ordered[:, 0] > 0).all()):
            raise ValueError(
                f"{name} has a rate that is not positive or a number that is not finite"
            )
        return _Points(name, np.log10(ordered[:, 0]), sign * ordered[:, 1], sign)

    return sorted_points("the anchor", anchor), sorted_points("the tested curve", test)


def _overlap(
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


def _splines(
    function: str, curves: tuple[_Points, _Points], interpolation: Interpolation
) -> tuple[Any, Any]:
    """Both curves: log10 rate over score for "bd_rate", score over log10 rate for "bd_psnr"."""
    import bjontegaard  # imports matplotlib

    first, second = curves
    splines: tuple[Any, Any] = getattr(bjontegaard, function)(
        *(10**first.rates, first.scores, 10**second.rates, second.scores),
        method=interpolation,
        require_matching_points=False,
        interpolators=True,
        min_overlap=0,  # was checked, and over the range of rates that is asked for
    )[1:]
    return splines


def _leaves(spline: Any, rates: npt.NDArray[np.float64], overlap: Overlap) -> bool:
    """Whether a spline of log10 rate has values in the overlap that no point of its curve has."""
    values = spline(np.linspace(overlap.low, overlap.high, _SAMPLES))
    slack = _SLACK * (rates[-1] - rates[0])
    return bool(values.min() < rates[0] - slack or values.max() > rates[-1] + slack)


def _mean_difference(splines: tuple[Any, Any], overlap: Overlap) -> float:
    """Mean of log10 rate over the overlap of scores, or of score over that of log rates."""
    # alone, the package would average over the whole overlap and ignore the range of rates
    areas = [float(spline.integrate(overlap.low, overlap.high)) for spline in splines]
    return (areas[1] - areas[0]) / (overlap.high - overlap.low)
