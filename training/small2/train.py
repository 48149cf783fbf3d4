"""Train the autoencoder of freegvc-small 2."""

from __future__ import annotations

import torch
from torch import Tensor

from training.data import normalise
from training.perceptual import Lpips
from training.picture_loss import POWER, noisy, picture_loss
from training.principal_components import amplitudes
from training.session import Session
from training.small2.autoencoder import LATENT_CHANNELS, Autoencoder, to_blocks
from training.small2.clips import DeviceClips

LEARNING_RATE = 8e-4
LENGTH, SIDE = 16, 128  # of a training sample


@torch.no_grad()
def start_at_principal_components(
    model: Autoencoder, clips: DeviceClips, batches: int = 40
) -> None:
    """Set the linear transform of blocks to the first principal components of the clips."""
    taken = [to_blocks(normalise(clips.batch((5, i), 8, 8, 96))) for i in range(batches)]
    samples = torch.cat(taken).permute(0, 2, 3, 1).flatten(0, 2).double().cpu()
    forth, back, mean = amplitudes(samples, LATENT_CHANNELS)
    for part, weight, bias in (
        (model.encoder, forth, -forth @ mean),
        (model.decoder, back, mean),
    ):
        part.linear.load_state_dict({"weight": weight[:, :, None, None], "bias": bias})


@torch.no_grad()
def normalise_latents(model: Autoencoder, clips: DeviceClips) -> None:
    """Set the buffers so that latents have zero mean in each channel and unit power over all."""
    model.mean.zero_()
    model.scale.fill_(1.0)
    latents = torch.cat(
        [model.encode(normalise(clips.batch((11, i), 4, 8, SIDE))).float() for i in range(16)]
    )
    model.mean.copy_(latents.mean((0, 2, 3, 4)))
    model.scale.copy_((latents - model.mean[:, None, None, None]).square().mean().sqrt())


def losses(
    model: Autoencoder, metrics: dict[str, Lpips], batch: Tensor, step: int
) -> tuple[Tensor, dict[str, Tensor]]:
    """The loss of a batch uint8 [B, T, 3, H, W], and its parts."""
    video = normalise(batch)
    kind = batch.device.type
    # bfloat16 is fast on a GPU only
    with torch.autocast(kind, torch.bfloat16, enabled=kind == "cuda"):
        latent = model.encode(video).float()
        decoded = model.decode(noisy(latent, step)).float()
        loss, parts = picture_loss(metrics, video, decoded, step)
    power = latent.square().mean()
    return loss + POWER * (power - 1.0).square(), {**parts, "power": power}


def train_autoencoder(
    session: Session[Autoencoder],
    clips: DeviceClips,
    metrics: dict[str, Lpips],
    pixels: int,
) -> None:
    """Train until the session is over, then normalise the latents of the average and save."""
    count = max(1, pixels // (LENGTH * SIDE * SIDE))
    model = session.model.train()
    while not session.is_over:
        batch = clips.batch((1, session.step), count, LENGTH, SIDE)
        session.update(*losses(model, metrics, batch, session.step))
    normalise_latents(session.averaged, clips)
    session.save()
