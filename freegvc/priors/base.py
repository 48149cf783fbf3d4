"""The one interface of every prior."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from freegvc.errors import CorruptStreamError
from freegvc.priors.latent import Frames, LatentSpec

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from freegvc.diffusion.levels import NoiseSchedule

# The sender's grid in sqrt(SNR) = alpha / sigma. The bits of a walk are an upper Riemann sum over
# SNR; growing steps keep its excess near 7 % wherever the walk stops (uniform steps do well only
# for a stop that is known beforehand). Measured in docs/trajectory.md.
FIRST_STEP = 0.1
STEP_GROWTH = 1.15


class Prior(ABC):
    """A model of video that encoder and decoder share.

    The currency is the clean latent: `predict_x0` in, `predict_x0` out, float32 at the boundary
    whatever the model computes in. Scalings, layouts, and eps-, v- or velocity-prediction end
    inside the adapter. Two priors with equal fingerprints decode each other's streams.

    The first six attributes are what a prior has to have; the others have defaults.

    Attributes:
        name: what the stream stores and `load_prior` accepts.
        latent: geometry of the latent.
        schedule: noise levels at integer timesteps.
        silent_steps: how many model calls the silent part takes by default.
        device, dtype: where and in which arithmetic the model runs.
        gop_length, overlap: frames of a GOP and of its overlap, by default; gop_length - overlap
            is a multiple of the latent's temporal stride.
        first_step, step_growth: the sender's first step in sqrt(SNR) and the growth of its steps;
            finer ones cost model calls and save bits.
        native_size: height and width in pixels above which frames are cut into tiles; None for
            never. A prior that can be tiled has no side information.
        batch_tiles: how many tiles `predict_tiles` is given at once.
        attention: the attention kernel, one of `freegvc.bitstream.header.ATTENTIONS`.
        prompt: the text that conditions the model; it travels in the stream.
    """

    name: str
    latent: LatentSpec
    schedule: NoiseSchedule
    silent_steps: int
    device: torch.device
    dtype: torch.dtype
    gop_length: int = 48
    overlap: int = 4
    first_step: float = FIRST_STEP
    step_growth: float = STEP_GROWTH
    native_size: tuple[int, int] | None = None
    batch_tiles: int = 1
    attention: str = "auto"
    prompt: str = ""

    @property
    def numerics(self) -> str:
        """The arithmetic by its name in the stream: the dtype, and how weights are stored."""
        return str(self.dtype).removeprefix("torch.")

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

    def predict_tiles(self, tiles: Tensor, timestep: int) -> Tensor:
        """`predict_x0` for tiles of one shape; override it where a batch is faster.

        Args:
            tiles: float32 [B, C, T', h', w'].
            timestep: integer index into the schedule.

        Returns:
            float32 tensor of the same shape.
        """
        import torch

        return torch.stack([self.predict_x0(tile, timestep, ()) for tile in tiles])

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
            uint8 [T, height, width, 3] with all frames that the latent covers; the caller drops
            the padding in time.
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
