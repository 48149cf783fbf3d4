"""Where the sender steps: a grid in sqrt(SNR), in integer timesteps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from freegvc._diffusion import NoiseSchedule


@dataclass(frozen=True, slots=True)
class Pace:
    """How a grid steps in sqrt(SNR) = alpha / sigma.

    The step from r is first_step + (growth - 1) r.

    Args:
        first_step: from pure noise, above 0.
        growth: factor from each step to the next, at least 1.
    """

    first_step: float
    growth: float

    def scaled(self, factor: float) -> Pace:
        """The pace whose steps are `factor` times as large everywhere."""
        return Pace(factor * self.first_step, 1.0 + factor * (self.growth - 1.0))


def grid_to(schedule: NoiseSchedule, stop_step: int, pace: Pace) -> list[int]:
    """Timesteps of a walk from pure noise to `stop_step`, which is the last one.

    Only the sender uses it: the stream carries the timesteps themselves.

    Args:
        schedule: integer timesteps and their noise levels.
        stop_step: where to stop, 0 <= stop_step <= start; at start the list is empty.
        pace: of the grid.

    Returns:
        Strictly decreasing timesteps, without the start.
    """
    root, step = 0.0, pace.first_step
    timesteps: list[int] = []
    timestep = schedule.start
    while timestep > stop_step:
        root += step
        step *= pace.growth
        timestep = max(min(schedule.noisiest_with(root * root), timestep - 1), stop_step)
        timesteps.append(timestep)
    return timesteps
