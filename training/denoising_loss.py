"""What a denoiser is trained to minimise: the coding cost of latents."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from training.noise_levels import LOW_U, timesteps_at


def denoising_loss(
    model: nn.Module, latent: Tensor, step: int, levels: tuple[Tensor, Tensor], pixels: int
) -> tuple[Tensor, dict[str, Tensor]]:
    """Squared error of v, and the bits per pixel of a walk to LOW_U that it stands for.

    Args:
        model: predicts v [B, C, T', h, w] of noisy latents and timesteps [B].
        latent: float32 [B, C, T', h, w].
        step: keys the random choices.
        levels: alpha and sigma, float32 [1001], on the latent's device.
        pixels: that one point of the latent covers, over its frames.
    """
    generator = torch.Generator(latent.device).manual_seed(step)
    timesteps = timesteps_at(len(latent), generator)
    noise = torch.randn(latent.shape, device=latent.device, generator=generator)
    alpha, sigma = (table[timesteps][:, None, None, None, None] for table in levels)
    kind = latent.device.type
    # in training, bfloat16 convolutions of these sizes are slower than float32 on a CPU
    with torch.autocast(kind, torch.bfloat16, enabled=kind == "cuda"):
        predicted = model(alpha * latent + sigma * noise, timesteps).float()
    error = (predicted - (alpha * noise - sigma * latent)).square().mean((1, 2, 3, 4))
    low = error.detach()[sigma.flatten() > math.exp(-LOW_U / 2)]
    if not len(low):
        return error.mean(), {}
    return error.mean(), {
        "bpp_low": low.mean() * LOW_U / 2 / math.log(2) * latent.shape[1] / pixels
    }
