"""The squared error of a prior over sqrt(SNR), from which the bits of any grid follow.

Every walk leaves z_t ~ N(alpha y, sigma^2) whatever its steps, so the error at a noise level can be
measured once, at an independent sample of it. The bits of a walk are an upper Riemann sum of it:
sum of (SNR_s - SNR_t) / 2 ||y - x0_hat(z_t)||^2 / ln 2.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from freegvc._diffusion import NoiseSchedule
from freegvc._trajectory import Pace, grid_to
from freegvc.priors import Prior

_FINE = 4000  # steps of the walk that others are compared with


@dataclass(frozen=True)
class ErrorCurve:
    """||y - x0_hat||^2 of one clip.

    Args:
        clip: its name.
        dims: D of the latent.
        roots: sqrt(SNR), rising from 0.
        errors: at each of them.
    """

    clip: str
    dims: int
    roots: Sequence[float]
    errors: Sequence[float]

    def at(self, roots: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """The error at values of sqrt(SNR); its logarithm is interpolated."""
        return np.exp(np.interp(roots, self.roots, np.log(self.errors)))

    def bits(self, grid: npt.ArrayLike, *, is_inflated: bool = False) -> float:
        """Bits of a walk.

        Args:
            grid: sqrt(SNR) of its states, from 0 to where it stops.
            is_inflated: p's variance is q's times 1 + ||delta||^2 / D, the best single factor; what
                the codec sends has q's variance.
        """
        roots = np.asarray(grid, dtype=np.float64)
        energies = np.diff(roots**2) * self.at(roots[:-1])
        nats = self.dims / 2 * np.log1p(energies / self.dims) if is_inflated else energies / 2
        return float(nats.sum() / np.log(2.0))

    def limit(self, root: float) -> float:
        """Bits of a very fine walk to sqrt(SNR) = `root`."""
        return self.bits(np.linspace(0.0, root, _FINE))


def measure_error(prior: Prior, latent: torch.Tensor, timesteps: Sequence[int]) -> list[float]:
    """||y - x0_hat||^2 at independent samples of some noise levels."""
    generator = torch.Generator().manual_seed(0)
    side = prior.fit(latent)
    errors = []
    for timestep in timesteps:
        level = prior.schedule.level(timestep)
        noise = torch.randn(latent.shape, generator=generator).to(latent.device)
        predicted = prior.predict_x0(level.alpha * latent + level.sigma * noise, timestep, side)
        errors.append(float((latent - predicted).double().square().sum()))
    return errors


def roots_to(schedule: NoiseSchedule, stop_step: int, pace: Pace) -> npt.NDArray[np.float64]:
    """sqrt(SNR) of the states of a walk along a grid."""
    timesteps = grid_to(schedule, stop_step, pace)
    return np.sqrt([0.0, *(schedule.snr(timestep) for timestep in timesteps)])


def load_curves(path: Path) -> tuple[dict[str, Any], list[ErrorCurve]]:
    """The settings and the curves of a record of `python -m benchmarks errors`."""
    record = json.loads(path.read_text(encoding="utf-8"))
    curves = [
        ErrorCurve(row["clip"], row["dims"], row["root_snr"], row["squared_error"])
        for row in record["rows"]
    ]
    return record["settings"], curves
