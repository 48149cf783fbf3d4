"""The causal video autoencoder of freegvc-small: 4 x 8 x 8 pixels to 16 channels.

Latent i covers frames 4i .. 4i + 3, including i = 0: a GOP of 48 frames has 12 latents, and GOPs
that overlap by 4 frames overlap by exactly one latent.

The spatial layers are 2-D convolutions on frames. The temporal layers are 1 x 1 convolutions over a
frame (or latent) and the two before it. There are no normalisation layers: every output depends on
a bounded neighbourhood, so away from the tiles' borders tiles and whole frames give equal latents.

In parallel to the network, a linear transform maps each 4 x 8 x 8 block to a latent sample and
back. Training starts it at the principal components of the clips, so the network has to learn only
what a block transform cannot do, and training starts near 26 dB.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

LATENT_CHANNELS = 16
TEMPORAL_STRIDE = 4
SPATIAL_STRIDE = 8
BLOCK = 3 * TEMPORAL_STRIDE * SPATIAL_STRIDE**2  # samples of the block that a latent covers
PIXELS_AT_ONCE = 1 << 20  # of frames that the last layers of the decoder see together
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


def apart(x: Tensor) -> Tensor:
    """[B, 4 C, H, W] to [4 B, C, H, W]: split each latent into its four frames."""
    return x.reshape(len(x) * TEMPORAL_STRIDE, -1, *x.shape[2:])


def to_blocks(video: Tensor) -> Tensor:
    """[B, T, 3, H, W] to [B T / 4, 768, H / 8, W / 8]: the samples of each 4 x 8 x 8 block."""
    blocks = F.pixel_unshuffle(video.flatten(0, 1), SPATIAL_STRIDE)
    return split(blocks, TEMPORAL_STRIDE).flatten(1, 2)


class Autoencoder(nn.Module):
    """Frames to latents of about unit power and back.

    The buffers `mean` [16] and `scale` [] normalise the latents. All channels have one scale: the
    encoder gives each channel the amplitude that it is worth in the picture, and since the codec's
    noise is equal in all channels, the bits follow the amplitudes.

    Args:
        quarter: channels at a quarter of the picture size.
        eighth: channels at an eighth of the picture size, before frames are packed into latents.
        deep: channels of the layers on packed frames.
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, quarter: int = 48, eighth: int = 96, deep: int = 160) -> None:
        super().__init__()
        self.stem = nn.Conv2d(48, quarter, 3, padding=1)
        self.encoder_quarter = nn.ModuleList([Block(quarter, temporal=False)])
        self.down = nn.Conv2d(4 * quarter, eighth, 1)
        self.encoder_eighth = nn.ModuleList([Block(eighth, temporal=True)])
        self.pack = nn.Conv2d(4 * eighth, deep, 1)
        self.encoder_deep = nn.ModuleList([Block(deep, temporal=True) for _ in range(2)])
        self.to_latent = nn.Conv2d(deep, LATENT_CHANNELS, 3, padding=1)

        self.from_latent = nn.Conv2d(LATENT_CHANNELS, deep, 3, padding=1)
        self.decoder_deep = nn.ModuleList([Block(deep, temporal=True) for _ in range(3)])
        self.unpack = nn.Conv2d(deep, 4 * eighth, 1)
        self.decoder_eighth = nn.ModuleList([Block(eighth, temporal=True) for _ in range(2)])
        self.up = nn.Conv2d(eighth, 4 * quarter, 1)
        self.decoder_quarter = nn.ModuleList([Block(quarter, temporal=False) for _ in range(2)])
        self.to_half = nn.Conv2d(quarter, 4 * 24, 3, padding=1)
        self.to_pixels = nn.Conv2d(24, 12, 3, padding=1)
        self.block_to_latent = nn.Conv2d(BLOCK, LATENT_CHANNELS, 1)
        self.latent_to_block = nn.Conv2d(LATENT_CHANNELS, BLOCK, 1)
        for layer in (self.stem, self.down, self.pack):
            start(layer, 1.0)
        for layer in (self.from_latent, self.unpack, self.up, self.to_half):
            start(layer, 1.0)
        for layer in (self.to_latent, self.to_pixels):
            start(layer, 0.05)
        self.register_buffer("mean", torch.zeros(LATENT_CHANNELS))
        self.register_buffer("scale", torch.ones(()))

    def encoder_parts(self) -> list[nn.Module]:
        """The layers of the encoder; all others belong to the decoder."""
        return [
            self.stem,
            self.encoder_quarter,
            self.down,
            self.encoder_eighth,
            self.pack,
            self.encoder_deep,
            self.to_latent,
            self.block_to_latent,
        ]

    def encode(self, video: Tensor) -> Tensor:
        """Latents of frames.

        Args:
            video: float [B, T, 3, H, W] in [-1, 1]; T a multiple of 4, H and W of 8.

        Returns:
            float [B, 16, T / 4, H / 8, W / 8] of about unit power.
        """
        length = video.shape[1]
        blocks = self.block_to_latent(to_blocks(video))
        x = F.pixel_unshuffle(video.flatten(0, 1), 4)
        x = self.stem(x.contiguous(memory_format=torch.channels_last))
        for block in self.encoder_quarter:
            x = block(x, length)
        x = self.down(F.pixel_unshuffle(x, 2))
        for block in self.encoder_eighth:
            x = block(x, length)
        length //= TEMPORAL_STRIDE
        x = self.pack(split(x, TEMPORAL_STRIDE).flatten(1, 2))
        for block in self.encoder_deep:
            x = block(x, length)
        latent = split(self.to_latent(x) + blocks, length).transpose(1, 2)
        return (latent - self.mean[:, None, None, None]) / self.scale

    def decode(self, latent: Tensor) -> Tensor:
        """Frames of latents.

        Args:
            latent: float [B, 16, T', h, w].

        Returns:
            float [B, 4 T', 3, 8 h, 8 w], nominally in [-1, 1] and not clipped.
        """
        length = latent.shape[2]
        x = latent * self.scale + self.mean[:, None, None, None]
        latents = x.transpose(1, 2).flatten(0, 1).contiguous(memory_format=torch.channels_last)
        x = self.from_latent(latents)
        for block in self.decoder_deep:
            x = block(x, length)
        length *= TEMPORAL_STRIDE
        x = apart(self.unpack(x)).contiguous(memory_format=torch.channels_last)
        for block in self.decoder_eighth:
            x = block(x, length)
        video = F.pixel_shuffle(apart(self.latent_to_block(latents)), SPATIAL_STRIDE)
        # each frame by itself from here on: a few at a time take a third less memory
        count = max(PIXELS_AT_ONCE // video[0, 0].numel(), 1)
        for first in range(0, len(video), count):
            video[first : first + count] += self._detail(x[first : first + count])
        return split(video, length)

    def _detail(self, x: Tensor) -> Tensor:
        """What the linear transform cannot do: [B, eighth, H / 8, W / 8] to [B, 3, H, W]."""
        x = F.pixel_shuffle(self.up(x), 2)
        for block in self.decoder_quarter:
            x = block(x, len(x))
        x = F.leaky_relu(F.pixel_shuffle(self.to_half(x), 2), SLOPE)
        return F.pixel_shuffle(self.to_pixels(x), 2)
