"""The last layers of freegvc-small's decoder: one frame of three versions of it.

A frame is drawn by the decoder, and the anchors before and after it show it too, moved along the
flow (motion.py). A small network weighs the three at each pixel and adds what none of them has.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from freegvc.priors.small.layers import Block, start
from freegvc.priors.small.motion import FIRST, GAP, PERIOD, SECOND

VERSIONS = 3  # own, from the anchor before, from the anchor after
CELL = 4  # rows and columns of pixels that one point of the network covers


class Fusion(nn.Module):
    """Frames from their versions. It starts as interpolation between the anchors.

    Args:
        features: channels of the decoder's features at a quarter of the picture size.
        channels: of the network.
        blocks: residual blocks of it.
    """

    def __init__(self, features: int, channels: int = 96, blocks: int = 2) -> None:
        super().__init__()
        self.enter = nn.Conv2d(VERSIONS * 3 * CELL**2 + features + PERIOD, channels, 3, padding=1)
        self.blocks = nn.ModuleList([Block(channels, temporal=False) for _ in range(blocks)])
        self.leave = nn.Conv2d(channels, (VERSIONS + 3) * CELL**2, 3, padding=1)
        start(self.enter, 1.0)
        start(self.leave, 0.0)
        weights = torch.full((PERIOD, VERSIONS), 0.02)
        weights[[FIRST, SECOND], 0] = 1.0
        weights[[SECOND + 1, FIRST - 1], [1, 2]] = (GAP - 1) / GAP
        weights[[SECOND + 1, FIRST - 1], [2, 1]] = 1 / GAP
        self.preference = nn.Parameter(weights.log())

    def forward(self, versions: Tensor, features: Tensor, phases: Tensor) -> Tensor:
        """The frames.

        Args:
            versions: float [N, VERSIONS, 3, H, W] in [-1, 1].
            features: float [N, F, H / 4, W / 4].
            phases: numbers of the frames within their latents, integers [N].

        Returns:
            float [N, 3, H, W].
        """
        cells = F.pixel_unshuffle(versions.flatten(1, 2), CELL).to(self.enter.weight.dtype)
        which = F.one_hot(phases, PERIOD).to(cells.dtype)[:, :, None, None]
        which = which.expand(-1, -1, *cells.shape[2:])
        x = torch.cat([cells, features.to(cells.dtype), which], 1)
        x = self.enter(x.contiguous(memory_format=torch.channels_last))
        for block in self.blocks:
            x = block(x, len(x))
        left = F.pixel_shuffle(self.leave(x), CELL)
        logits, change = left[:, :VERSIONS], left[:, VERSIONS:]
        weights = (logits + self.preference[phases][:, :, None, None]).softmax(1)
        fused: Tensor = (versions * weights[:, :, None]).sum(1) + change
        return fused
