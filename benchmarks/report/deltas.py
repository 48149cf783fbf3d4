"""Bjontegaard deltas as tables: each with the overlap it is over, or the reason there is none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.bjontegaard_delta import Delta, bd_metric, bd_rate
from benchmarks.rate_curve import Overlap
from benchmarks.report.curves import Curve, CurveSet
from benchmarks.report.document import Table
from benchmarks.report.result_tables import NOT_MEASURED
from freegvc.metrics import SCORES

NOT_AVAILABLE = "N/A"
RateRange = tuple[float, float] | None


@dataclass(frozen=True)
class Deltas:
    """BD-rate and BD-metric of a codec against the anchor, in a metric."""

    metric: str
    rate: Delta
    score: Delta

    @property
    def remarks(self) -> str:
        """All that is wrong with the curves, each thing once."""
        return "; ".join(dict.fromkeys((*self.rate.remarks, *self.score.remarks)))

    @property
    def rate_text(self) -> str:
        """The BD-rate for a cell."""
        return NOT_AVAILABLE if self.rate.value is None else f"{self.rate.value:+.2f} %"

    @property
    def score_text(self) -> str:
        """The BD-metric for a cell."""
        about = SCORES[self.metric]
        if self.score.value is None:
            return NOT_AVAILABLE
        return f"{self.score.value:+.{about.decimals}f}{about.unit}"

    @property
    def score_span(self) -> str:
        """The scores that the BD-rate is over."""
        return _span(self.rate.overlap, f".{SCORES[self.metric].decimals}f")


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
    missing: Sequence[str] = (),
) -> Table:
    """All datasets and metrics at once, from the averaged curves, as in the paper's Table I.

    Args:
        means: metric to the averages of each dataset.
        codecs: the columns, without the anchor's.
        anchor: label of the codec against which the differences are.
        rate_range: to which curves are cut.
        missing: metrics that could not be computed, which have a row that says so.
    """
    shown = [codec for codec in codecs if codec != anchor]
    rows = []
    for metric, sets in means.items():
        for curves in sets:
            found = deltas_of(curves, anchor, metric, rate_range)
            cells = [_overview_cell(found.get(codec)) for codec in shown]
            rows.append((curves.title, SCORES[metric].label, *cells))
    rows += [("all", SCORES[metric].label, *(NOT_MEASURED for _ in shown)) for metric in missing]
    return Table(
        f"BD-rate and BD-metric against {anchor}",
        ("sequences", "metric", *shown),
        tuple(rows),
        ("Below each pair the scores that the BD-rate is over, or why there is no BD-rate.",),
    )


def bd_table(
    title: str, sets: Sequence[CurveSet], anchor: str, metric: str, rate_range: RateRange
) -> Table:
    """One row for each set of curves and codec; arguments as of `bd_overview`."""
    rows = [
        (
            curves.title,
            codec,
            deltas.rate_text,
            deltas.score_text,
            deltas.score_span,
            _span(deltas.score.overlap, ".4f"),
            deltas.remarks,
        )
        for curves in sets
        for codec, deltas in deltas_of(curves, anchor, metric, rate_range).items()
    ]
    label = SCORES[metric].label
    header = ("sequences", "codec", "BD-rate", f"BD-{label}", f"{label} overlap", "bpp overlap")
    return Table(f"{title}, anchor {anchor}", (*header, "remarks"), tuple(rows))


def deltas_of(
    curves: CurveSet, anchor: str, metric: str, rate_range: RateRange
) -> dict[str, Deltas]:
    """The deltas of every codec of a set but the anchor."""
    by_codec = {curve.codec: curve for curve in curves.curves}
    reference = by_codec.pop(anchor, None)
    if reference is None:
        missing = Delta(None, None, (f"{anchor} has no curve here",))
        return dict.fromkeys(by_codec, Deltas(metric, missing, missing))
    return {
        codec: _deltas(reference, curve, metric, rate_range) for codec, curve in by_codec.items()
    }


def _deltas(anchor: Curve, curve: Curve, metric: str, rate_range: RateRange) -> Deltas:
    first, second = (list(zip(c.bpp, c.scores, strict=True)) for c in (anchor, curve))
    up = SCORES[metric].higher_is_better
    return Deltas(
        metric,
        bd_rate(first, second, higher_is_better=up, rate_range=rate_range),
        bd_metric(first, second, higher_is_better=up, rate_range=rate_range),
    )


def _overview_cell(deltas: Deltas | None) -> str:
    if deltas is None:
        return f"{NOT_AVAILABLE}\nno curve here"
    about = deltas.remarks if deltas.rate.value is None else deltas.score_span
    return f"{deltas.rate_text} / {deltas.score_text}\n{about}"


def _span(overlap: Overlap | None, spec: str) -> str:
    return "none" if overlap is None else f"{overlap.low:{spec}} to {overlap.high:{spec}}"
