"""Train the denoiser on cached latents: python -m training.denoiser --out DIR. Resumable."""

from __future__ import annotations

import math
import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from freegvc.priors.small.denoiser import Denoiser, schedule
from training.checkpoint import Run, prefetch
from training.latents import LATENTS_FOLDER, Latents
from training.noise_levels import LOW_U, NUM_TIMESTEPS, timesteps_at
from training.options import parser_of

LOG_STEPS = 50
SAVE_SECONDS = 120

SIZES = ((12, 16, 16), (12, 16, 32), (12, 32, 32), (6, 30, 52))  # instants, rows, columns


def batch_at(latents: Latents, step: int, points: int) -> Tensor:
    """The batch of a step: float32 [B, 16, T', h, w] of about `points` points in all."""
    rng = np.random.default_rng([3, step])
    size = SIZES[int(rng.integers(len(SIZES)))]
    return latents.batch(rng, max(1, round(points / math.prod(size))), size)


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
    """Train until the minutes are over; the same command then continues the run."""
    parser = parser_of(__doc__, 5e-4)
    parser.add_argument("--points", type=int, default=6144, help="latent points of a batch")
    parser.add_argument("--latents", type=Path, default=LATENTS_FOLDER)
    parser.add_argument("--save-weights-only", action="store_true", help="no optimizer state")
    args = parser.parse_args()

    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    latents = Latents.open(args.latents)
    model = Denoiser().to(args.device).to(memory_format=torch.channels_last)
    run = Run(args.out, model, args.learning_rate)
    alpha, sigma = schedule()
    levels = (alpha.float().to(args.device), sigma.float().to(args.device))
    low_u_step = int(math.asin(math.exp(-LOW_U / 2)) * 2 * NUM_TIMESTEPS / math.pi)
    kind = torch.device(args.device).type
    began = saved = time.monotonic()
    errors: list[Tensor] = []
    times: list[Tensor] = []

    batches = prefetch(lambda step: batch_at(latents, step, args.points), run.step, args.workers)
    for batch in batches:
        latent = batch.to(args.device)
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
