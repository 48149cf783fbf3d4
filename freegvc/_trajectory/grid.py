"""Where the sender steps: a grid in sqrt(SNR), in integer timesteps."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from freegvc._diffusion import NoiseSchedule


def grid_to(
    schedule: NoiseSchedule,
    stop_step: int,
    *,
    first_step: float,
    growth: float,
) -> list[int]:
    """Timesteps of a walk from pure noise to `stop_step`, which is the last one.

    Only the sender uses it: the stream carries the timesteps themselves.

    Args:
        schedule: integer timesteps and their noise levels.
        stop_step: where to stop, 0 <= stop_step <= start; at start the list is empty.
        first_step: first step in sqrt(SNR).
        growth: factor from each step to the next.

    Returns:
        Strictly decreasing timesteps, without the start.
    """
    root, step = 0.0, first_step
    timesteps: list[int] = []
    timestep = schedule.start
    while timestep > stop_step:
        root += step
        step *= growth
        timestep = max(min(schedule.noisiest_with(root**2), timestep - 1), stop_step)
        timesteps.append(timestep)
    return timesteps
