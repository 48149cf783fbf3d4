"""Train the denoiser of freegvc-small 2 on latents that the frozen autoencoder makes as it goes."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from training.data import normalise
from training.noise_levels import LOW_U, timesteps_at
from training.session import Session
from training.small2.autoencoder import SPATIAL_STRIDE, TEMPORAL_STRIDE, Autoencoder
from training.small2.clips import DeviceClips
from training.small2.denoiser import Denoiser, schedule

LEARNING_RATE = 1e-3
LENGTH, SIDE = 48, 192  # of a training sample, in frames and pixels
DRAWS = 2  # noisy versions of each sample in a batch: encoding costs as much as a draw


def loss_of(
    model: Denoiser, latent: Tensor, step: int, levels: tuple[Tensor, Tensor]
) -> tuple[Tensor, dict[str, Tensor]]:
    """Squared error of v, and the bits per pixel of a walk to LOW_U that it stands for.

    Args:
        model: the denoiser.
        latent: float32 [B, 24, T', h, w].
        step: keys the random choices.
        levels: alpha and sigma, float32 [1001], on the latent's device.
    """
    generator = torch.Generator(latent.device).manual_seed(step)
    timesteps = timesteps_at(len(latent), generator)
    noise = torch.randn(latent.shape, device=latent.device, generator=generator)
    alpha, sigma = (table[timesteps][:, None, None, None, None] for table in levels)
    kind = latent.device.type
    with torch.autocast(kind, torch.bfloat16, enabled=kind == "cuda"):
        predicted = model(alpha * latent + sigma * noise, timesteps).float()
    error = (predicted - (alpha * noise - sigma * latent)).square().mean((1, 2, 3, 4))
    below = sigma.flatten() > math.exp(-LOW_U / 2)
    per_pixel = latent.shape[1] / (TEMPORAL_STRIDE * SPATIAL_STRIDE**2)
    low = (error.detach() * below).sum() / below.sum().clamp(min=1)
    return error.mean(), {"bpp_low": low * LOW_U / 2 / math.log(2) * per_pixel}


def train_denoiser(
    session: Session[Denoiser], autoencoder: Autoencoder, clips: DeviceClips, pixels: int
) -> None:
    """Train until the session is over, then save."""
    device = clips.clips[0].device
    alpha, sigma = (table.float().to(device) for table in schedule())
    count = max(1, pixels // (LENGTH * SIDE * SIDE))
    model = session.model.train()
    while not session.is_over:
        batch = clips.batch((3, session.step), count, LENGTH, SIDE)
        with (
            torch.no_grad(),
            torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"),
        ):
            latent = autoencoder.encode(normalise(batch)).float()
        session.update(
            *loss_of(model, latent.repeat(DRAWS, 1, 1, 1, 1), session.step, (alpha, sigma))
        )
    session.save()
