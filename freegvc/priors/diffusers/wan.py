"""Wan 2.1 T2V, Wan 2.2 TI2V-5B, and SkyReels V2, which has the same design: rectified flow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from freegvc._diffusion.levels import NoiseSchedule
from freegvc.errors import PriorUnavailableError
from freegvc.priors.defaults import PriorDefaults
from freegvc.priors.diffusers.prior import DiffusersPrior, require_equal_channels
from freegvc.priors.diffusers.prompt import TextSpec
from freegvc.priors.latent import LatentSpec

if TYPE_CHECKING:
    from freegvc.priors.diffusers.checkpoint import Checkpoint

# Peak of the VAE in float32 for each pixel of a frame, by its spatial stride: encoder, decoder. It
# takes 4 frames at a time. That of Wan 2.1 was measured on one H200 at 480x832x49. That of Wan 2.2,
# not measured, is a trace of what the layers allocate, with the fifth more that Wan 2.1 took.
VAE_BYTES_PER_PIXEL = {8: (18_000, 23_300), 16: (10_200, 26_600)}
# height and width in pixels, and the frames that the model was trained on, by class of the
# transformer and spatial stride of the VAE
NATIVE = {
    ("WanTransformer3DModel", 8): ((480, 832), 81),
    ("WanTransformer3DModel", 16): ((704, 1280), 121),
    ("SkyReelsV2Transformer3DModel", 8): ((544, 960), 97),
}
SKYREELS_24_FPS = 1  # SkyReels' id of 24 frames per second; 0 is 16


class WanPrior(DiffusersPrior):
    """Wan or SkyReels V2 as a prior; arguments as for `DiffusersPrior`.

    GOPs are padded to 4k + 1 frames, because the VAE silently drops the frames after the last
    4k + 1. SkyReels models that take a frame rate get 24 frames per second for every video. Models
    that can take a timestep for each token or frame get one timestep for all; the predictions of
    both forms differ by 6e-7, and a prior must always use the same one.

    Raises:
        PriorUnavailableError: the model has two transformers for different noise levels, as Wan
            2.2 A14B has, or needs an image.
    """

    transformer_classes = ("WanTransformer3DModel", "SkyReelsV2Transformer3DModel")
    vae_class = "AutoencoderKLWan"
    vae_in_float32 = True  # as diffusers' documentation recommends

    @classmethod
    def check(cls, checkpoint: Checkpoint) -> None:
        if _has_second_transformer(checkpoint):
            raise PriorUnavailableError(
                f"{checkpoint.folder} has two transformers, one for high and one for low noise, "
                "as Wan 2.2 A14B has; freegvc has no adapter for that: choose Wan 2.1 T2V or Wan "
                "2.2 TI2V-5B"
            )
        require_equal_channels(checkpoint, "z_dim", 16)

    @classmethod
    def text_spec(cls, checkpoint: Checkpoint) -> TextSpec:
        del checkpoint
        return TextSpec(num_rows=512, is_masked=True)

    def make_schedule(self, config: dict[str, Any]) -> NoiseSchedule:
        """Flow matching; the scheduler's spacing of timesteps (flow_shift) has no effect."""
        if config.get("_class_name") != "FlowMatchEulerDiscreteScheduler":
            for key, value in (("prediction_type", "flow_prediction"), ("use_flow_sigmas", True)):
                if config.get(key) != value:
                    raise PriorUnavailableError(
                        f"the scheduler's {key} is {config.get(key)!r}, but Wan as a prior needs "
                        f"{value!r}: use the scheduler config that belongs to the model"
                    )
        return NoiseSchedule.flow_matching(config.get("num_train_timesteps", 1000))

    def make_latent(self) -> LatentSpec:
        config, vae = self.transformer.config, self.vae.config
        stride = int(vae.scale_factor_spatial)
        return LatentSpec(
            channels=config.in_channels,
            temporal_stride=int(vae.scale_factor_temporal),
            spatial_stride=stride,
            is_causal=True,
            pixel_multiple=stride * config.patch_size[-1],
        )

    def make_defaults(self) -> PriorDefaults:
        kind = (type(self.transformer).__name__, self.latent.spatial_stride)
        size, num_frames = NATIVE.get(kind, (None, None))
        return PriorDefaults(gop_length=49, overlap=5, native_size=size, max_gop_length=num_frames)

    def run_transformer(self, z: Tensor, timestep: int) -> Tensor:
        batch = len(z)
        extra = {}
        if self.transformer.config.get("inject_sample_info"):
            extra["fps"] = [SKYREELS_24_FPS] * batch
        velocity: Tensor = self.transformer(
            hidden_states=z,
            timestep=torch.full((batch,), timestep, device=z.device),
            encoder_hidden_states=self.embedding.expand(batch, -1, -1),
            return_dict=False,
            **extra,
        )[0]
        return velocity

    def to_x0(self, z: Tensor, output: Tensor, timestep: int) -> Tensor:
        """v = eps - x0 on z = (1 - sigma) x0 + sigma eps, so x0 = z - sigma v."""
        return z - self.schedule.level(timestep).sigma * output

    def run_encoder(self, pixels: Tensor) -> Tensor:
        mean, std = self._statistics()
        latent: Tensor = self.vae.encode(pixels).latent_dist.mode()
        return (latent - mean) / std

    def run_decoder(self, latent: Tensor) -> Tensor:
        mean, std = self._statistics()
        pixels: Tensor = self.vae.decode(latent * std + mean).sample
        return pixels

    def vae_bytes_per_pixel(self, num_frames: int) -> tuple[float, float]:
        del num_frames
        return VAE_BYTES_PER_PIXEL.get(self.latent.spatial_stride, VAE_BYTES_PER_PIXEL[16])

    def _statistics(self) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation of the VAE's channels, each float32 [C, 1, 1, 1]."""
        config = self.vae.config
        both = torch.tensor([config.latents_mean, config.latents_std], device=self.device)
        mean, std = both[..., None, None, None]
        return mean, std


def _has_second_transformer(checkpoint: Checkpoint) -> bool:
    try:
        checkpoint.class_name("transformer_2")
    except PriorUnavailableError:  # missing from the index of Wan 2.1, null in that of TI2V-5B
        return False
    return True
