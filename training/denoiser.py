"""Train the denoiser: python -m training.denoiser --autoencoder FILE --out DIR [--minutes N]."""

from __future__ import annotations

import argparse
import math
import time
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor

from training.checkpoint import Run, prefetch
from training.data import CACHE_FOLDER, TRAIN_FOLDER, Clips, normalise
from training.model_autoencoder import Autoencoder
from training.model_denoiser import NUM_TIMESTEPS, Denoiser, schedule

LOG_STEPS = 50
SAVE_SECONDS = 120

# u = log(1 + SNR) is the axis of the bits: sum 1/2 (SNR_s - SNR_t) |x0 - x0_hat|^2 becomes
# 1/2 integral |v - v_hat|^2 du. Half of the steps train where low-rate streams stop, SNR below 6.4,
# the other half up to SNR 1096, where the silent part ends.
LOW_U, HIGH_U = 2.0, 7.0


def load_autoencoder(path: Path, device: str) -> Autoencoder:
    """The frozen autoencoder of a weights file."""
    model = Autoencoder()
    model.load_state_dict(load_file(path))
    model.eval().requires_grad_(False)
    return model.to(device).to(memory_format=torch.channels_last)


def batch_at(clips: Clips, step: int, pixels: int, crop: int) -> Tensor:
    """The batch of a step: uint8 [B, T, 3, crop, crop] of about `pixels` pixels in all."""
    rng = np.random.default_rng([3, step])
    length = int(rng.choice([16, 32, 48, 48]))
    count = max(1, round(pixels / (length * crop * crop)))
    return clips.batch(rng, count, length, (crop, crop))


def timesteps_at(count: int, generator: torch.Generator) -> Tensor:
    """Integer timesteps of a batch, stratified, half of them spread over u < LOW_U."""
    device = generator.device
    place = (
        torch.arange(count, device=device) + torch.rand(count, device=device, generator=generator)
    ) / count
    u = torch.where(place < 0.5, 2 * place * LOW_U, (2 * place - 1) * HIGH_U)
    angle = torch.asin(torch.exp(-u / 2))  # sigma = sin(angle) = (1 + SNR)^(-1/2)
    return (angle * (2 * NUM_TIMESTEPS / math.pi)).round().clamp(1, NUM_TIMESTEPS).long()


def loss_of(
    model: Denoiser, latent: Tensor, step: int, levels: tuple[Tensor, Tensor]
) -> tuple[Tensor, Tensor, Tensor]:
    """Squared error of v, per clip, and what it is averaged over.

    Args:
        model: the denoiser.
        latent: float32 [B, 16, T', h, w].
        step: keys the random choices.
        levels: alpha and sigma, float32 [1001], on the latent's device.

    Returns:
        The loss; the error [B]; the timesteps [B].
    """
    generator = torch.Generator(latent.device).manual_seed(step)
    timesteps = timesteps_at(len(latent), generator)
    noise = torch.randn(latent.shape, device=latent.device, generator=generator)
    alpha, sigma = (table[timesteps][:, None, None, None, None] for table in levels)
    predicted = model(alpha * latent + sigma * noise, timesteps).float()
    error = (predicted - (alpha * noise - sigma * latent)).square().mean((1, 2, 3, 4))
    return error.mean(), error.detach(), timesteps


def main() -> None:
    """Train until the minutes are over; the same command goes on from there."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--autoencoder", type=Path, required=True, help="its weights.safetensors")
    parser.add_argument("--minutes", type=float, default=math.inf)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--pixels", type=int, default=4 * 32 * 96 * 96, help="pixels of a batch")
    parser.add_argument("--crop", type=int, default=96)
    parser.add_argument("--learning-rate", type=float, default=5e-4)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--workers", type=int, default=1, help="threads that load data")
    parser.add_argument("--data", type=Path, default=TRAIN_FOLDER)
    parser.add_argument("--cache", type=Path, default=CACHE_FOLDER)
    parser.add_argument("--save-weights-only", action="store_true", help="no optimizer state")
    args = parser.parse_args()

    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    clips = Clips.open(args.data, args.cache)
    autoencoder = load_autoencoder(args.autoencoder, args.device)
    model = Denoiser().to(args.device).to(memory_format=torch.channels_last)
    run = Run(args.out, model, args.learning_rate)
    alpha, sigma = schedule()
    levels = (alpha.float().to(args.device), sigma.float().to(args.device))
    low_u_step = int(math.asin(math.exp(-LOW_U / 2)) * 2 * NUM_TIMESTEPS / math.pi)
    kind = torch.device(args.device).type
    began = saved = time.monotonic()
    errors: list[Tensor] = []
    times: list[Tensor] = []

    batches = prefetch(
        lambda step: batch_at(clips, step, args.pixels, args.crop), run.step, args.workers
    )
    for batch in batches:
        with torch.autocast(kind, torch.bfloat16), torch.no_grad():
            latent = autoencoder.encode(normalise(batch.to(args.device))).float()
        # in training, bfloat16 convolutions of these sizes are slower than float32 on a CPU
        with torch.autocast(kind, torch.bfloat16, enabled=kind == "cuda"):
            loss, error, timesteps = loss_of(model, latent, run.step, levels)
        run.update(loss)
        errors.append(error)
        times.append(timesteps)
        if run.step % LOG_STEPS == 0:
            error, timesteps = torch.cat(errors), torch.cat(times)
            low = float(error[timesteps > low_u_step].mean())
            # 16 channels on 4 x 8 x 8 pixels: 1/16 of a dimension for each pixel
            run.log(
                v_error=error.mean(), v_error_low=low, bpp_low=low * LOW_U / 2 / math.log(2) / 16
            )
            errors.clear()
            times.clear()
        now = time.monotonic()
        over = now - began > 60 * args.minutes
        if over or now - saved > SAVE_SECONDS:
            run.save(weights_only=args.save_weights_only)
            saved = now
        if over:
            break


if __name__ == "__main__":
    main()
