"""Layers that the autoencoder and the fusion of freegvc-small share."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

SLOPE = 0.1  # of leaky ReLUs; plain ones died in the first minutes of training


def start(layer: nn.Conv2d, gain: float) -> None:
    """Initialise a layer: weights that scale the power of white features by gain^2, zero bias."""
    nn.init.normal_(layer.weight, std=gain / math.sqrt(layer.weight[0].numel()))
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)


class Block(nn.Module):
    """Residual block: 3 x 3 in space, then 3 x 3 again or over three instants in time."""

    def __init__(self, channels: int, *, temporal: bool) -> None:
        super().__init__()
        self.temporal = temporal
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second = (
            nn.Conv2d(3 * channels, channels, 1)
            if temporal
            else nn.Conv2d(channels, channels, 3, padding=1)
        )
        start(self.first, 1.4)
        # start near the identity, which a deep network without normalisation needs
        start(self.second, 0.3)

    def forward(self, x: Tensor, length: int) -> Tensor:
        """[B * length, C, H, W] to the same shape; a clip has `length` instants."""
        y = F.leaky_relu(self.first(F.leaky_relu(x, SLOPE)), SLOPE)
        if self.temporal:
            y = torch.cat([y, earlier(y, length, 1), earlier(y, length, 2)], 1)
        change: Tensor = self.second(y)
        return x + change


def split(x: Tensor, length: int) -> Tensor:
    """[B * length, ...] to [B, length, ...]."""
    return x.reshape(-1, length, *x.shape[1:])


def earlier(x: Tensor, length: int, by: int) -> Tensor:
    """[B * length, C, H, W] delayed by `by` instants, with the first instant repeated."""
    clips = split(x, length)
    index = torch.arange(length, device=x.device).sub(by).clamp_(min=0)
    return clips.index_select(1, index).flatten(0, 1)
