"""Bjontegaard deltas of two rate curves, with the checks that the `bjontegaard` package leaves out.

BD-rate is the mean difference in log rate at equal score, as a percentage; BD-metric the mean
difference in score at equal log rate. Both are means over the overlap of the two curves, which is
given with every number. Curves are interpolated by Akima's splines in log rate (Herglotz et al.,
"Beyond Bjontegaard", ICIP 2022); "pchip" is what the spreadsheets of JCT-VC and JVET do.

The paper prints N/A where "BD-rate cannot be computed due to insufficient overlap between the
rate-metric curves" (caption of Table I) and gives no number; `MIN_OVERLAP` and `rate_curve`'s
`MIN_POINTS_IN_OVERLAP` are ours. As in its table, BD-rate can be N/A where BD-metric is not: the
first needs scores that both curves reach, the second rates.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from benchmarks.rate_curve import Curve, Overlap, Range, SortedCurve, overlap_of, sorted_curves

Interpolation = Literal["akima", "pchip"]
MIN_POINTS = 4  # as Bjontegaard has it in VCEG-M33
MIN_OVERLAP = 0.1


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
    curves = sorted_curves(anchor, test, higher_is_better, rate_range)
    remarks = [said for points in curves for said in points.too_few(min_points)]
    spans = [points.score_span(rate_range) for points in curves]
    overlap, trouble = overlap_of(
        spans, [points.scores for points in curves], "scores", min_overlap
    )
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
    curves = sorted_curves(anchor, test, higher_is_better, rate_range)
    remarks = [said for points in curves for said in points.too_few(min_points)]
    spans = [points.rate_span(rate_range) for points in curves]
    overlap, trouble = overlap_of(spans, [points.rates for points in curves], "rates", min_overlap)
    shown = overlap and Overlap(10**overlap.low, 10**overlap.high, overlap.fraction)
    if overlap:
        within = (overlap.low, overlap.high)
        remarks += [said for points in curves for said in points.complaints(points.parts(within))]
    usable = all(len(p.rates) >= min_points and np.all(np.diff(p.rates)) for p in curves)
    if trouble or overlap is None or not usable:
        return Delta(None, shown, (*remarks, *trouble))
    difference = _mean_difference(_splines("bd_psnr", curves, interpolation), overlap)
    return Delta(difference if higher_is_better else -difference, shown, tuple(remarks))


def _splines(
    function: str, curves: tuple[SortedCurve, SortedCurve], interpolation: Interpolation
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
