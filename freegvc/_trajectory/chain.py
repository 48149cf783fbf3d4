"""Chained GOPs: the latents that a GOP shares with the one before are known, and cost nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from freegvc._channel.counter import Address, Kind
from freegvc._channel.normals import noise

if TYPE_CHECKING:
    from torch import Tensor

    from freegvc.priors import LatentSpec, Prior


class Known:
    """The first latents of a GOP, as the GOP before was decoded, before the ones that are coded.

    The model sees them at the noise level of the others: alpha known + sigma eps. eps is public
    noise, the same for all steps of the GOP, so it moves along the probability flow as the silent
    part does. What the model predicts for them is ignored: they are what they are.

    Args:
        latents: clean, float32 [C, n, h', w'].
        address: key and GOP of the noise; its step is 0.
    """

    def __init__(self, latents: Tensor, address: Address) -> None:
        eps = noise(address, Kind.CONTEXT_NOISE, latents.numel(), latents.device)
        self.latents = latents
        self._eps = eps.reshape(latents.shape)

    def predict_x0(self, prior: Prior, z: Tensor, timestep: int, side: tuple[int, ...]) -> Tensor:
        """`Prior.predict_x0` of the other latents, given these.

        Args:
            prior: the model.
            z: float32 [C, T', h', w'] at noise level `timestep`, the latents after these.
            timestep, side: as for `Prior.predict_x0`; `side` is of all latents together.

        Returns:
            float32 tensor of z's shape.
        """
        import torch

        level = prior.schedule.level(timestep)
        before = level.alpha * self.latents + level.sigma * self._eps
        x0_hat = prior.predict_x0(torch.cat([before, z], 1), timestep, side)
        return x0_hat[:, before.shape[1] :]

    def joined(self, latent: Tensor) -> Tensor:
        """These latents and the ones after them."""
        import torch

        return torch.cat([self.latents, latent], 1)


def num_known(spec: LatentSpec, overlap: int) -> int:
    """Latents of a chained GOP that lie in the overlap with the GOP before.

    Args:
        spec: of the prior.
        overlap: m, in frames.
    """
    first = int(spec.is_causal)
    return min(first, overlap) + max(overlap - first, 0) // spec.temporal_stride
