"""Train the decoder of freegvc-small 2 on what the codec gives it.

At a low rate that is not a clean latent but what the silent part makes of the last coded state.
Encoder and latents stay as they are, so the denoiser stays valid.
"""

from __future__ import annotations

import torch

from training.data import normalise
from training.noise_levels import timesteps_of
from training.perceptual import Lpips
from training.picture_loss import picture_loss
from training.session import Session
from training.silent_part import silent_part
from training.small2.autoencoder import Autoencoder
from training.small2.clips import DeviceClips
from training.small2.denoiser import Denoiser, schedule
from training.small2.train import LENGTH, SIDE

LEARNING_RATE = 5e-4
CLEAN_SHARE = 0.25  # of the clips are decoded from their own latents
LOW_U, HIGH_U = 0.05, 2.3  # log(1 + SNR) of the others: where streams of 0.002 to 0.05 bpp stop


def train_decoder(
    session: Session[Autoencoder],
    denoiser: Denoiser,
    clips: DeviceClips,
    metrics: dict[str, Lpips],
    pixels: int,
) -> None:
    """Train the decoder until the session is over, then save the autoencoder."""
    device = clips.clips[0].device
    alpha, sigma = (table.float().to(device) for table in schedule())
    count = max(1, pixels // (LENGTH * SIDE * SIDE))
    model = session.model.train()
    model.encoder.requires_grad_(False)
    while not session.is_over:
        video = normalise(clips.batch((6, session.step), count, LENGTH, SIDE))
        generator = torch.Generator(device).manual_seed(session.step)
        with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
            with torch.no_grad():
                latent = model.encode(video).float()
                share = torch.rand(count, generator=generator, device=device)
                stop = timesteps_of(LOW_U + (HIGH_U - LOW_U) * share)
                noise = torch.randn(latent.shape, generator=generator, device=device)
                at = [table[stop][:, None, None, None, None] for table in (alpha, sigma)]
                made = silent_part(denoiser, at[0] * latent + at[1] * noise, stop, (alpha, sigma))
                is_clean = torch.rand(count, generator=generator, device=device) < CLEAN_SHARE
                given = torch.where(is_clean[:, None, None, None, None], latent, made)
            decoded = model.decode(given).float()
            loss, parts = picture_loss(metrics, video, decoded, session.step)
        session.update(loss, parts)
    session.save()
