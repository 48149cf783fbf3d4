"""The end of a walk, as the codec makes it: DDIM in a few calls after the last coded step."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

SILENT_STEPS = 3  # calls of the denoiser after the last coded step


@torch.no_grad()
def silent_part(
    denoiser: Callable[[Tensor, Tensor], Tensor],
    z: Tensor,
    stop: Tensor,
    levels: tuple[Tensor, Tensor],
) -> Tensor:
    """Where DDIM leads from states z in SILENT_STEPS calls.

    Args:
        denoiser: v of states and their timesteps [B].
        z: float32 [B, C, T', h, w].
        stop: timesteps of the states, integers [B].
        levels: alpha and sigma, float32 [1001], on the states' device.
    """
    x0 = z
    for left in range(SILENT_STEPS, 0, -1):
        timesteps = stop * left // SILENT_STEPS
        now, following = (
            [table[at][:, None, None, None, None] for table in levels]
            for at in (timesteps, stop * (left - 1) // SILENT_STEPS)
        )
        x0 = now[0] * z - now[1] * denoiser(z, timesteps).float()
        ratio = following[1] / now[1]
        z = ratio * z + (following[0] - ratio * now[0]) * x0
    return x0
