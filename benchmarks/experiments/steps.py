"""How few steps are enough: placements and variances of p, from one fine walk.

The squared error of the prediction at a noise level does not depend on the steps that led there:
every grid leaves z_t ~ N(alpha y, sigma^2). So one fine walk gives the error as a function of
sqrt(SNR), and with it the bits of every other grid to the same stop step:

equal      p has q's variance: sum of (SNR_s - SNR_t) / 2 |error|^2, what the codec sends
inflated   p's variance is q's times 1 + |delta|^2 / D, the best single factor: sum of
           D / 2 log(1 + |delta|^2 / D), what a coder could send that shrinks variance too

Both are over the limit of infinitely many steps (1.0).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from benchmarks.experiments.base import Experiment, Row
from benchmarks.experiments.grid import STOP_STEPS, exact_walk
from benchmarks.frames import Frames
from freegvc._trajectory import grid_to
from freegvc.priors import Prior

COUNTS = (8, 12, 16, 25, 50)
FIRST = 0.1  # of the growing grids
Curve = tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]


def measure(name: str, frames: Frames, prior: Prior) -> Iterator[Row]:
    """One row for each stop step, number of steps and placement."""
    del name
    dims, curve, roots = error_curve(frames, prior)
    for stop, root in zip(STOP_STEPS, roots, strict=True):
        limit = bits(np.linspace(0.0, root, 4000), curve, None)
        for count in COUNTS:
            for placement, grid in placements(count, root, curve).items():
                yield {
                    "stop_step": stop,
                    "bpp_limit": round(limit / frames[..., 0].size, 5),
                    "steps": count,
                    "placement": placement,
                    "equal": round(bits(grid, curve, None) / limit, 4),
                    "inflated": round(bits(grid, curve, dims) / limit, 4),
                }


def error_curve(frames: Frames, prior: Prior) -> tuple[int, Curve, list[float]]:
    """D, |y - x0_hat|^2 over sqrt(SNR), and sqrt(SNR) of the stop steps."""
    latent = prior.encode_frames(frames)
    schedule = prior.schedule
    timesteps = grid_to(schedule, min(STOP_STEPS), first_step=0.01, growth=1.02)
    roots = [0.0, *(schedule.snr(timestep) ** 0.5 for timestep in timesteps)]
    errors, _ = exact_walk(prior, latent, timesteps)
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


EXPERIMENT = Experiment(__doc__, measure, ("basketballpass",), 48)
