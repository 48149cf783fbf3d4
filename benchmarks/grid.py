"""What a coarse walk costs: the KL of a walk against a fine one to the same stop step.

python -m benchmarks.grid ../shared/data/clips/basketballpass

The bits of a walk are an upper Riemann sum of the model's squared error over SNR, so every grid
can be compared with a very fine one. Each step is delivered exactly: no channel coder blurs it.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.frames import first_frames
from benchmarks.record import RESULTS, write_record
from freegvc.channel.counter import Address, Kind
from freegvc.channel.normals import noise
from freegvc.channel.pfr.shot import PfrShot
from freegvc.priors import load_prior
from freegvc.trajectory import Sender, grid_to

STOP_STEPS = (880, 830, 790, 750)
GRIDS = {
    "first 0.1, growth 1.05": (0.1, 1.05),
    "first 0.1, growth 1.10": (0.1, 1.10),
    "first 0.1, growth 1.15": (0.1, 1.15),
    "first 0.1, growth 1.25": (0.1, 1.25),
    "first 0.1, growth 1.50": (0.1, 1.50),
    "first 0.05, growth 1.15": (0.05, 1.15),
    "first 0.2, growth 1.15": (0.2, 1.15),
}
FINE = (0.02, 1.01)


class ExactChannel:
    """Delivers n = delta + eps itself."""

    name = "exact"

    def encode(self, delta: torch.Tensor, address: Address) -> tuple[PfrShot, torch.Tensor]:
        """Nothing to send, and n."""
        eps = noise(address, Kind.FREE_NOISE, len(delta), delta.device)
        return PfrShot(16, 16, np.zeros(0, dtype=np.int64)), delta + eps

    def decode(self, shot: PfrShot, dims: int, address: Address) -> torch.Tensor:
        """There is no receiver here."""
        raise NotImplementedError

    def predicted_bits(self, kl_bits: float) -> float:
        """The lower bound."""
        return kl_bits


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("video", type=Path)
    parser.add_argument("--frames", type=int, default=48)
    parser.add_argument("--out", type=Path, default=RESULTS / "grid.json")
    options = parser.parse_args()
    frames = first_frames(options.video, options.frames)
    prior = load_prior()
    latent = prior.encode_frames(frames)
    pixels = frames[..., 0].size
    rows: list[dict[str, Any]] = []
    for stop in STOP_STEPS:
        _, fine_bits = walk(prior, latent, stop, *FINE)
        for name, (first, growth) in GRIDS.items():
            steps, bits = walk(prior, latent, stop, first, growth)
            rows.append(
                {
                    "stop_step": stop,
                    "bpp_of_fine_walk": round(fine_bits / pixels, 5),
                    "grid": name,
                    "steps": steps,
                    "kl_over_fine": round(bits / fine_bits, 4),
                }
            )
            print(rows[-1], flush=True)
    settings = {"video": options.video.name, "frames": len(frames), "fine": FINE}
    write_record(options.out, {"settings": settings, "walks": rows})


def walk(
    prior: Any, latent: torch.Tensor, stop: int, first: float, growth: float
) -> tuple[int, float]:
    """Steps and KL in bits of one walk."""
    sender = Sender(prior, latent, ExactChannel(), key=0, gop=0)
    timesteps = grid_to(prior.schedule, stop, first_step=first, growth=growth)
    for timestep in timesteps:
        sender.extend(timestep)
    return len(timesteps), sum(sender.kl_bits)


if __name__ == "__main__":
    main()
