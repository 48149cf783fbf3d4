"""Deterministic samplers for the silent part: from the stop step to the clean latent.

Both are written for any path z = alpha x0 + sigma eps and take `predict_x0(z, timestep)`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from freegvc._diffusion.levels import CLEAN, NoiseLevel, NoiseSchedule

if TYPE_CHECKING:
    from torch import Tensor

PredictX0 = Callable[["Tensor", int], "Tensor"]


def silent_timesteps(stop_step: int, num_steps: int) -> list[int]:
    """Timesteps at which the silent part calls the model: stop_step first, in even integer strides.

    Pure integer arithmetic, so that every decoder makes the same calls. Fewer than `num_steps`
    where the stop step is small.
    """
    steps = [stop_step * (num_steps - i) // num_steps for i in range(num_steps)]
    return list(dict.fromkeys(steps))


def ddim(
    z: Tensor, timesteps: Sequence[int], schedule: NoiseSchedule, predict_x0: PredictX0
) -> Tensor:
    """DDIM with eta = 0 (Song et al. 2021, eq. 12); equals Euler's method for flow matching.

    Args:
        z: state at timesteps[0], any shape.
        timesteps: strictly decreasing; after the last one the clean level follows.

    Returns:
        The clean latent, same shape as `z`.
    """
    for t, (noisy, less_noisy) in zip(timesteps, _pairs(timesteps, schedule), strict=True):
        x0 = predict_x0(z, t)
        ratio = less_noisy.sigma / noisy.sigma
        z = ratio * z + (less_noisy.alpha - ratio * noisy.alpha) * x0
    return z


def dpmpp2m(
    z: Tensor, timesteps: Sequence[int], schedule: NoiseSchedule, predict_x0: PredictX0
) -> Tensor:
    """Deterministic DPM-Solver++ (2M) (Lu et al. 2022, algorithm 2), first order at both ends.

    Same arguments and result as `ddim`.
    """
    previous_x0: Tensor | None = None
    previous_h = 0.0
    for t, (noisy, less_noisy) in zip(timesteps, _pairs(timesteps, schedule), strict=True):
        x0 = predict_x0(z, t)
        ratio = less_noisy.sigma / noisy.sigma
        # the step in lambda = log(alpha / sigma); infinite, and first order, at both ends
        h = 0.5 * math.log(less_noisy.snr / noisy.snr) if noisy.alpha and less_noisy.sigma else 0.0
        target = x0
        if previous_x0 is not None and previous_h and h:
            target = x0 + (h / (2.0 * previous_h)) * (x0 - previous_x0)
        z = ratio * z + (less_noisy.alpha - ratio * noisy.alpha) * target
        previous_x0, previous_h = x0, h
    return z


SAMPLERS = {"ddim": ddim, "dpmpp2m": dpmpp2m}


def _pairs(
    timesteps: Sequence[int], schedule: NoiseSchedule
) -> list[tuple[NoiseLevel, NoiseLevel]]:
    levels = [*(schedule.level(t) for t in timesteps), CLEAN]
    return list(pairwise(levels))
