"""The delta of a step: its checks and its KL."""

from __future__ import annotations

import math

import torch

MIN_KL_BITS = 0.5  # a step below this sends nothing


def rho_of(kl_bits: float) -> float:
    """||delta|| for a KL in bits: KL = ||delta||^2 / (2 ln 2)."""
    return math.sqrt(2 * math.log(2) * kl_bits)


def kl_bits_of(energy: float) -> float:
    """KL in bits for ||delta||^2."""
    return energy / (2 * math.log(2))


def check_delta(
    delta: torch.Tensor, device: torch.device, kl_bits: float | None = None
) -> tuple[torch.Tensor, float]:
    """Check a delta and bring it to a device.

    Args:
        delta: [D], any device and dtype.
        device: where the coder runs.
        kl_bits: its KL, if it is known; otherwise it is computed.

    Returns:
        delta as float32 [D] on `device`, and ||delta||^2.

    Raises:
        ValueError: delta is not one-dimensional, is empty, or is not finite.
    """
    if delta.ndim != 1 or not len(delta):
        raise ValueError(f"delta has shape {tuple(delta.shape)}; it must be [D] with D >= 1")
    delta = delta.detach().to(device, torch.float32)
    if kl_bits is None:
        kl_bits = kl_bits_of(float(delta.double().square().sum()))
    energy = 2 * math.log(2) * kl_bits
    if not math.isfinite(energy):
        raise ValueError("delta has entries that are not finite, or too large to square")
    return delta, energy
