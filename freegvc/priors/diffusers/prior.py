"""DiffusersPrior: the base of all adapters. Each family adds its layout and scalings."""

from __future__ import annotations

import math
from abc import abstractmethod
from contextlib import AbstractContextManager, nullcontext
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import Tensor

from freegvc.errors import PriorUnavailableError
from freegvc.priors.base import Prior
from freegvc.priors.defaults import PriorDefaults
from freegvc.priors.diffusers.fingerprint import fingerprint
from freegvc.priors.diffusers.placement import place
from freegvc.priors.diffusers.prompt import TextSpec, load_prompt
from freegvc.priors.latent import Frames, LatentSpec
from freegvc.priors.numerics import Numerics
from freegvc.priors.stages import StageBytes

if TYPE_CHECKING:
    from freegvc._diffusion.levels import NoiseSchedule
    from freegvc.priors.diffusers.checkpoint import Checkpoint

# Hidden states of a transformer, each tokens times width, that are alive at once in a forward.
# Measured on one H200: 12.3 in CogVideoX-2B, 16.3 in Wan 2.1 1.3B.
HIDDEN_STATES = 17

NO_KERNEL = (
    "No available kernel",
    "No viable backend",
)  # torch's error messages on CUDA and on the CPU


class DiffusersPrior(Prior):
    """A transformer and a VAE, loaded from a folder in diffusers' layout.

    The model runs without guidance: a guided prediction is not the mean of any distribution.

    Args:
        checkpoint: the model's folder.
        name: what the stream stores.
        numerics: what the transformer computes in, and how its weights are stored.
        device: where the models run.
        attention: the attention kernel, one of `freegvc._bitstream.header.ATTENTIONS`.
        prompt: text that conditions the model.
        offload: as for `place`.
        compile: as for `place`.

    Raises:
        PriorUnavailableError: files are missing, damaged, or of another model.
    """

    transformer_classes: ClassVar[tuple[str, ...]]
    vae_class: ClassVar[str]
    vae_in_float32: ClassVar[bool] = False

    def __init__(
        self,
        checkpoint: Checkpoint,
        *,
        name: str,
        numerics: Numerics,
        device: torch.device,
        attention: str = "auto",
        prompt: str = "",
        offload: str = "none",
        compile: bool = False,
    ) -> None:
        self.name = name
        self.device = device
        self.dtype = numerics.dtype
        self.attention = attention
        self.prompt = prompt
        self._numerics = numerics
        self._offload = offload
        self._checkpoint = checkpoint
        self.check(checkpoint)
        self.schedule: NoiseSchedule = self.make_schedule(checkpoint.config("scheduler"))
        self._prompt = load_prompt(checkpoint, self.text_spec(checkpoint), prompt)
        self.vae_dtype = torch.float32 if self.vae_in_float32 else self.dtype
        self.transformer = self._load("transformer", self.transformer_classes, self.dtype)
        self.vae = self._load("vae", (self.vae_class,), self.vae_dtype)
        self.latent: LatentSpec = self.make_latent()
        self.defaults = self.make_defaults()
        place(
            self.transformer,
            self.vae,
            device=device,
            storage=numerics.storage,
            offload=offload,
            compile=compile,
        )
        self.embedding = self._prompt.embedding.to(device, self.dtype)[None]

    @classmethod
    def check(cls, checkpoint: Checkpoint) -> None:
        """Refuse related models that cannot be a prior, before gigabytes are loaded.

        Raises:
            PriorUnavailableError: the message gives the reason.
        """

    @classmethod
    @abstractmethod
    def text_spec(cls, checkpoint: Checkpoint) -> TextSpec:
        """How the transformer takes its text."""

    @classmethod
    def default_numerics(cls, checkpoint: Checkpoint, device: torch.device) -> Numerics:
        """float32 on a CPU; on a GPU the dtype that the model was made for."""
        del checkpoint
        return Numerics("float32" if device.type == "cpu" else "bfloat16")

    @abstractmethod
    def make_schedule(self, config: dict[str, Any]) -> NoiseSchedule:
        """Noise levels, from the scheduler's config.

        Raises:
            PriorUnavailableError: the config is not one of this family.
        """

    @abstractmethod
    def make_latent(self) -> LatentSpec:
        """Geometry of the latent, from the configs of the loaded models."""

    @abstractmethod
    def make_defaults(self) -> PriorDefaults:
        """GOP length, native size and so on, from the configs of the loaded models."""

    @abstractmethod
    def run_transformer(self, z: Tensor, timestep: int) -> Tensor:
        """Output of the transformer for latents [B, C, T', h', w'], both in the model's dtype."""

    @abstractmethod
    def to_x0(self, z: Tensor, output: Tensor, timestep: int) -> Tensor:
        """x0_hat from z and the transformer's output, all float32 [B, C, T', h', w']."""

    @abstractmethod
    def run_encoder(self, pixels: Tensor) -> Tensor:
        """Clean latent [1, C, T', h', w'] of pixels [1, 3, T, H, W] in -1 .. 1, VAE's dtype."""

    @abstractmethod
    def run_decoder(self, latent: Tensor) -> Tensor:
        """Pixels [1, 3, T, H, W] in -1 .. 1 of a clean latent [1, C, T', h', w'] in float32."""

    @abstractmethod
    def vae_bytes_per_pixel(self, num_frames: int) -> tuple[float, float]:
        """Estimated peak of the VAE's encoder and decoder in bytes, by pixels of one frame."""

    def stage_bytes(self, num_frames: int, height: int, width: int) -> StageBytes:
        """Estimates, in proportion to what was measured (`docs/gpu.md`)."""
        pixels = math.prod(self.latent.padded_size(height, width))
        encode, decode = (pixels * each for each in self.vae_bytes_per_pixel(num_frames))
        config = self.transformer.config
        hidden = config.num_attention_heads * config.attention_head_dim * self.dtype.itemsize
        patch = max(self.latent.pixel_multiple // self.latent.spatial_stride, 1)
        tokens = math.prod(self.latent.shape(num_frames, height, width)[1:]) // patch**2
        forward = tokens * hidden * HIDDEN_STATES
        if self._offload == "model":  # the weights are not there yet
            vae, transformer = (num_bytes(model) for model in (self.vae, self.transformer))
            return StageBytes(int(encode + vae), int(forward + transformer), int(decode + vae))
        return StageBytes(int(encode), int(forward), int(decode))

    def smaller_options(self) -> dict[str, str]:
        return self.smaller_ways_to_load(self._numerics, self._offload)

    @staticmethod
    def smaller_ways_to_load(numerics: Numerics, offload: str) -> dict[str, str]:
        """Keywords of `load_prior` that take less memory than these."""
        options = {}
        if offload != "group":
            options["offload"] = "model" if offload == "none" else "group"
        if numerics.dtype.itemsize > 2:
            options["dtype"] = "bfloat16"
        elif not numerics.storage:
            options["dtype"] = f"{numerics.dtype_name}-fp8"
        return options

    @property
    def numerics(self) -> str:
        return self._numerics.name

    @cached_property
    def fingerprint(self) -> bytes:
        return fingerprint(self._checkpoint, self._prompt, self.schedule)

    @torch.no_grad()
    def predict_tiles(self, tiles: Tensor, timestep: int) -> Tensor:
        with self._attention_kernel():
            try:
                output = self.run_transformer(tiles.to(self.dtype), timestep)
            except RuntimeError as error:
                if not any(words in str(error) for words in NO_KERNEL):
                    raise
                raise PriorUnavailableError(
                    f"attention kernel {self.attention!r} does not run on {self.device} in "
                    f"{self.numerics}; load the prior with another one, or with 'auto': the "
                    "picture then drifts a little from the encoder's"
                ) from error
        return self.to_x0(tiles, output.float(), timestep)

    def predict_x0(self, z: Tensor, timestep: int, side: tuple[int, ...]) -> Tensor:
        del side
        return self.predict_tiles(z[None], timestep)[0]

    @torch.no_grad()
    def encode_frames(self, frames: Frames) -> Tensor:
        padded = torch.from_numpy(self.latent.pad(frames)).to(self.device)
        pixels = padded.permute(3, 0, 1, 2)[None].to(self.vae_dtype) / 127.5 - 1.0
        return self.run_encoder(pixels)[0].float()

    @torch.no_grad()
    def decode_latent(self, latent: Tensor, height: int, width: int) -> Frames:
        pixels = self.run_decoder(latent[None])[0, :, :, :height, :width]
        grey = ((pixels.float() + 1.0) * 127.5).round_().clamp_(0, 255).to(torch.uint8)
        frames: Frames = grey.permute(1, 2, 3, 0).cpu().numpy()
        return frames

    def _attention_kernel(self) -> AbstractContextManager[None]:
        if self.attention == "auto":
            return nullcontext()
        from torch.nn.attention import SDPBackend, sdpa_kernel

        kernels = {
            "math": SDPBackend.MATH,
            "flash": SDPBackend.FLASH_ATTENTION,
            "efficient": SDPBackend.EFFICIENT_ATTENTION,
            "cudnn": SDPBackend.CUDNN_ATTENTION,
        }
        context: AbstractContextManager[None] = sdpa_kernel(kernels[self.attention])
        return context

    def _load(self, subfolder: str, classes: tuple[str, ...], dtype: torch.dtype) -> Any:
        """The model in `subfolder`, whose class must be one of `classes`."""
        import diffusers

        stated = self._checkpoint.config(subfolder).get("_class_name")
        if stated not in classes:
            raise PriorUnavailableError(
                f"{self._checkpoint.folder / subfolder} holds a {stated}, but {self.name!r} needs "
                f"{' or '.join(classes)}"
            )
        return self._checkpoint.load(subfolder, getattr(diffusers, stated), dtype)


def num_bytes(model: torch.nn.Module) -> int:
    """Bytes of a model's weights."""
    return sum(p.numel() * p.element_size() for p in model.parameters())


def require_equal_channels(checkpoint: Checkpoint, vae_key: str, default: int) -> None:
    """Refuse a transformer whose channels are not those of its VAE.

    Args:
        checkpoint: the model's folder.
        vae_key: name of the number of latent channels in the VAE's config.
        default: the number in both classes if the config does not give one.

    Raises:
        PriorUnavailableError: the numbers differ.
    """
    channels = checkpoint.config("transformer").get("in_channels", default)
    expected = checkpoint.config("vae").get(vae_key, default)
    if channels != expected:
        raise PriorUnavailableError(
            f"the transformer in {checkpoint.folder} takes {channels} channels, but its VAE makes "
            f"{expected}: it needs an image or a mask in addition to the latent; choose a "
            "text-to-video model"
        )
