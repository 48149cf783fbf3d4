"""The walk of sender and receiver, its silent end, and fusion across GOPs."""

from freegvc._trajectory.drift import DRIFT_LIMIT_SIGMA
from freegvc._trajectory.fusion import fuse
from freegvc._trajectory.grid import Pace, grid_to
from freegvc._trajectory.receiver import Received, receive
from freegvc._trajectory.seams import Seams
from freegvc._trajectory.sender import Sender
from freegvc._trajectory.silent import GNVC_VD, GNVC_VD_STEPS, Silent, refine_timestep
from freegvc._trajectory.walk import State, Walk

__all__ = [
    "DRIFT_LIMIT_SIGMA",
    "GNVC_VD",
    "GNVC_VD_STEPS",
    "Pace",
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
