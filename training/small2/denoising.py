"""Train the denoiser of freegvc-small 2 on latents that the frozen autoencoder makes as it goes."""

from __future__ import annotations

import torch

from training.data import normalise
from training.denoising_loss import denoising_loss
from training.session import Session
from training.small2.autoencoder import SPATIAL_STRIDE, TEMPORAL_STRIDE, Autoencoder
from training.small2.clips import DeviceClips
from training.small2.denoiser import Denoiser, schedule

LEARNING_RATE = 1e-3
LENGTH, SIDE = 48, 192  # of a training sample, in frames and pixels
PIXELS = TEMPORAL_STRIDE * SPATIAL_STRIDE**2  # of one point of a latent
DRAWS = 2  # noisy versions of each sample in a batch: encoding costs as much as a draw


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
        latents = latent.repeat(DRAWS, 1, 1, 1, 1)
        session.update(*denoising_loss(model, latents, session.step, (alpha, sigma), PIXELS))
    session.save()
