"""The walk that sender and receiver share, and fusion across GOPs."""

from freegvc.trajectory.fusion import fuse
from freegvc.trajectory.grid import grid_to
from freegvc.trajectory.receiver import receive
from freegvc.trajectory.sender import Sender
from freegvc.trajectory.walk import State, Walk

__all__ = ["Sender", "State", "Walk", "fuse", "grid_to", "receive"]
