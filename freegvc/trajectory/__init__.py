"""The walk that sender and receiver share, its silent end, and fusion across GOPs."""

from freegvc.trajectory.drift import DRIFT_LIMIT_SIGMA
from freegvc.trajectory.fusion import fuse
from freegvc.trajectory.grid import grid_to
from freegvc.trajectory.receiver import Received, receive
from freegvc.trajectory.seams import Seams
from freegvc.trajectory.sender import Sender
from freegvc.trajectory.silent import GNVC_VD, GNVC_VD_STEPS, Silent, refine_timestep
from freegvc.trajectory.walk import State, Walk

__all__ = [
    "DRIFT_LIMIT_SIGMA",
    "GNVC_VD",
    "GNVC_VD_STEPS",
    "Received",
    "Seams",
    "Sender",
    "Silent",
    "State",
    "Walk",
    "fuse",
    "grid_to",
    "receive",
    "refine_timestep",
]
