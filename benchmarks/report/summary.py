"""What Bjontegaard deltas of many sequences say together: median and mean, wins and losses."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.report.curves import CurveSet
from benchmarks.report.deltas import NOT_AVAILABLE, Deltas, RateRange, deltas_of
from benchmarks.report.document import Table
from freegvc.metrics import SCORES

BETTER, WORSE, NOT_COMPARABLE = "better", "worse", "not comparable"
HOW_SUMMED_UP = (
    "Median and mean are over the sequences that have a BD-rate, whose number follows. A codec is "
    "better on a sequence if it takes fewer bits, or, where there is no BD-rate, if it has the "
    "better score at equal rate; sequences that allow neither are not counted."
)


@dataclass(frozen=True)
class Summary:
    """Of the deltas of a codec against one anchor, in one metric.

    Attributes:
        rates: BD-rates in per cent, of the sequences that have one.
        better, worse: on how many sequences, with a BD-rate or without.
        not_comparable: on how many sequences neither can be said.
    """

    rates: tuple[float, ...]
    better: int
    worse: int
    not_comparable: int

    @property
    def median(self) -> str:
        """Of the BD-rates, for a cell."""
        return f"{np.median(self.rates):+.1f} %" if self.rates else NOT_AVAILABLE

    @property
    def mean(self) -> str:
        """Of the BD-rates, for a cell."""
        return f"{np.mean(self.rates):+.1f} %" if self.rates else NOT_AVAILABLE

    @property
    def wins(self) -> str:
        """Such as "9 of 15": of those that can be compared."""
        return f"{self.better} of {self.better + self.worse}"


def judged(deltas: Deltas | None) -> str:
    """Whether a codec is better than the anchor: by rate, or else by score at equal rate."""
    if deltas is None:
        return NOT_COMPARABLE
    if deltas.rate.value is not None:
        return BETTER if deltas.rate.value < 0 else WORSE
    if deltas.score.value is None:
        return NOT_COMPARABLE
    is_up = deltas.score.value > 0
    return BETTER if is_up == SCORES[deltas.metric].higher_is_better else WORSE


def summary(found: Iterable[Deltas | None]) -> Summary:
    """Sum up the deltas of several sequences; None where a codec has no such scores."""
    deltas = list(found)
    rates = [one.rate.value for one in deltas if one is not None and one.rate.value is not None]
    verdicts = [judged(one) for one in deltas]
    counts = [verdicts.count(verdict) for verdict in (BETTER, WORSE, NOT_COMPARABLE)]
    return Summary(tuple(rates), *counts)


def bd_summary(
    sets: Mapping[str, Sequence[CurveSet]],
    codecs: Sequence[str],
    anchor: str,
    rate_range: RateRange,
) -> Table:
    """Each codec over all sequences: median and mean of the BD-rates, and wins.

    Args:
        sets: metric to the curves on each sequence.
        codecs, anchor, rate_range: as of `bd_overview`; the anchor is left out.
    """
    rows = []
    for metric, each in sets.items():
        found = [deltas_of(curves, anchor, metric, rate_range) for curves in each]
        for codec in codecs:
            if codec != anchor:
                about = summary(deltas.get(codec) for deltas in found)
                counts = (str(len(about.rates)), about.wins)
                rows.append((SCORES[metric].label, codec, about.median, about.mean, *counts))
    return Table(
        f"BD-rates against {anchor} over sequences",
        ("metric", "codec", "median", "mean", "BD-rates", "better on"),
        tuple(rows),
        (HOW_SUMMED_UP,),
    )
