"""The video autoencoder of freegvc-small: 4 x 8 x 8 pixels to 16 channels.

Latent i covers frames 4i .. 4i + 3, including i = 0: a GOP of 48 frames has 12 latents, and GOPs
that overlap by 4 frames overlap by exactly one latent. The encoder is causal. The decoder draws
each frame from the latents up to its own, and then looks at the drawn frames before and after it
(motion.py, fusion.py).

The spatial layers are 2-D convolutions on frames. The temporal layers are 1 x 1 convolutions over a
frame (or latent) and the two before it. There are no normalisation layers: every output depends on
a bounded neighbourhood, so away from the tiles' borders tiles and whole frames give equal latents
and drawn frames; the flow between them is that of the tile.

In parallel to the network, a linear transform maps each 4 x 8 x 8 block to a latent sample and
back. Training starts it at the principal components of the clips, so the network has to learn only
what a block transform cannot do, and training starts near 26 dB.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from freegvc.priors.small.fusion import Fusion
from freegvc.priors.small.layers import SLOPE, Block, split, start
from freegvc.priors.small.motion import ANCHORS, from_neighbours, motion_of, replace_strays

LATENT_CHANNELS = 16
TEMPORAL_STRIDE = 4
SPATIAL_STRIDE = 8
BLOCK = 3 * TEMPORAL_STRIDE * SPATIAL_STRIDE**2  # samples of the block that a latent covers
PIXELS_AT_ONCE = 1 << 18  # of frames that the last layers of the decoder see together


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
        self.fusion = Fusion(quarter)
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
        length = TEMPORAL_STRIDE * latent.shape[2]
        x, video = self._coarse(latent)
        # each frame by itself from here on: a few at a time take a third less memory
        count = max(PIXELS_AT_ONCE // video[0, 0].numel(), 1)
        features = []
        for first in range(0, len(video), count):
            features.append(self._features(x[first : first + count]))
            video[first : first + count] += self._detail(features[-1])
        del x
        drawn, known = split(video, length), split(torch.cat(features), length)
        del features
        frames = torch.empty(drawn.shape, device=video.device)
        for clip in range(len(drawn)):
            self._fuse(drawn[clip], known[clip], count, frames[clip])
        return frames

    def draw_anchors(self, latent: Tensor) -> Tensor:
        """The frames that are drawn well, as they are before they are fused with others.

        Args:
            latent: float [B, 16, T', h, w].

        Returns:
            float [B, 2 T', 3, 8 h, 8 w]: the ANCHORS (motion.py) of each latent.
        """
        parts = (split(each, TEMPORAL_STRIDE)[:, ANCHORS] for each in self._coarse(latent))
        x, video = (part.flatten(0, 1) for part in parts)
        x = x.contiguous(memory_format=torch.channels_last)
        drawn = video + self._detail(self._features(x))
        return split(drawn, len(ANCHORS) * latent.shape[2])

    def _coarse(self, latent: Tensor) -> tuple[Tensor, Tensor]:
        """Of each frame, features [B 4 T', eighth, h, w], and the linear transform's picture."""
        length = latent.shape[2]
        x = latent * self.scale + self.mean[:, None, None, None]
        latents = x.transpose(1, 2).flatten(0, 1).contiguous(memory_format=torch.channels_last)
        x = self.from_latent(latents)
        for block in self.decoder_deep:
            x = block(x, length)
        x = apart(self.unpack(x)).contiguous(memory_format=torch.channels_last)
        for block in self.decoder_eighth:
            x = block(x, TEMPORAL_STRIDE * length)
        return x, F.pixel_shuffle(apart(self.latent_to_block(latents)), SPATIAL_STRIDE)

    def _features(self, x: Tensor) -> Tensor:
        """[B, eighth, H / 8, W / 8] to [B, quarter, H / 4, W / 4]."""
        x = F.pixel_shuffle(self.up(x), 2)
        for block in self.decoder_quarter:
            x = block(x, len(x))
        return x

    def _detail(self, features: Tensor) -> Tensor:
        """What the linear transform cannot do: [B, quarter, H / 4, W / 4] to [B, 3, H, W]."""
        x = F.leaky_relu(F.pixel_shuffle(self.to_half(features), 2), SLOPE)
        return F.pixel_shuffle(self.to_pixels(x), 2)

    def _fuse(self, video: Tensor, features: Tensor, count: int, fused: Tensor) -> None:
        """Fill [T, 3, H, W] with what a frame and its neighbours know of it, `count` at a time."""
        video = video.float()
        motion = motion_of(video)
        for first in range(0, len(video), count):
            at = slice(first, first + count)
            frames = range(len(video))[at]
            versions = torch.stack([video[at], *from_neighbours(video, motion, frames)], 1)
            phases = torch.tensor(frames, device=video.device) % TEMPORAL_STRIDE
            fused[at] = self.fusion(versions, features[at], phases)
        replace_strays(fused, video, motion)
