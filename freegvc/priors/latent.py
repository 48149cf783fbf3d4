"""Geometry of a latent: which frames and pixels each sample covers, in integers only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Frames = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Overlap:
    """The overlap latents of two neighbouring GOPs: those that cover the same frames in both.

    The decoder fuses them (eq. 17 of the Free-GVC paper).

    Attributes:
        count: how many there are, m' in the paper; may be 0.
        first_before: index of the first one in the earlier GOP.
        first_after: index of the first one in the later GOP.
        first_frame: frame of the earlier GOP at which the output changes over to the later GOP.
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
        temporal_stride: frames per latent in time, s in the paper.
        spatial_stride: pixels per latent sample in height and width, d in the paper.
        is_causal: the first latent covers one frame and each other one `temporal_stride` frames,
            as in Wan's VAE; otherwise every latent covers `temporal_stride` frames.
        frame_multiple: the number of frames is padded to a multiple of this, not counting the
            first frame of a causal latent; 0 means `temporal_stride`.
        pixel_multiple: height and width are padded to a multiple of this; 0 means
            `spatial_stride`.
        has_context: frames are decoded with one more latent, the last one before them of the GOP
            before, so that a GOP's first frames have neighbours on both sides. It costs no bits.
            The second half of its frames is shown as decoded then. False where the decoder has to
            begin with the GOP itself, as that of a causal latent has.
    """

    channels: int
    temporal_stride: int
    spatial_stride: int
    is_causal: bool = False
    frame_multiple: int = 0
    pixel_multiple: int = 0
    has_context: bool = False

    def num_padded_frames(self, num_frames: int) -> int:
        """Number of frames after padding."""
        first = int(self.is_causal)
        multiple = self.frame_multiple or self.temporal_stride
        return first + -(-(num_frames - first) // multiple) * multiple

    def padded_size(self, height: int, width: int) -> tuple[int, int]:
        """Height and width in pixels after padding."""
        multiple = self.pixel_multiple or self.spatial_stride
        return -(-height // multiple) * multiple, -(-width // multiple) * multiple

    def shape(self, num_frames: int, height: int, width: int) -> tuple[int, int, int, int]:
        """[C, T', h', w'] of the latent of `num_frames` frames of height x width pixels."""
        first = int(self.is_causal)
        frames = self.num_padded_frames(num_frames)
        height, width = self.padded_size(height, width)
        latents = first + (frames - first) // self.temporal_stride
        return self.channels, latents, height // self.spatial_stride, width // self.spatial_stride

    def pad(self, frames: Frames) -> Frames:
        """Pad frames [T, H, W, 3] by repeating the last frame, row and column."""
        t, h, w, _ = frames.shape
        height, width = self.padded_size(h, w)
        more = ((0, self.num_padded_frames(t) - t), (0, height - h), (0, width - w), (0, 0))
        return np.pad(frames, more, mode="edge")

    def overlap(self, gop_length: int, overlap: int) -> Overlap:
        """The overlap latents of neighbouring GOPs.

        Args:
            gop_length: frames of a GOP, l.
            overlap: m, frames that neighbouring GOPs have in common; l - m is a multiple of the
                temporal stride.
        """
        advance = gop_length - overlap
        # the first latent of a causal GOP covers one frame, and no latent of its neighbour does
        first = int(self.is_causal)
        count = max(overlap - first, 0) // self.temporal_stride
        start = advance + first if count else advance
        before = first + (start - first) // self.temporal_stride
        return Overlap(count, before, first if count else 0, start)
