"""One number from the scores of many frames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from freegvc.errors import UsageError

POOLINGS = ("mean", "p95", "max")
_TAIL_PERCENT = 95.0


@dataclass(frozen=True, slots=True)
class Pooled:
    """Summary of many scores; the tail and the worst are on the bad side of the metric.

    Attributes:
        mean: of all scores.
        tail: 95 % of the scores are as good or better: p95, or p5 where larger is better.
        worst: the largest score, or the smallest where larger is better.
        num_scores: how many scores are defined.
    """

    mean: float
    tail: float
    worst: float
    num_scores: int


def pool_scores(scores: npt.ArrayLike, *, higher_is_better: bool) -> Pooled | None:
    """Mean, tail and worst of the defined scores; None if no score is defined.

    Args:
        scores: float64 [N]; NaN where a score is not defined.
        higher_is_better: direction of the scale.
    """
    values = np.asarray(scores, dtype=np.float64).ravel()
    values = values[~np.isnan(values)]
    if not len(values):
        return None
    percent = 100.0 - _TAIL_PERCENT if higher_is_better else _TAIL_PERCENT
    worst = values.min() if higher_is_better else values.max()
    tail = np.percentile(values, percent)
    return Pooled(float(values.mean()), float(tail), float(worst), len(values))


def pool(scores: npt.ArrayLike, pooling: str, *, higher_is_better: bool) -> float:
    """One of the three numbers of `pool_scores`, by its name.

    Args:
        scores: float64 [N], N >= 1; NaN where a score is not defined.
        pooling: one of `POOLINGS`; "p95" and "max" take the worse end of the scores.
        higher_is_better: direction of the scale.

    Raises:
        UsageError: the pooling is unknown, or no score is defined.
    """
    if pooling not in POOLINGS:
        raise UsageError(f"pooling is {pooling!r}, but must be one of {', '.join(POOLINGS)}")
    pooled = pool_scores(scores, higher_is_better=higher_is_better)
    if pooled is None:
        raise UsageError("there are no scores to pool: score one frame or more")
    return {"mean": pooled.mean, "p95": pooled.tail, "max": pooled.worst}[pooling]


def pool_gops(
    scores: npt.ArrayLike, gops: Sequence[range], *, higher_is_better: bool
) -> list[Pooled | None]:
    """`pool_scores` of each GOP.

    Args:
        scores: float64 [T], one for each frame.
        gops: the frames of each GOP.
        higher_is_better: direction of the scale.
    """
    values = np.asarray(scores, dtype=np.float64)
    return [
        pool_scores(values[gop.start : gop.stop], higher_is_better=higher_is_better) for gop in gops
    ]


def worst_frames(
    scores: npt.ArrayLike, count: int, *, higher_is_better: bool
) -> list[tuple[int, float]]:
    """Index and score of the worst frames, the worst first, equal ones in frame order.

    Args:
        scores: float64 [T]; frames whose score is NaN are left out.
        count: how many frames; all of them if there are fewer.
        higher_is_better: direction of the scale.
    """
    values = np.asarray(scores, dtype=np.float64)
    order = np.argsort(values if higher_is_better else -values, kind="stable")
    defined = [int(k) for k in order if not np.isnan(values[k])]
    return [(k, float(values[k])) for k in defined[:count]]
