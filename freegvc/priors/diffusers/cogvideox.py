"""CogVideoX 2B, 5B and 1.5 (Yang et al. 2024): v-prediction on a variance-preserving path."""

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
from freegvc.priors.numerics import Numerics

if TYPE_CHECKING:
    from freegvc.priors.diffusers.checkpoint import Checkpoint

# Peak of the VAE for each pixel of a frame in a 2-byte dtype, of 48 frames, which it takes 8 at a
# time: encoder, decoder. Measured on one H200 at 480x720 and, a little more, in tiles of 240x360.
VAE_BYTES_PER_PIXEL = (25_600, 46_600)
NATIVE_SIZE_15 = (768, 1360)  # its config has the largest rotary grid instead
# 2B and 5B were trained on 49 frames, which are 13 latents, and these are 14; 1.5 on up to 161
MAX_GOP_LENGTH, MAX_GOP_LENGTH_15 = 56, 161


class CogVideoXPrior(DiffusersPrior):
    """CogVideoX as a prior; arguments as for `DiffusersPrior`.

    GOPs are padded to 8N frames. For lengths other than 8N and 8N + 1 the VAE silently drops or
    adds frames, and with 8N every latent covers four frames, so overlapping GOPs can be fused.

    Raises:
        PriorUnavailableError: the model needs an image.
    """

    transformer_classes = ("CogVideoXTransformer3DModel",)
    vae_class = "AutoencoderKLCogVideoX"

    @classmethod
    def check(cls, checkpoint: Checkpoint) -> None:
        require_equal_channels(checkpoint, "latent_channels", 16)

    @classmethod
    def text_spec(cls, checkpoint: Checkpoint) -> TextSpec:
        del checkpoint
        return TextSpec(num_rows=226)

    @classmethod
    def default_numerics(cls, checkpoint: Checkpoint, device: torch.device) -> Numerics:
        """float16 for 2B, which was trained in it; 5B and 1.5 overflow in float16.

        Only 5B and 1.5 have rotary positions.
        """
        if device.type == "cpu" or checkpoint.config("transformer").get(
            "use_rotary_positional_embeddings"
        ):
            return super().default_numerics(checkpoint, device)
        return Numerics("float16")

    def make_schedule(self, config: dict[str, Any]) -> NoiseSchedule:
        expected = {
            "prediction_type": "v_prediction",
            "beta_schedule": "scaled_linear",
            "rescale_betas_zero_snr": True,
        }
        for key, value in expected.items():
            if config.get(key) != value:
                raise PriorUnavailableError(
                    f"the scheduler's {key} is {config.get(key)!r}, but CogVideoX as a prior needs "
                    f"{value!r}: otherwise the trajectory does not start at pure noise"
                )
        return NoiseSchedule.scaled_linear(
            config["beta_start"],
            config["beta_end"],
            config["num_train_timesteps"],
            snr_shift_scale=config["snr_shift_scale"],
        )

    def make_latent(self) -> LatentSpec:
        config, vae = self.transformer.config, self.vae.config
        stride = 2 ** (len(vae.block_out_channels) - 1)
        return LatentSpec(
            channels=config.in_channels,
            temporal_stride=int(vae.temporal_compression_ratio),
            spatial_stride=stride,
            frame_multiple=8,
            pixel_multiple=stride * config.patch_size,
        )

    def make_defaults(self) -> PriorDefaults:
        config = self.transformer.config
        if config.patch_size_t is not None:
            return PriorDefaults(native_size=NATIVE_SIZE_15, max_gop_length=MAX_GOP_LENGTH_15)
        stride = self.latent.spatial_stride
        size = (config.sample_height * stride, config.sample_width * stride)
        return PriorDefaults(native_size=size, max_gop_length=MAX_GOP_LENGTH)

    def run_transformer(self, z: Tensor, timestep: int) -> Tensor:
        batch, _, t, h, w = z.shape
        velocity: Tensor = self.transformer(
            hidden_states=z.transpose(1, 2),  # the transformer has time before channels
            encoder_hidden_states=self.embedding.expand(batch, -1, -1),
            timestep=torch.full((batch,), timestep, device=z.device),
            image_rotary_emb=self._rotary_embedding(t, h, w, z.device),
            return_dict=False,
        )[0]
        return velocity.transpose(1, 2)

    def to_x0(self, z: Tensor, output: Tensor, timestep: int) -> Tensor:
        """v = alpha eps - sigma x0 (Salimans and Ho 2022), so x0 = alpha z - sigma v."""
        level = self.schedule.level(timestep)
        return level.alpha * z - level.sigma * output

    def run_encoder(self, pixels: Tensor) -> Tensor:
        mode = self.vae.encode(pixels).latent_dist.mode()
        latent: Tensor = mode * self.vae.config.scaling_factor
        return latent

    def run_decoder(self, latent: Tensor) -> Tensor:
        scale: float = self.vae.config.scaling_factor
        pixels: Tensor = self.vae.decode((latent / scale).to(self.vae_dtype)).sample
        return pixels

    def vae_bytes_per_pixel(self, num_frames: int) -> tuple[float, float]:
        del num_frames
        encode, decode = VAE_BYTES_PER_PIXEL
        factor = self.vae_dtype.itemsize / 2
        return encode * factor, decode * factor

    def _rotary_embedding(
        self, t: int, h: int, w: int, device: torch.device
    ) -> tuple[Tensor, Tensor] | None:
        """Rotary positions of a latent grid, as in the pipelines of 5B and 1.5; None for 2B."""
        config = self.transformer.config
        if not config.use_rotary_positional_embeddings:
            return None
        from diffusers.models.embeddings import get_3d_rotary_pos_embed
        from diffusers.pipelines.cogvideo.pipeline_cogvideox import get_resize_crop_region_for_grid

        grid = (h // config.patch_size, w // config.patch_size)
        base_height = config.sample_height // config.patch_size
        base_width = config.sample_width // config.patch_size
        if config.patch_size_t is None:
            where = {"crops_coords": get_resize_crop_region_for_grid(grid, base_width, base_height)}
        else:
            where = {"crops_coords": None, "grid_type": "slice"}
            where["max_size"] = (base_height, base_width)
            t = -(-t // config.patch_size_t)
        cosines, sines = get_3d_rotary_pos_embed(
            embed_dim=config.attention_head_dim,
            grid_size=grid,
            temporal_size=t,
            device=device,
            **where,
        )
        return cosines, sines
