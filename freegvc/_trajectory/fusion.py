"""Inter-GOP alignment: the latents of an overlap are blended (paper, eq. 17)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def fuse(previous_tail: Tensor, latent: Tensor, gammas: Sequence[float], first: int = 0) -> Tensor:
    """Blend the first latents of a GOP with the last ones of the GOP before.

    y~^(i) = gamma(i) y_k^(i) + (1 - gamma(i)) y_{k-1}^(l' - m' + i), i = 0 .. m' - 1

    Args:
        previous_tail: float32 [C, m', h', w'], the last m' latents of the GOP before.
        latent: float32 [C, T', h', w'] with T' >= first + m'.
        gammas: gamma(0) .. gamma(m' - 1), each in [0, 1].
        first: index of the first latent to blend; the ones before it stay as they are.

    Returns:
        The fused latent, same shape as `latent`.
    """
    overlap = previous_tail.shape[1]
    gamma = latent.new_tensor(list(gammas)).reshape(1, overlap, 1, 1)
    fused = latent.clone()
    blended = slice(first, first + overlap)
    fused[:, blended] = gamma * latent[:, blended] + (1.0 - gamma) * previous_tail
    return fused
