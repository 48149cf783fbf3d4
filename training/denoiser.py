"""Train the denoiser on cached latents: python -m training.denoiser --out DIR. Resumable."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor

from freegvc.priors.small.autoencoder import SPATIAL_STRIDE, TEMPORAL_STRIDE
from freegvc.priors.small.denoiser import Denoiser, schedule
from training.data import prefetch
from training.denoising_loss import denoising_loss
from training.latents import LATENTS_FOLDER, Latents
from training.options import parser_of
from training.session import Session
from training.weights import save_weights

PIXELS = TEMPORAL_STRIDE * SPATIAL_STRIDE**2  # of one point of a latent
SIZES = ((12, 16, 16), (12, 16, 32), (12, 32, 32), (6, 30, 52))  # instants, rows, columns


def batch_at(latents: Latents, step: int, points: int) -> Tensor:
    """The batch of a step: float32 [B, 16, T', h, w] of about `points` points in all."""
    rng = np.random.default_rng([3, step])
    size = SIZES[int(rng.integers(len(SIZES)))]
    return latents.batch(rng, max(1, round(points / math.prod(size))), size)


def main() -> None:
    """Train until the minutes are over; the same command then continues the run."""
    parser = parser_of(__doc__, 5e-4)
    parser.add_argument("--denoiser", type=Path, help="weights to start from")
    parser.add_argument("--points", type=int, default=6144, help="latent points of a batch")
    parser.add_argument("--latents", type=Path, default=LATENTS_FOLDER)
    args = parser.parse_args()

    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    args.out.mkdir(parents=True, exist_ok=True)
    latents = Latents.open(args.latents)
    model = Denoiser()
    if args.denoiser:
        model.load_state_dict(load_file(args.denoiser))
    model.to(args.device).to(memory_format=torch.channels_last)
    session = Session(model, args.out, "denoiser", args.learning_rate, 60 * args.minutes)
    alpha, sigma = (table.float().to(args.device) for table in schedule())
    for batch in prefetch(
        lambda step: batch_at(latents, step, args.points), session.step, args.workers
    ):
        latent = batch.to(args.device)
        session.update(*denoising_loss(model, latent, session.step, (alpha, sigma), PIXELS))
        if session.is_over:
            break
    session.save()
    save_weights(session.averaged, args.out / "denoiser.safetensors")


if __name__ == "__main__":
    main()
