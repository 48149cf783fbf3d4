"""The one interface of every prior."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from freegvc.errors import CorruptStreamError

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from freegvc.diffusion.levels import NoiseSchedule

Frames = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class LatentSpec:
    """Geometry of a latent [channels, T', h', w'].

    Attributes:
        channels: number of latent channels.
        temporal_stride: frames per latent in time.
        spatial_stride: pixels per latent sample in height and width.
    """

    channels: int
    temporal_stride: int
    spatial_stride: int

    def shape(self, num_frames: int, height: int, width: int) -> tuple[int, int, int, int]:
        """Shape of the latent of `num_frames` frames after padding to whole strides."""
        s, d = self.temporal_stride, self.spatial_stride
        return self.channels, -(-num_frames // s), -(-height // d), -(-width // d)

    def pad(self, frames: Frames) -> Frames:
        """Repeat the last frame, row and column up to whole strides; [T, H, W, 3] in and out."""
        t, h, w, _ = frames.shape
        s, d = self.temporal_stride, self.spatial_stride
        widths = ((0, -t % s), (0, -h % d), (0, -w % d), (0, 0))
        return np.pad(frames, widths, mode="edge")

    def overlap(self, overlap_frames: int) -> int:
        """Number of latents in time that two GOPs share when they share `overlap_frames` frames."""
        return overlap_frames // self.temporal_stride


class Prior(ABC):
    """A model of video that encoder and decoder share.

    The currency is the clean latent: `predict_x0` in, `predict_x0` out, float32 at the boundary
    whatever the model computes in. Scalings, layouts, and eps-, v- or velocity-prediction end
    inside the adapter. Two priors with equal fingerprints decode each other's streams.

    Attributes:
        name: what the stream stores and `load_prior` accepts.
        latent: geometry of the latent.
        schedule: noise levels at integer timesteps.
        silent_steps: how many model calls the silent part takes by default.
        device, dtype: where and in which arithmetic the model runs.
    """

    name: str
    latent: LatentSpec
    schedule: NoiseSchedule
    silent_steps: int
    device: torch.device
    dtype: torch.dtype

    @property
    @abstractmethod
    def fingerprint(self) -> bytes:
        """Eight bytes that change with everything that changes a prediction, except `dtype`."""

    @abstractmethod
    def predict_x0(self, z: Tensor, timestep: int, side: tuple[int, ...]) -> Tensor:
        """E[x0 | z_t = z] under the model.

        Args:
            z: float32 [C, T', h', w'] at noise level `timestep`, on `device`.
            timestep: integer index into the schedule.
            side: what `fit` returned for this GOP.

        Returns:
            float32 tensor of z's shape.
        """

    @abstractmethod
    def encode_frames(self, frames: Frames) -> Tensor:
        """Latent of a GOP.

        Args:
            frames: uint8 [T, H, W, 3], full-range RGB, of any size (padded as `latent.pad` does).

        Returns:
            float32 [C, T', h', w'] on `device`, of shape `latent.shape(T, H, W)`.
        """

    @abstractmethod
    def decode_latent(self, latent: Tensor, height: int, width: int) -> Frames:
        """Frames of a latent, cropped to the picture.

        Args:
            latent: float32 [C, T', h', w'].
            height, width: picture size in pixels.

        Returns:
            uint8 [T, height, width, 3] with T = T' * temporal stride; the caller drops padding.
        """

    def fit(self, latent: Tensor) -> tuple[int, ...]:
        """Side information of one GOP: integers in 0 .. 255 that travel in its packet."""
        del latent
        return ()

    def check_side(self, side: tuple[int, ...], shape: tuple[int, int, int, int]) -> None:
        """Check side information that was read from a stream.

        Raises:
            CorruptStreamError: it cannot belong to a latent of this shape.
        """
        expected = self.side_count(shape)
        if len(side) != expected:
            raise CorruptStreamError(
                f"the packet carries {len(side)} integers of side information, but prior "
                f"{self.name!r} needs {expected} for a latent of shape {shape}"
            )

    def side_count(self, shape: tuple[int, int, int, int]) -> int:
        """Number of integers that `fit` returns for a latent of this shape."""
        del shape
        return 0
