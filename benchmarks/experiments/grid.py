"""What a coarse walk costs: the KL of a walk against that of a fine one to the same stop step.

The bits of a walk are an upper Riemann sum of the model's squared error over SNR, so every grid
can be compared with a very fine one. Each step is delivered exactly: no channel coder blurs it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import torch

from benchmarks.experiments.base import Experiment, Row
from benchmarks.frames import Frames
from freegvc._channel.counter import Kind
from freegvc._channel.normals import noise
from freegvc._trajectory import Walk, grid_to
from freegvc.priors import Prior

STOP_STEPS = (880, 830, 790, 750)
GRIDS = ((0.1, 1.05), (0.1, 1.1), (0.1, 1.15), (0.1, 1.25), (0.1, 1.5), (0.05, 1.15), (0.2, 1.15))
FINE = (0.02, 1.01)


def measure(name: str, frames: Frames, prior: Prior) -> Iterator[Row]:
    """One row for each stop step and grid."""
    del name
    latent = prior.encode_frames(frames)
    for stop in STOP_STEPS:
        _, fine_bits = walk(prior, latent, stop, *FINE)
        for first, growth in GRIDS:
            steps, bits = walk(prior, latent, stop, first, growth)
            yield {
                "stop_step": stop,
                "bpp_of_fine_walk": round(fine_bits / frames[..., 0].size, 5),
                "grid": f"first {first}, growth {growth:.2f}",
                "steps": steps,
                "kl_over_fine": round(bits / fine_bits, 4),
            }


def walk(
    prior: Prior, latent: torch.Tensor, stop: int, first: float, growth: float
) -> tuple[int, float]:
    """Steps and KL in bits of one walk."""
    timesteps = grid_to(prior.schedule, stop, first_step=first, growth=growth)
    _, kl_bits = exact_walk(prior, latent, timesteps)
    return len(timesteps), sum(kl_bits)


def exact_walk(
    prior: Prior, latent: torch.Tensor, timesteps: Sequence[int]
) -> tuple[list[float], list[float]]:
    """A walk whose channel delivers n = delta + eps exactly.

    Args:
        prior: the model.
        latent: y, float32 [C, T', h', w'].
        timesteps: where its steps arrive.

    Returns:
        ||y - x0_hat||^2 after 0, 1, ... steps, and the KL of each step in bits.
    """
    channels, t, h, w = latent.shape
    trajectory = Walk(prior, prior.fit(latent), (channels, t, h, w), key=0, gop=0)
    state = trajectory.start()
    errors, kl_bits = [], []
    for timestep in timesteps:
        error = latent - trajectory.x0_hat(state)
        errors.append(float(error.double().square().sum()))
        step = trajectory.kernel(state, timestep)
        kl_bits.append(step.kl_nats(errors[-1]) / math.log(2.0))
        address = trajectory.address(state.num_steps)
        eps = noise(address, Kind.FREE_NOISE, latent.numel(), latent.device)
        state = trajectory.advance(state, timestep, step.delta_scale * error.flatten() + eps)
    error = latent - trajectory.x0_hat(state)
    return [*errors, float(error.double().square().sum())], kl_bits


EXPERIMENT = Experiment(__doc__, measure, ("basketballpass",), 48, {"fine": FINE})
