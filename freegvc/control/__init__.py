"""Where to stop the walk: at a step, within a number of bytes, or at a quality."""

from freegvc.control.path import Path
from freegvc.control.search import (
    AtBits,
    AtLimit,
    AtTimestep,
    Found,
    Goal,
    History,
    next_bits,
    search,
)
from freegvc.control.sharing import Option, even_loss, share_bits, state_at
from freegvc.control.stopping import Stopper, stop_at_step, stop_within_bytes, worthwhile
from freegvc.control.surrogate import PowerLaw, RatePoint, align, fit_power_law, loss_of
from freegvc.control.targets import (
    FirstGopTarget,
    Quality,
    QualityTarget,
    RateTarget,
    StepTarget,
    Target,
    default_metric,
    goal_of,
    make_target,
)

__all__ = [
    "AtBits",
    "AtLimit",
    "AtTimestep",
    "FirstGopTarget",
    "Found",
    "Goal",
    "History",
    "Option",
    "Path",
    "PowerLaw",
    "Quality",
    "QualityTarget",
    "RatePoint",
    "RateTarget",
    "StepTarget",
    "Stopper",
    "Target",
    "align",
    "default_metric",
    "even_loss",
    "fit_power_law",
    "goal_of",
    "loss_of",
    "make_target",
    "next_bits",
    "search",
    "share_bits",
    "state_at",
    "stop_at_step",
    "stop_within_bytes",
    "worthwhile",
]
