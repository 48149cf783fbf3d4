"""The posterior and the reverse kernel of one step, in float64 on the scalars."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from freegvc._diffusion.levels import NoiseLevel

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, slots=True)
class Kernel:
    """One step from noise level t to the less noisy s.

    The posterior is q(z_s | z_t, x0) = N(z_scale z_t + x0_scale x0, std^2 I); the reverse kernel
    p(z_s | z_t) is the same with x0_hat for x0 (Ho et al. 2020, eq. 6-7; Kingma et al. 2021,
    appendix A). In units of std their means differ by delta = delta_scale (x0 - x0_hat).

    Attributes:
        z_scale: r sigma_s^2 / sigma_t^2 with r = alpha_t / alpha_s.
        x0_scale: alpha_s var_ts / sigma_t^2 with var_ts = sigma_t^2 - r^2 sigma_s^2.
        std: sqrt(var_ts sigma_s^2 / sigma_t^2).
        delta_scale: sqrt(SNR_s - SNR_t).
    """

    z_scale: float
    x0_scale: float
    std: float
    delta_scale: float

    def mean(self, z: Tensor, x0: Tensor) -> Tensor:
        """Mean of z_s given z_t and x0 (or x0_hat); same shape and dtype as `z`."""
        return self.z_scale * z + self.x0_scale * x0

    def kl_nats(self, squared_error: float) -> float:
        """KL(q || p) = (SNR_s - SNR_t) / 2 * ||x0 - x0_hat||^2, in nats."""
        return 0.5 * self.delta_scale**2 * squared_error


def kernel(noisy: NoiseLevel, less_noisy: NoiseLevel) -> Kernel:
    """The kernel of the step from `noisy` (t) to `less_noisy` (s).

    Raises:
        ValueError: s is not strictly less noisy than t, or s is the clean level.
    """
    t, s = noisy, less_noisy
    if s.sigma == 0.0 or not s.snr > t.snr:
        raise ValueError(f"a step must lead to a less noisy, not clean level: {t} -> {s}")
    r = t.alpha / s.alpha
    # 1 - SNR_t / SNR_s, written so that it does not cancel when the levels are close
    gain = (s.alpha / s.sigma - t.alpha / t.sigma) * (s.alpha / s.sigma + t.alpha / t.sigma)
    share = gain / s.snr  # = var_ts / sigma_t^2
    return Kernel(
        z_scale=r * (s.sigma / t.sigma) ** 2,
        x0_scale=s.alpha * share,
        std=s.sigma * math.sqrt(share),
        delta_scale=math.sqrt(gain),
    )
