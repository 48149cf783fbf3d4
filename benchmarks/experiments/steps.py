"""How few steps are enough: placements and variances of p, from the errors of a prior.

The errors are those of a record of `python -m benchmarks errors`, the stop steps CogVideoX-2B's:

equal      p has q's variance, what the codec sends
inflated   p's variance is q's times 1 + |delta|^2 / D, the best single factor: what a coder could
           send that scales its candidates too

Both are means over clips, over the limit of infinitely many steps (1.0).
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.experiments.base import Measurement
from benchmarks.experiments.error_curve import ErrorCurve, load_curves
from benchmarks.experiments.grid import SCHEDULES
from benchmarks.record import RESULTS

STOP_STEPS = (500, 300, 100, 50)
COUNTS = (8, 12, 16, 25, 50)
FIRST = 0.025  # of the growing grids


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument("--errors", type=Path, default=RESULTS / "errors.json")


def records(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """The record: one row for each stop step, number of steps and placement."""
    settings, curves = load_curves(options.errors)
    schedule, _ = SCHEDULES["CogVideoX-2B"]
    rows = []
    for stop in STOP_STEPS:
        root = schedule.snr(stop) ** 0.5
        for count in COUNTS:
            grids = {
                "even in sqrt(SNR)": [np.linspace(0.0, root, count + 1)] * len(curves),
                f"growing from {FIRST}": [growing(count, root)] * len(curves),
                "best (needs the errors beforehand)": [best(count, root, c) for c in curves],
            }
            for placement, walks in grids.items():
                rows.append(
                    {
                        "stop_step": stop,
                        "snr": round(root**2, 3),
                        "steps": count,
                        "placement": placement,
                        "equal": _over_limit(curves, walks, is_inflated=False),
                        "inflated": _over_limit(curves, walks, is_inflated=True),
                    }
                )
    clips = ", ".join(curve.clip for curve in curves)
    yield {"settings": {**settings, "clips": clips}, "rows": rows}


def _over_limit(
    curves: Sequence[ErrorCurve],
    walks: Sequence[npt.NDArray[np.float64]],
    *,
    is_inflated: bool,
) -> float:
    """Mean over clips of the bits over the limit's."""
    ratios = [
        curve.bits(walk, is_inflated=is_inflated) / curve.limit(walk[-1])
        for curve, walk in zip(curves, walks, strict=True)
    ]
    return round(float(np.mean(ratios)), 4)


def growing(count: int, root: float) -> npt.NDArray[np.float64]:
    """Steps FIRST g^k with the g that ends at `root`; even ones where that is below 1."""
    if root <= FIRST * count:
        return np.linspace(0.0, root, count + 1)
    low, high = 1.0, 1e3
    for _ in range(200):
        growth = (low * high) ** 0.5
        reached = FIRST * sum(growth**k for k in range(count))
        low, high = (growth, high) if reached < root else (low, growth)
    return np.concatenate([[0.0], FIRST * np.cumsum(growth ** np.arange(count))])


def best(count: int, root: float, curve: ErrorCurve) -> npt.NDArray[np.float64]:
    """The grid with the fewest bits, by dynamic programming over 400 levels."""
    levels = root * np.linspace(0.0, 1.0, 401) ** 2
    errors = curve.at(levels)
    step_cost = np.maximum(levels[None, :] ** 2 - levels[:, None] ** 2, 0.0) * errors[:, None]
    step_cost[np.tri(len(levels), dtype=bool)] = np.inf
    cost = np.full(len(levels), np.inf)
    cost[0] = 0.0
    came_from = []
    for _ in range(count):
        totals = cost[:, None] + step_cost
        came_from.append(totals.argmin(axis=0))
        cost = totals.min(axis=0)
    path = [len(levels) - 1]
    for origins in reversed(came_from):
        path.append(int(origins[path[-1]]))
    return levels[path[::-1]]


EXPERIMENT = Measurement(__doc__ or "", add_arguments, records)
