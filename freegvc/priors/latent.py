"""Geometry of a latent: which frames and pixels each of its samples covers. Integers only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Frames = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Shared:
    """The latents that two neighbouring GOPs have in common.

    Attributes:
        count: how many there are, m' in the paper; 0 if none covers the same frames in both.
        first_before: index of the first one in the GOP before.
        first_after: index of the first one in the GOP after.
        first_frame: the frame of the GOP before from which on the GOP after is shown.
    """

    count: int
    first_before: int
    first_after: int
    first_frame: int


@dataclass(frozen=True, slots=True)
class LatentSpec:
    """Geometry of a latent [channels, T', h', w'].

    Attributes:
        channels: number of latent channels.
        temporal_stride: frames per latent in time, s.
        spatial_stride: pixels per latent sample in height and width, d.
        is_causal: the first latent covers one frame, and the others `temporal_stride` each, as in
            Wan's VAE; otherwise all cover `temporal_stride`.
        frame_multiple: frames, without the first of a causal latent, are padded to a multiple of
            this; 0 means `temporal_stride`.
        pixel_multiple: height and width are padded to a multiple of this; 0 means
            `spatial_stride`.
    """

    channels: int
    temporal_stride: int
    spatial_stride: int
    is_causal: bool = False
    frame_multiple: int = 0
    pixel_multiple: int = 0

    def num_padded_frames(self, num_frames: int) -> int:
        """How many frames the model sees of `num_frames`."""
        first = int(self.is_causal)
        multiple = self.frame_multiple or self.temporal_stride
        return first + -(-(num_frames - first) // multiple) * multiple

    def padded_size(self, height: int, width: int) -> tuple[int, int]:
        """Height and width that the model sees, in pixels."""
        multiple = self.pixel_multiple or self.spatial_stride
        return -(-height // multiple) * multiple, -(-width // multiple) * multiple

    def shape(self, num_frames: int, height: int, width: int) -> tuple[int, int, int, int]:
        """Shape of the latent of `num_frames` frames after padding."""
        first = int(self.is_causal)
        frames = self.num_padded_frames(num_frames)
        height, width = self.padded_size(height, width)
        latents = first + (frames - first) // self.temporal_stride
        return self.channels, latents, height // self.spatial_stride, width // self.spatial_stride

    def pad(self, frames: Frames) -> Frames:
        """Repeat the last frame, row and column up to what the model sees; [T, H, W, 3]."""
        t, h, w, _ = frames.shape
        height, width = self.padded_size(h, w)
        more = ((0, self.num_padded_frames(t) - t), (0, height - h), (0, width - w), (0, 0))
        return np.pad(frames, more, mode="edge")

    def shared(self, gop_length: int, overlap: int) -> Shared:
        """Which latents of two neighbouring GOPs cover the same frames.

        Args:
            gop_length: l, frames of a GOP.
            overlap: m, frames that neighbours share; l - m must be a multiple of the stride.
        """
        advance = gop_length - overlap
        # in a causal latent the first one covers a single frame and has no counterpart
        first = int(self.is_causal)
        count = max(overlap - first, 0) // self.temporal_stride
        start = advance + first if count else advance
        before = first + (start - first) // self.temporal_stride if count else 0
        return Shared(count, before, first if count else 0, start)
