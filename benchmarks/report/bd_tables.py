"""Bjontegaard deltas as tables: each with the overlap it is over, or the reason there is none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.bjontegaard_delta import Delta, Overlap, bd_metric, bd_rate
from benchmarks.report.curves import Curve, CurveSet
from benchmarks.report.document import Table
from freegvc.metrics import SCORES

NOT_AVAILABLE = "N/A"
RateRange = tuple[float, float] | None


@dataclass(frozen=True)
class Deltas:
    """BD-rate and BD-metric of a codec against the anchor."""

    rate: Delta
    score: Delta

    @property
    def remarks(self) -> str:
        """All that is wrong with the curves, each thing once."""
        return "; ".join(dict.fromkeys((*self.rate.remarks, *self.score.remarks)))


def bd_rules(rate_range: RateRange) -> str:
    """What the numbers mean."""
    within = ""
    if rate_range is not None:
        within = f" Curves are cut to {rate_range[0]:g} to {rate_range[1]:g} bpp before."
    return (
        "BD-rate: mean difference in rate at equal score, over the scores that both curves reach; "
        "negative is fewer bits than the anchor. BD-metric: mean difference in score at equal "
        f"rate, over the rates that both curves reach.{within} Each table says what they are over."
    )


def bd_overview(
    means: Mapping[str, Sequence[CurveSet]],
    codecs: Sequence[str],
    anchor: str,
    rate_range: RateRange,
) -> Table:
    """All datasets and metrics at once, from the averaged curves, as in the paper's Table I.

    Args:
        means: metric to the averages of each dataset.
        codecs: the columns, without the anchor's.
        anchor: label of the codec against which the differences are.
        rate_range: to which curves are cut.
    """
    shown = [codec for codec in codecs if codec != anchor]
    rows = []
    for metric, sets in means.items():
        for curves in sets:
            found = deltas_of(curves, anchor, metric, rate_range)
            cells = [_overview_cell(metric, found.get(codec)) for codec in shown]
            rows.append((curves.title, SCORES[metric].label, *cells))
    return Table(
        f"BD-rate and BD-metric against {anchor}",
        ("sequences", "metric", *shown),
        tuple(rows),
        ("Below each pair the scores that the BD-rate is over, or why there is no BD-rate.",),
    )


def bd_table(
    title: str, sets: Sequence[CurveSet], anchor: str, metric: str, rate_range: RateRange
) -> Table:
    """One row for each set of curves and codec.

    Args:
        title: of the table.
        sets: averages, or curves of sequences.
        anchor: label of the codec against which the differences are.
        metric: of the scores.
        rate_range: to which curves are cut.
    """
    rows = []
    for curves in sets:
        for codec, delta in deltas_of(curves, anchor, metric, rate_range).items():
            rows.append(
                (
                    curves.title,
                    codec,
                    _rate(delta),
                    _score(metric, delta),
                    _span(delta.rate.overlap, f".{SCORES[metric].decimals}f"),
                    _span(delta.score.overlap, ".4f"),
                    delta.remarks,
                )
            )
    label = SCORES[metric].label
    header = ("sequences", "codec", "BD-rate", f"BD-{label}", f"{label} overlap", "bpp overlap")
    return Table(f"{title}, anchor {anchor}", (*header, "remarks"), tuple(rows))


def deltas_of(
    curves: CurveSet, anchor: str, metric: str, rate_range: RateRange
) -> dict[str, Deltas]:
    """The delta of every codec of a set but the anchor."""
    by_codec = {curve.codec: curve for curve in curves.curves}
    reference = by_codec.pop(anchor, None)
    if reference is None:
        missing = Delta(None, None, (f"{anchor} has no curve here",))
        return dict.fromkeys(by_codec, Deltas(missing, missing))
    return {
        codec: _deltas(reference, curve, metric, rate_range) for codec, curve in by_codec.items()
    }


def _deltas(anchor: Curve, curve: Curve, metric: str, rate_range: RateRange) -> Deltas:
    first, second = (list(zip(c.bpp, c.scores, strict=True)) for c in (anchor, curve))
    up = SCORES[metric].higher_is_better
    return Deltas(
        bd_rate(first, second, higher_is_better=up, rate_range=rate_range),
        bd_metric(first, second, higher_is_better=up, rate_range=rate_range),
    )


def _overview_cell(metric: str, delta: Deltas | None) -> str:
    if delta is None:
        return f"{NOT_AVAILABLE}\nno curve here"
    about = delta.remarks
    if delta.rate.value is not None:
        about = _span(delta.rate.overlap, f".{SCORES[metric].decimals}f")
    return f"{_rate(delta)} / {_score(metric, delta)}\n{about}"


def _rate(delta: Deltas) -> str:
    return NOT_AVAILABLE if delta.rate.value is None else f"{delta.rate.value:+.2f} %"


def _score(metric: str, delta: Deltas) -> str:
    about = SCORES[metric]
    if delta.score.value is None:
        return NOT_AVAILABLE
    return f"{delta.score.value:+.{about.decimals}f}{about.unit}"


def _span(overlap: Overlap | None, spec: str) -> str:
    return "none" if overlap is None else f"{overlap.low:{spec}} to {overlap.high:{spec}}"
