"""How few steps are enough: placements and variances of p, from one fine walk on AnalyticPrior.

python -m benchmarks.steps ../shared/data/clips/basketballpass

The squared error of the prediction at a noise level does not depend on the steps that led there:
every grid leaves z_t ~ N(alpha y, sigma^2). So one fine walk gives the error as a function of
sqrt(SNR), and with it the bits of every other grid to the same stop step:

equal      p has q's variance: sum of (SNR_s - SNR_t) / 2 |error|^2, what the codec sends
inflated   p's variance is q's times 1 + |delta|^2 / D, the best single factor: sum of
           D / 2 log(1 + |delta|^2 / D), what a coder could send that shrinks variance too

Both are over the limit of infinitely many steps (1.0).
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.frames import first_frames
from benchmarks.grid import ExactChannel
from benchmarks.record import RESULTS, write_record
from freegvc.priors import load_prior
from freegvc.trajectory import Sender, grid_to

STOP_STEPS = (880, 830, 790, 750)
COUNTS = (8, 12, 16, 25, 50)
FIRST = 0.1  # of the growing grids
Curve = tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("video", type=Path)
    parser.add_argument("--frames", type=int, default=48)
    parser.add_argument("--out", type=Path, default=RESULTS / "steps.json")
    options = parser.parse_args()
    frames = first_frames(options.video, options.frames)
    dims, curve, roots = error_curve(frames)
    rows: list[dict[str, Any]] = []
    for stop, root in zip(STOP_STEPS, roots, strict=True):
        limit = bits(np.linspace(0.0, root, 4000), curve, None)
        for count in COUNTS:
            for name, grid in placements(count, root, curve).items():
                rows.append(
                    {
                        "stop_step": stop,
                        "bpp_limit": round(limit / frames[..., 0].size, 5),
                        "steps": count,
                        "placement": name,
                        "equal": round(bits(grid, curve, None) / limit, 4),
                        "inflated": round(bits(grid, curve, dims) / limit, 4),
                    }
                )
                print(rows[-1], flush=True)
    settings = {"video": options.video.name, "frames": len(frames)}
    write_record(options.out, {"settings": settings, "walks": rows})


def error_curve(frames: npt.NDArray[np.uint8]) -> tuple[int, Curve, list[float]]:
    """D, |y - x0_hat|^2 over sqrt(SNR), and sqrt(SNR) of the stop steps."""
    prior = load_prior()
    latent = prior.encode_frames(frames)
    schedule = prior.schedule
    sender = Sender(prior, latent, ExactChannel(), key=0, gop=0)
    roots, errors = [0.0], [sender.squared_error()]
    for timestep in grid_to(schedule, min(STOP_STEPS), first_step=0.01, growth=1.02):
        sender.extend(timestep)
        roots.append(schedule.snr(timestep) ** 0.5)
        errors.append(sender.squared_error())
    stops = [schedule.snr(stop) ** 0.5 for stop in STOP_STEPS]
    return latent.numel(), (np.array(roots), np.array(errors)), stops


def bits(grid: npt.NDArray[np.float64], curve: Curve, dims: int | None) -> float:
    """Bits of a walk along a grid in sqrt(SNR); with `dims` for a p of inflated variance."""
    errors = np.interp(grid[:-1], *curve)
    energies = np.diff(grid**2) * errors
    nats = energies / 2 if dims is None else dims / 2 * np.log1p(energies / dims)
    return float(nats.sum() / np.log(2.0))


def placements(count: int, root: float, curve: Curve) -> dict[str, npt.NDArray[np.float64]]:
    """Grids of `count` steps from 0 to `root`."""
    even = np.linspace(0.0, root, count + 1)
    return {
        "even in sqrt(SNR)": even,
        f"growing from {FIRST}": growing(count, root) if root > FIRST * count else even,
        "best (needs the errors beforehand)": best(count, root, curve),
    }


def growing(count: int, root: float) -> npt.NDArray[np.float64]:
    """Steps FIRST g^k with the g that ends at `root`."""
    low, high = 1.0, 1e3
    for _ in range(200):
        growth = (low * high) ** 0.5
        reached = FIRST * sum(growth**k for k in range(count))
        low, high = (growth, high) if reached < root else (low, growth)
    return np.concatenate([[0.0], FIRST * np.cumsum(growth ** np.arange(count))])


def best(count: int, root: float, curve: Curve) -> npt.NDArray[np.float64]:
    """The grid with the fewest bits, by dynamic programming over 400 levels."""
    levels = root * np.linspace(0.0, 1.0, 401) ** 2
    errors = np.interp(levels, *curve)
    step_cost = np.maximum(levels[None, :] ** 2 - levels[:, None] ** 2, 0.0) * errors[:, None]
    step_cost[np.tri(len(levels), dtype=bool)] = np.inf
    cost = np.full(len(levels), np.inf)
    cost[0] = 0.0
    came_from = []
    for _ in range(count):
        totals = cost[:, None] + step_cost
        came_from.append(totals.argmin(axis=0))
        cost = totals.min(axis=0)
    path = [len(levels) - 1]
    for origins in reversed(came_from):
        path.append(int(origins[path[-1]]))
    return levels[path[::-1]]


if __name__ == "__main__":
    main()
