"""Prior: the interface of every prior."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeAlias

from freegvc.errors import CorruptStreamError, UsageError
from freegvc.priors.defaults import PriorDefaults
from freegvc.priors.latent import Frames, LatentSpec
from freegvc.priors.stages import StageBytes

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from freegvc._diffusion.levels import NoiseSchedule

# Of pictures and their copies, both float32 [N, 3, H, W], nominally in [-1, 1]: float32 [].
Distance: TypeAlias = "Callable[[Tensor, Tensor], Tensor]"


class Prior(ABC):
    """A model of video that encoder and decoder have in common.

    A prior takes noisy latents and predicts the clean ones (`predict_x0`), in float32 whatever the
    model computes in. Scalings, layouts, and eps-, v- or velocity-prediction stay inside the
    adapter. Two priors with equal fingerprints decode each other's streams.

    A prior must set the first five attributes; the others have defaults.

    Attributes:
        name: what the stream stores and `load_prior` accepts.
        latent: geometry of the latent.
        schedule: noise levels at integer timesteps.
        device: where the model runs.
        dtype: what the model computes in.
        defaults: GOP length, the sender's grid and other values that the encoder may override.
        batch_tiles: how many tiles `predict_tiles` gets at once; None: as many as fit into the
            free memory of a GPU, one elsewhere.
        vae_tiles: whether `encode_frames` and `decode_latent` get tiles of a frame: "on", "off", or
            "auto", which encodes in tiles where the free memory of a GPU asks for it and decodes as
            the encoder did.
        attention: the attention kernel, one of `freegvc._bitstream.header.ATTENTIONS`.
        prompt: the text that conditions the model; it is stored in the stream.
        is_tunable: whether it has `tuned`.
        former: fingerprints that a prior of this name had, and where their weights are.
    """

    name: str
    latent: LatentSpec
    schedule: NoiseSchedule
    device: torch.device
    dtype: torch.dtype
    defaults: PriorDefaults = PriorDefaults()
    batch_tiles: int | None = None
    vae_tiles: str = "auto"
    attention: str = "auto"
    prompt: str = ""
    is_tunable: bool = False
    former: Mapping[bytes, str] = MappingProxyType({})

    @property
    def numerics(self) -> str:
        """The name of the arithmetic in the stream: the dtype, and how weights are stored."""
        return str(self.dtype).removeprefix("torch.")

    @property
    @abstractmethod
    def fingerprint(self) -> bytes:
        """Eight bytes that differ between priors whose predictions differ by more than rounding.

        They cover weights, configuration, prompt and noise levels, and not the dtype.
        """

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
        """`predict_x0` of several tiles of one shape; override it for models that run in batches.

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

    def tuned(self, latent: Tensor, frames: Frames, distance: Distance) -> Tensor:
        """A latent near the given one whose decode is nearer to the frames at equal bits.

        Args:
            latent: what `encode_frames` returned.
            frames: uint8 [T, H, W, 3].
            distance: what "nearer" means; differentiable.

        Returns:
            float32 of the latent's shape.

        Raises:
            UsageError: not `is_tunable`.
        """
        raise UsageError(f"prior {self.name!r} cannot tune latents: leave out tune")

    @abstractmethod
    def decode_latent(self, latent: Tensor, height: int, width: int) -> Frames:
        """Frames of a latent, cropped to the picture.

        Args:
            latent: float32 [C, T', h', w'].
            height, width: picture size in pixels.

        Returns:
            uint8 [T, height, width, 3]: all frames that the latent covers, padding in time
            included, which the caller drops.
        """

    def stage_bytes(self, num_frames: int, height: int, width: int) -> StageBytes | None:
        """Estimated peak memory of each stage, above what is held already; None if not known.

        Args:
            num_frames, height, width: of a GOP, or of a tile of it, in pixels.
        """
        del num_frames, height, width
        return None

    def smaller_options(self) -> dict[str, str]:
        """Keywords of `load_prior`, with values, with which this prior would take less memory."""
        return {}

    def fit(self, latent: Tensor) -> tuple[int, ...]:
        """Side information of one GOP, stored in its packet; none by default.

        Args:
            latent: float32 [C, T', h', w'] of the GOP.

        Returns:
            Integers in 0 .. 255, as many as `side_count` says.
        """
        del latent
        return ()

    def check_side(self, side: tuple[int, ...], shape: tuple[int, int, int, int]) -> None:
        """Check side information that was read from a stream.

        Args:
            side: the integers.
            shape: [C, T', h', w'] of the GOP's latent.

        Raises:
            CorruptStreamError: a latent of this shape has another number of integers.
        """
        expected = self.side_count(shape)
        if len(side) != expected:
            raise CorruptStreamError(
                f"the packet carries {len(side)} integers of side information, but prior "
                f"{self.name!r} needs {expected} for a latent of shape {shape}"
            )

    def side_count(self, shape: tuple[int, int, int, int]) -> int:
        """Number of integers that `fit` returns for a latent of shape [C, T', h', w']."""
        del shape
        return 0
