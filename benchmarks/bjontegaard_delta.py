"""Bjontegaard deltas of two rate curves, with the checks that the `bjontegaard` package leaves out.

BD-rate is the mean difference in log rate at equal score, as a percentage; BD-metric the mean
difference in score at equal log rate. Both are means over what the two curves share, which stands
beside every number. Curves are interpolated by Akima's splines in log rate (Herglotz et al.,
"Beyond Bjontegaard", ICIP 2022); "pchip" is what the spreadsheets of JCT-VC and JVET do.

The paper prints N/A where "BD-rate cannot be computed due to insufficient overlap between the
rate-metric curves" (caption of Table I) and gives no number; `MIN_OVERLAP` and
`MIN_POINTS_IN_OVERLAP` are ours. As in its
table, BD-rate can be N/A where BD-metric is not: the first needs scores that both curves reach,
the second rates.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

Curve = Sequence[tuple[float, float]]  # bpp and score of each point
Interpolation = Literal["akima", "pchip"]
MIN_POINTS = 4  # as Bjontegaard has it in VCEG-M33
MIN_OVERLAP = 0.1
MIN_POINTS_IN_OVERLAP = 3  # of both curves together

_Array = npt.NDArray[np.float64]
_Span = tuple[float, float]


@dataclass(frozen=True)
class Overlap:
    """What two curves share.

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
        overlap: over what it is; given for N/A as well, where there is any.
        remarks: why it is N/A, and whatever else is wrong with the curves.
    """

    value: float | None
    overlap: Overlap | None
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Points:
    """A curve by rising rate.

    Attributes:
        rates: log10 of bpp.
        scores: so turned that higher is better.
    """

    name: str
    rates: _Array
    scores: _Array


def bd_rate(
    anchor: Curve,
    test: Curve,
    *,
    higher_is_better: bool,
    rate_range: tuple[float, float] | None = None,
    min_points: int = MIN_POINTS,
    min_overlap: float = MIN_OVERLAP,
    interpolation: Interpolation = "akima",
) -> Delta:
    """Mean difference in rate at equal score, in per cent of the anchor's; negative is fewer bits.

    Args:
        anchor, test: points in any order.
        higher_is_better: which way the score is.
        rate_range: compare only the parts of both curves between these bpp; the scores at its
            ends are interpolated linearly in log rate.
        min_points: that each curve must have.
        min_overlap: share of the narrower curve that both must have in common, above 0.
        interpolation: between points.

    Returns:
        N/A if a curve has too few points or is not strictly monotone, or the overlap is too small.

    Raises:
        ValueError: a rate that is not positive, a score that is not finite, an empty rate range.
    """
    first, second = _sorted_curves(anchor, test, higher_is_better, rate_range)
    remarks = _complaints(first, second, min_points, higher_is_better)
    spans = _score_span(first, rate_range), _score_span(second, rate_range)
    overlap, trouble = _overlap(spans, (first.scores, second.scores), "scores", min_overlap)
    remarks += trouble
    shown = _oriented(overlap, higher_is_better)
    if remarks or overlap is None:
        return Delta(None, shown, remarks)
    difference = _mean_difference("rate", first, second, overlap, interpolation)
    return Delta(100 * (10**difference - 1), shown)


def bd_metric(
    anchor: Curve,
    test: Curve,
    *,
    higher_is_better: bool,
    rate_range: tuple[float, float] | None = None,
    min_points: int = MIN_POINTS,
    min_overlap: float = MIN_OVERLAP,
    interpolation: Interpolation = "akima",
) -> Delta:
    """Mean difference in score at equal rate, in units of the score.

    The sign is that of the scores, as in the paper: below 0 is better where lower is better.

    Args:
        Those of `bd_rate`.

    Returns:
        N/A if a curve has too few points or two at one rate, or the overlap is too small. A curve
        that is not monotone has a BD-metric all the same; the remarks say that it is not.

    Raises:
        ValueError: a rate that is not positive, a score that is not finite, an empty rate range.
    """
    first, second = _sorted_curves(anchor, test, higher_is_better, rate_range)
    remarks = _complaints(first, second, min_points, higher_is_better)
    spans = _rate_span(first, rate_range), _rate_span(second, rate_range)
    overlap, trouble = _overlap(spans, (first.rates, second.rates), "rates", min_overlap)
    remarks += trouble
    shown = overlap and Overlap(10**overlap.low, 10**overlap.high, overlap.fraction)
    usable = all(len(p.rates) >= min_points and np.all(np.diff(p.rates)) for p in (first, second))
    if trouble or overlap is None or not usable:
        return Delta(None, shown, remarks)
    difference = _mean_difference("score", first, second, overlap, interpolation)
    return Delta(difference if higher_is_better else -difference, shown, remarks)


def _sorted_curves(
    anchor: Curve, test: Curve, higher_is_better: bool, rate_range: tuple[float, float] | None
) -> tuple[_Points, _Points]:
    _check_range(rate_range)
    return (
        _sorted_points("the anchor", anchor, higher_is_better),
        _sorted_points("the tested curve", test, higher_is_better),
    )


def _sorted_points(name: str, curve: Curve, higher_is_better: bool) -> _Points:
    ordered = np.array(sorted(curve), dtype=np.float64).reshape(-1, 2)
    if not (np.isfinite(ordered).all() and (ordered[:, 0] > 0).all()):
        raise ValueError(f"{name} has a rate that is not positive or a number that is not finite")
    turned = ordered[:, 1] if higher_is_better else -ordered[:, 1]
    return _Points(name, np.log10(ordered[:, 0]), turned)


def _check_range(rate_range: tuple[float, float] | None) -> None:
    if rate_range is not None and not 0 < rate_range[0] < rate_range[1]:
        raise ValueError(f"{rate_range[0]:g} to {rate_range[1]:g} bpp is no range of rates")


def _complaints(
    first: _Points, second: _Points, min_points: int, higher_is_better: bool
) -> tuple[str, ...]:
    """Everything that is wrong with the two curves, each by itself."""
    found = []
    sign = 1 if higher_is_better else -1
    for points in (first, second):
        if len(points.rates) < min_points:
            found.append(f"{points.name} has {len(points.rates)} points, fewer than {min_points}")
        for k in range(len(points.rates) - 1):
            low, high = (10 ** float(rate) for rate in points.rates[k : k + 2])
            before, after = (sign * float(score) for score in points.scores[k : k + 2])
            if points.rates[k] == points.rates[k + 1]:
                found.append(f"{points.name} has two points at {low:.5g} bpp")
            elif points.scores[k] >= points.scores[k + 1]:
                found.append(
                    f"{points.name} does not get better from {low:.5g} to {high:.5g} bpp "
                    f"({before:.5g} to {after:.5g})"
                )
    return tuple(found)


def _score_span(points: _Points, rate_range: tuple[float, float] | None) -> _Span | None:
    """Lowest and highest score of the part in the range; None if there is no such part."""
    rates = _rate_span(points, rate_range)
    if rates is None:
        return None
    inside = (points.rates >= rates[0]) & (points.rates <= rates[1])
    ends = np.interp(rates, points.rates, points.scores)
    scores = np.concatenate([points.scores[inside], ends])
    return float(scores.min()), float(scores.max())


def _rate_span(points: _Points, rate_range: tuple[float, float] | None) -> _Span | None:
    """Lowest and highest log rate of the part in the range; None if there is no such part."""
    if not len(points.rates):
        return None
    low, high = float(points.rates[0]), float(points.rates[-1])
    if rate_range is not None:
        ends = np.log10(rate_range)
        low, high = max(low, float(ends[0])), min(high, float(ends[1]))
    return (low, high) if low <= high else None


def _overlap(
    spans: tuple[_Span | None, _Span | None],
    measured: tuple[_Array, _Array],
    what: str,
    min_overlap: float,
) -> tuple[Overlap | None, tuple[str, ...]]:
    """What two intervals share, as a share of the narrower whole curve; and what is wrong."""
    first, second = spans
    if first is None or second is None:
        return None, ("a curve has no part in the range of rates",)
    low, high = max(first[0], second[0]), min(first[1], second[1])
    if low >= high:
        return None, (f"the {what} do not overlap",)
    fraction = (high - low) / min(float(np.ptp(whole)) for whole in measured)
    overlap = Overlap(low, high, fraction)
    if fraction < min_overlap:
        return overlap, (
            f"the {what} overlap by {100 * fraction:.2g} % of the narrower curve, "
            f"less than {100 * min_overlap:g} %",
        )
    return overlap, _sparse(overlap, *measured)


def _sparse(overlap: Overlap, first: _Array, second: _Array) -> tuple[str, ...]:
    """Whether so little was measured where both curves are that the rest is interpolation."""
    slack = 1e-9 * (overlap.high - overlap.low)
    at = np.concatenate([first, second])
    count = int(np.sum((at >= overlap.low - slack) & (at <= overlap.high + slack)))
    if count >= MIN_POINTS_IN_OVERLAP:
        return ()
    return (f"{count} points lie in the overlap, fewer than {MIN_POINTS_IN_OVERLAP}",)


def _oriented(overlap: Overlap | None, higher_is_better: bool) -> Overlap | None:
    """An overlap of turned scores, in the scores as they were given."""
    if overlap is None or higher_is_better:
        return overlap
    return Overlap(-overlap.high, -overlap.low, overlap.fraction)


def _mean_difference(
    what: Literal["rate", "score"],
    first: _Points,
    second: _Points,
    overlap: Overlap,
    interpolation: Interpolation,
) -> float:
    """Mean of log10 rate over the overlap of scores, or of score over that of log rates."""
    import bjontegaard  # imports matplotlib

    compare = bjontegaard.bd_rate if what == "rate" else bjontegaard.bd_psnr
    splines: tuple[Any, Any] = compare(
        *(10**first.rates, first.scores, 10**second.rates, second.scores),
        method=interpolation,
        require_matching_points=False,
        interpolators=True,
        min_overlap=0,  # was checked, and over the range of rates that is asked for
    )[1:]
    # the package's own mean is over all that the curves share, whatever the range of rates
    areas = [float(spline.integrate(overlap.low, overlap.high)) for spline in splines]
    return (areas[1] - areas[0]) / (overlap.high - overlap.low)
