"""Noise levels and schedules of z = alpha x0 + sigma eps: variance preserving or flow matching."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class NoiseLevel:
    """One noise level of the path z = alpha x0 + sigma eps.

    Attributes:
        alpha: scale of the clean latent, in [0, 1].
        sigma: standard deviation of the noise, at least 0.
    """

    alpha: float
    sigma: float

    @property
    def snr(self) -> float:
        """Signal to noise ratio alpha^2 / sigma^2; infinite at the clean level."""
        return math.inf if self.sigma == 0.0 else (self.alpha / self.sigma) ** 2


CLEAN = NoiseLevel(1.0, 0.0)


class NoiseSchedule:
    """Noise levels at the integer timesteps 0 .. start; larger is noisier.

    The table is float64, and its noisiest level is pure noise (alpha = 0), so that
    z_start ~ N(0, I) holds exactly and costs no bits.

    Args:
        alpha: float64 [start + 1], strictly decreasing, alpha[start] = 0.
        sigma: float64 [start + 1], sigma[t] > 0; alpha / sigma strictly decreasing.

    Raises:
        ValueError: the table is not such a path.
    """

    def __init__(self, alpha: npt.ArrayLike, sigma: npt.ArrayLike) -> None:
        self.alpha = np.array(alpha, dtype=np.float64)
        self.sigma = np.array(sigma, dtype=np.float64)
        if self.alpha.ndim != 1 or self.alpha.shape != self.sigma.shape or self.alpha.size < 2:
            raise ValueError(
                f"a schedule needs two tables of one length of at least 2, "
                f"got shapes {self.alpha.shape} and {self.sigma.shape}"
            )
        if self.alpha[-1] != 0.0:
            raise ValueError(
                f"the noisiest level must be pure noise: alpha[{self.alpha.size - 1}] is "
                f"{self.alpha[-1]}, not 0; rescale the schedule to zero terminal SNR"
            )
        if not (np.all(self.sigma > 0) and np.all(np.diff(self.alpha / self.sigma) < 0)):
            raise ValueError("sigma must be positive and alpha / sigma must fall strictly with t")
        self.alpha.flags.writeable = self.sigma.flags.writeable = False

    @classmethod
    def from_alphas_cumprod(cls, alphas_cumprod: npt.ArrayLike) -> NoiseSchedule:
        """Variance preserving schedule from the cumulative products abar of DDPM."""
        abar = np.asarray(alphas_cumprod, dtype=np.float64)
        return cls(np.sqrt(abar), np.sqrt(1.0 - abar))

    @classmethod
    def scaled_linear(
        cls,
        beta_start: float,
        beta_end: float,
        num_timesteps: int = 1000,
        *,
        snr_shift_scale: float = 1.0,
    ) -> NoiseSchedule:
        """Latent diffusion's schedule with zero terminal SNR, as CogVideoX uses it.

        sqrt(beta) is linear in t; abar = prod(1 - beta) is shifted to abar / (s + (1 - s) abar)
        (Yang et al. 2024, CogVideoX, section 3.3), then sqrt(abar) is moved and scaled so that it
        ends at 0 and begins where it was (Lin et al. 2023, algorithm 1).

        Args:
            beta_start, beta_end: first and last beta.
            num_timesteps: length of the table.
            snr_shift_scale: s; 1 does not shift.
        """
        betas = np.linspace(beta_start**0.5, beta_end**0.5, num_timesteps) ** 2
        abar = np.cumprod(1.0 - betas)
        root = np.sqrt(abar / (snr_shift_scale + (1.0 - snr_shift_scale) * abar))
        first, last = root[0], root[-1]
        return cls.from_alphas_cumprod(((root - last) * (first / (first - last))) ** 2)

    @classmethod
    def flow_matching(cls, start: int = 1000) -> NoiseSchedule:
        """Rectified flow on integer timesteps: sigma = t / start, alpha = 1 - sigma.

        Timestep 0 would be the clean latent itself, whose SNR is infinite; it stands at half a
        step instead, so that every level of the schedule can be coded to.
        """
        sigma = np.arange(start + 1, dtype=np.float64) / start
        sigma[0] = 0.5 / start
        return cls(1.0 - sigma, sigma)

    @property
    def start(self) -> int:
        """The noisiest timestep."""
        return self.alpha.size - 1

    def level(self, timestep: int) -> NoiseLevel:
        """The noise level of an integer timestep in 0 .. start."""
        return NoiseLevel(float(self.alpha[timestep]), float(self.sigma[timestep]))

    def snr(self, timestep: int) -> float:
        """SNR of an integer timestep."""
        return self.level(timestep).snr

    def noisiest_with(self, snr: float) -> int:
        """The noisiest timestep whose SNR is at least `snr`; 0 if there is none."""
        root = self.alpha / self.sigma
        reached = np.flatnonzero(root >= math.sqrt(snr))
        return int(reached[-1]) if reached.size else 0
