"""The video autoencoder of freegvc-small 2: 2 x 8 x 8 pixels to 24 channels, not causal.

Latent i covers frames 2i and 2i + 1. A GOP is decoded whole, so each latent sees those before and
after it. Spatial layers are 2-D convolutions on frames or latents, temporal ones run over three
instants. There are no normalisation layers: every output depends on a bounded neighbourhood, so
away from the tiles' borders tiles and whole frames give equal latents.

In parallel to the network, a linear transform maps each 2 x 8 x 8 block to a latent sample and
back. Training starts it at the principal components of the clips, so training starts near 33 dB.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

LATENT_CHANNELS = 24
TEMPORAL_STRIDE = 2
SPATIAL_STRIDE = 8
BLOCK = 3 * TEMPORAL_STRIDE * SPATIAL_STRIDE**2  # samples of the block that a latent covers
PIXELS_AT_ONCE = 1 << 20  # of frames that the last layers of the decoder see together
SLOPE = 0.1  # of leaky ReLUs


def start(layer: nn.Conv2d, gain: float) -> None:
    """Initialise a layer: weights that scale the power of white features by gain^2, zero bias."""
    nn.init.normal_(layer.weight, std=gain / math.sqrt(layer.weight[0].numel()))
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)


def split(x: Tensor, length: int) -> Tensor:
    """[B * length, ...] to [B, length, ...]."""
    return x.reshape(-1, length, *x.shape[1:])


class OverTime(nn.Module):
    """A convolution over three instants at each point; there is nothing beyond the clip's ends."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, (3, 1), padding=(1, 0))

    def forward(self, x: Tensor, length: int) -> Tensor:
        """[B * length, C, H, W] to the same shape."""
        _, channels, height, width = x.shape
        # time becomes the rows of a picture, points its columns: in channels_last a mere view
        points = x.permute(0, 2, 3, 1).reshape(-1, length, height * width, channels)
        y: Tensor = self.conv(points.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
        return y.reshape(-1, height, width, channels).permute(0, 3, 1, 2)


class Block(nn.Module):
    """Residual block: 3 x 3 in space, then 3 x 3 again or three instants in time."""

    def __init__(self, channels: int, *, temporal: bool) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second = (
            OverTime(channels) if temporal else nn.Conv2d(channels, channels, 3, padding=1)
        )
        start(self.first, 1.4)
        # start near the identity, which a deep network without normalisation needs
        start(self.second.conv if isinstance(self.second, OverTime) else self.second, 0.3)

    def forward(self, x: Tensor, length: int) -> Tensor:
        """[B * length, C, H, W] to the same shape; a clip has `length` instants."""
        y = F.leaky_relu(self.first(F.leaky_relu(x, SLOPE)), SLOPE)
        change: Tensor = (
            self.second(y, length) if isinstance(self.second, OverTime) else self.second(y)
        )
        return x + change


class Blocks(nn.Module):
    """Residual blocks, one after another."""

    def __init__(self, count: int, channels: int, *, temporal: bool) -> None:
        super().__init__()
        self.layers = nn.ModuleList([Block(channels, temporal=temporal) for _ in range(count)])

    def forward(self, x: Tensor, length: int) -> Tensor:
        """[B * length, C, H, W] to the same shape."""
        for layer in self.layers:
            x = layer(x, length)
        return x


class Encoder(nn.Module):
    """Frames to latents; see Autoencoder."""

    def __init__(self, quarter: int, eighth: int, deep: int) -> None:
        super().__init__()
        self.stem = nn.Conv2d(48, quarter, 3, padding=1)
        self.quarter = Blocks(1, quarter, temporal=False)
        self.down = nn.Conv2d(4 * quarter, eighth, 1)
        self.eighth = Blocks(2, eighth, temporal=True)
        self.pack = nn.Conv2d(TEMPORAL_STRIDE * eighth, deep, 1)
        self.deep = Blocks(3, deep, temporal=True)
        self.to_latent = nn.Conv2d(deep, LATENT_CHANNELS, 3, padding=1)
        self.linear = nn.Conv2d(BLOCK, LATENT_CHANNELS, 1)
        for layer in (self.stem, self.down, self.pack):
            start(layer, 1.0)
        start(self.to_latent, 0.05)

    def forward(self, video: Tensor) -> Tensor:
        """[B, T, 3, H, W] to [B, 24, T / 2, H / 8, W / 8]."""
        length = video.shape[1]
        x = F.pixel_unshuffle(video.flatten(0, 1), 4)
        x = self.stem(x.contiguous(memory_format=torch.channels_last))
        x = self.down(F.pixel_unshuffle(self.quarter(x, length), 2))
        x = self.eighth(x, length)
        length //= TEMPORAL_STRIDE
        x = self.deep(self.pack(split(x, TEMPORAL_STRIDE).flatten(1, 2)), length)
        return split(self.to_latent(x) + self.linear(to_blocks(video)), length).transpose(1, 2)


class Decoder(nn.Module):
    """Latents to frames; see Autoencoder."""

    def __init__(self, half: int, quarter: int, eighth: int, deep: int) -> None:
        super().__init__()
        self.from_latent = nn.Conv2d(LATENT_CHANNELS, deep, 3, padding=1)
        self.deep = Blocks(5, deep, temporal=True)
        self.unpack = nn.Conv2d(deep, TEMPORAL_STRIDE * eighth, 1)
        self.eighth = Blocks(3, eighth, temporal=True)
        self.up = nn.Conv2d(eighth, 4 * quarter, 1)
        self.quarter = Blocks(2, quarter, temporal=False)
        self.to_half = nn.Conv2d(quarter, 4 * half, 3, padding=1)
        self.to_pixels = nn.Conv2d(half, 12, 3, padding=1)
        self.linear = nn.Conv2d(LATENT_CHANNELS, BLOCK, 1)
        for layer in (self.from_latent, self.unpack, self.up, self.to_half):
            start(layer, 1.0)
        start(self.to_pixels, 0.05)

    def forward(self, latent: Tensor) -> Tensor:
        """[B, 24, T', h, w] to [B, 2 T', 3, 8 h, 8 w]."""
        length = latent.shape[2]
        latents = latent.transpose(1, 2).flatten(0, 1)
        latents = latents.contiguous(memory_format=torch.channels_last)
        x = self.deep(self.from_latent(latents), length)
        length *= TEMPORAL_STRIDE
        x = apart(self.unpack(x)).contiguous(memory_format=torch.channels_last)
        x = self.eighth(x, length)
        video = F.pixel_shuffle(apart(self.linear(latents)), SPATIAL_STRIDE)
        if self.training:
            return split(video + self._detail(x), length)
        # each frame by itself from here on: a few at a time take less memory
        count = max(PIXELS_AT_ONCE // video[0, 0].numel(), 1)
        for first in range(0, len(video), count):
            video[first : first + count] += self._detail(x[first : first + count])
        return split(video, length)

    def _detail(self, x: Tensor) -> Tensor:
        """What the linear transform cannot do: [B, eighth, H / 8, W / 8] to [B, 3, H, W]."""
        x = self.quarter(F.pixel_shuffle(self.up(x), 2), len(x))
        x = F.leaky_relu(F.pixel_shuffle(self.to_half(x), 2), SLOPE)
        return F.pixel_shuffle(self.to_pixels(x), 2)


class Autoencoder(nn.Module):
    """Frames to latents of about unit power and back.

    The buffers `mean` [24] and `scale` [] normalise the latents. All channels have one scale: the
    encoder gives each channel the amplitude that it is worth in the picture, and since the codec's
    noise is equal in all channels, the bits follow the amplitudes.

    Args:
        half: channels at half the picture size.
        quarter: channels at a quarter of the picture size.
        eighth: channels at an eighth, on frames.
        deep: channels at an eighth, on latents.
    """

    mean: Tensor
    scale: Tensor

    def __init__(
        self, half: int = 32, quarter: int = 64, eighth: int = 128, deep: int = 224
    ) -> None:
        super().__init__()
        self.encoder = Encoder(quarter, eighth, deep)
        self.decoder = Decoder(half, quarter, eighth, deep)
        self.register_buffer("mean", torch.zeros(LATENT_CHANNELS))
        self.register_buffer("scale", torch.ones(()))

    def encode(self, video: Tensor) -> Tensor:
        """Latents of frames.

        Args:
            video: float [B, T, 3, H, W] in [-1, 1]; T a multiple of 2, H and W of 8.

        Returns:
            float [B, 24, T / 2, H / 8, W / 8] of about unit power.
        """
        latent: Tensor = self.encoder(video)
        return (latent - self.mean[:, None, None, None]) / self.scale

    def decode(self, latent: Tensor) -> Tensor:
        """Frames of latents.

        Args:
            latent: float [B, 24, T', h, w].

        Returns:
            float [B, 2 T', 3, 8 h, 8 w], nominally in [-1, 1] and not clipped.
        """
        video: Tensor = self.decoder(latent * self.scale + self.mean[:, None, None, None])
        return video


def apart(x: Tensor) -> Tensor:
    """[B, 2 C, H, W] to [2 B, C, H, W]: split each latent into its frames."""
    return x.reshape(len(x) * TEMPORAL_STRIDE, -1, *x.shape[2:])


def to_blocks(video: Tensor) -> Tensor:
    """[B, T, 3, H, W] to [B T / 2, 384, H / 8, W / 8]: the samples of each 2 x 8 x 8 block."""
    blocks = F.pixel_unshuffle(video.flatten(0, 1), SPATIAL_STRIDE)
    return split(blocks, TEMPORAL_STRIDE).flatten(1, 2)
