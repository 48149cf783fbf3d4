"""Where to stop the walk: at a step, within a number of bytes, or at a quality."""

from freegvc.control.stopping import (
    Stopper,
    stop_at_quality,
    stop_at_step,
    stop_within_bytes,
    worthwhile,
)
from freegvc.control.targets import QualityTarget, RateTarget, StepTarget, Target, make_target

__all__ = [
    "QualityTarget",
    "RateTarget",
    "StepTarget",
    "Stopper",
    "Target",
    "make_target",
    "stop_at_quality",
    "stop_at_step",
    "stop_within_bytes",
    "worthwhile",
]
