"""Which noise levels a denoiser is trained at.

u = log(1 + SNR) is the axis of the bits: sum 1/2 (SNR_s - SNR_t) |x0 - x0_hat|^2 becomes
1/2 integral |v - v_hat|^2 du. Low-rate streams stop at an SNR below 6.4 and get three quarters of
the draws; the rest goes up to SNR 1096, where the silent part ends.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

NUM_TIMESTEPS = 1000  # of the schedule alpha = cos, sigma = sin of both small denoisers
LOW_U, HIGH_U = 2.0, 7.0
LOW_SHARE = 0.75


def timesteps_at(count: int, generator: torch.Generator) -> Tensor:
    """Integer timesteps of a batch, LOW_SHARE of them spread over u < LOW_U."""
    device = generator.device
    # stratified, and shifted around as one: a batch of one clip sees all levels in turn
    shift = torch.rand((), device=device, generator=generator)
    place = torch.rand(count, device=device, generator=generator)
    place = ((torch.arange(count, device=device) + place) / count + shift) % 1.0
    low = place / LOW_SHARE
    u = torch.where(low < 1, low * LOW_U, (place - LOW_SHARE) / (1 - LOW_SHARE) * HIGH_U)
    return timesteps_of(u)


def timesteps_of(u: Tensor) -> Tensor:
    """The integer timesteps nearest to u = log(1 + SNR)."""
    angle = torch.asin(torch.exp(-u / 2))  # sigma = sin(angle) = (1 + SNR)^(-1/2)
    return (angle * (2 * NUM_TIMESTEPS / math.pi)).round().clamp(1, NUM_TIMESTEPS).long()
