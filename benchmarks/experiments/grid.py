"""What a coarse walk costs: the KL of a walk against that of a fine one to the same stop step.

The bits of a walk are an upper Riemann sum of the model's squared error over SNR, so every grid
can be compared with a very fine one. Each step is delivered exactly: no channel coder blurs it.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from benchmarks.experiments.base import Experiment, Row
from benchmarks.frames import Frames
from freegvc.bitstream import Shot
from freegvc.channel.counter import Address, Kind
from freegvc.channel.normals import noise
from freegvc.priors import Prior
from freegvc.trajectory import Sender, grid_to

STOP_STEPS = (880, 830, 790, 750)
GRIDS = ((0.1, 1.05), (0.1, 1.1), (0.1, 1.15), (0.1, 1.25), (0.1, 1.5), (0.05, 1.15), (0.2, 1.15))
FINE = (0.02, 1.01)


class ExactChannel:
    """Delivers n = delta + eps itself."""

    name = "exact"

    def encode(self, delta: torch.Tensor, address: Address) -> tuple[Shot, torch.Tensor]:
        """Nothing to send, and n."""
        eps = noise(address, Kind.FREE_NOISE, len(delta), delta.device)
        return Shot(16, 16, np.zeros(0, dtype=np.int64)), delta + eps

    def decode(self, shot: Shot, dims: int, address: Address) -> torch.Tensor:
        """There is no receiver here."""
        raise NotImplementedError

    def predicted_bits(self, kl_bits: float) -> float:
        """The lower bound."""
        return kl_bits


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
    sender = Sender(prior, latent, ExactChannel(), key=0, gop=0)
    timesteps = grid_to(prior.schedule, stop, first_step=first, growth=growth)
    for timestep in timesteps:
        sender.extend(timestep)
    return len(timesteps), sum(sender.kl_bits)


EXPERIMENT = Experiment(__doc__, measure, ("basketballpass",), 48, {"fine": FINE})
