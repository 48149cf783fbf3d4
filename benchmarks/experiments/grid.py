"""What a coarse grid costs: the bits of its walk over those of a very fine one to the same stop.

The errors are those of a record of `python -m benchmarks errors`; the stop steps are those of the
schedules below, whose streams stop at these SNRs.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.experiments.base import Measurement
from benchmarks.experiments.error_curve import load_curves, roots_to
from benchmarks.record import RESULTS
from freegvc._control.effort import EFFORTS
from freegvc._diffusion import NoiseSchedule
from freegvc._trajectory import Pace
from freegvc.priors import PriorDefaults

# the paper's stop steps with CogVideoX-2B, and the timesteps of the same SNRs
SCHEDULES = {
    "CogVideoX-2B": (
        NoiseSchedule.scaled_linear(0.00085, 0.012, snr_shift_scale=3.0),
        (500, 400, 300, 200, 100, 50),
    ),
    "CogVideoX-5B": (
        NoiseSchedule.scaled_linear(0.00085, 0.012),
        (638, 551, 455, 343, 205, 117),
    ),
    "Wan, LTX": (NoiseSchedule.flow_matching(), (755, 683, 602, 506, 379, 285)),
}
DEFAULTS = PriorDefaults()
OWN = Pace(DEFAULTS.first_step, DEFAULTS.growth)
OTHERS = (Pace(0.1, 1.15), Pace(0.06, 1.06), Pace(0.03, 1.06), Pace(0.025, 1.0))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument("--errors", type=Path, default=RESULTS / "errors.json")


def records(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """The record: one row for each clip, schedule, stop step and grid."""
    settings, curves = load_curves(options.errors)
    rows = []
    for schedule_name, (schedule, stops) in SCHEDULES.items():
        for grid_name, pace in paces().items():
            for stop in stops:
                roots = roots_to(schedule, stop, pace)
                rows += [
                    {
                        "clip": curve.clip,
                        "schedule": schedule_name,
                        "stop_step": stop,
                        "snr": round(float(roots[-1]) ** 2, 3),
                        "grid": grid_name,
                        "steps": len(roots) - 1,
                        "bits_over_fine": round(curve.bits(roots) / curve.limit(roots[-1]), 4),
                    }
                    for curve in curves
                ]
    yield {"settings": settings, "rows": rows}


def paces() -> dict[str, Pace]:
    """The grids of the efforts, and others, by what tables call them."""
    efforts = {name: OWN.scaled(effort.step_scale) for name, effort in EFFORTS.items()}
    named = {f"{name}: {_words(pace)}": pace for name, pace in efforts.items()}
    return named | {_words(pace): pace for pace in OTHERS}


def _words(pace: Pace) -> str:
    return f"first {pace.first_step:.4g}, growth {pace.growth:.4g}"


EXPERIMENT = Measurement(__doc__ or "", add_arguments, records)
