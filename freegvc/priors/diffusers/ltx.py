"""LTX-Video (HaCohen et al. 2024): rectified flow on tokens, [B, T' h' w', C]."""

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

NATIVE_SIZE = (512, 704)
MAX_GOP_LENGTH = 257
# Peak of the VAE in a 2-byte dtype for each pixel of each frame: encoder, decoder. Not measured: a
# trace of what the layers of 0.9 and 0.9.5 allocate, with the fifth more that Wan's VAE took.
VAE_BYTES_PER_PIXEL = (142, 134)
FRAMES_PER_SECOND = 25.0  # for the model's positions in time, whatever the video's frame rate


class LTXPrior(DiffusersPrior):
    """LTX-Video as a prior; arguments as for `DiffusersPrior`.

    GOPs are padded to 8k + 1 frames. From 0.9.5 on the VAE's decoder takes the noise level of its
    input; it gets 0, so decoding draws no random noise.

    Raises:
        PriorUnavailableError: the VAE's decoder adds random noise, as in 0.9.1.
    """

    transformer_classes = ("LTXVideoTransformer3DModel",)
    vae_class = "AutoencoderKLLTXVideo"

    @classmethod
    def check(cls, checkpoint: Checkpoint) -> None:
        if any(checkpoint.config("vae").get("decoder_inject_noise", ())):
            raise PriorUnavailableError(
                f"the VAE in {checkpoint.folder} adds random noise while it decodes "
                "(decoder_inject_noise), so two decoders would not agree: choose LTX-Video 0.9, "
                "or 0.9.5 or later"
            )
        require_equal_channels(checkpoint, "latent_channels", 128)

    @classmethod
    def text_spec(cls, checkpoint: Checkpoint) -> TextSpec:
        """256 rows with masked padding from 0.9.5 on; before, 128 rows with padding as text."""
        if checkpoint.config("vae").get("timestep_conditioning"):
            return TextSpec(num_rows=256, is_masked=True)
        return TextSpec(num_rows=128)

    def __init__(self, checkpoint: Checkpoint, **options: Any) -> None:
        super().__init__(checkpoint, **options)
        self._text_mask = self._prompt.mask.to(self.device)[None]

    def make_schedule(self, config: dict[str, Any]) -> NoiseSchedule:
        """Flow matching; the scheduler's spacing of timesteps (its shifts) has no effect."""
        stated = config.get("_class_name")
        if stated != "FlowMatchEulerDiscreteScheduler":
            raise PriorUnavailableError(
                f"the scheduler is a {stated}, but LTX-Video as a prior needs a "
                "FlowMatchEulerDiscreteScheduler: use the scheduler config that belongs to the "
                "model"
            )
        return NoiseSchedule.flow_matching(config.get("num_train_timesteps", 1000))

    def make_latent(self) -> LatentSpec:
        return LatentSpec(
            channels=self.transformer.config.in_channels,
            temporal_stride=int(self.vae.temporal_compression_ratio),
            spatial_stride=int(self.vae.spatial_compression_ratio),
            is_causal=True,
        )

    def make_defaults(self) -> PriorDefaults:
        return PriorDefaults(
            gop_length=49, overlap=9, native_size=NATIVE_SIZE, max_gop_length=MAX_GOP_LENGTH
        )

    def run_transformer(self, z: Tensor, timestep: int) -> Tensor:
        batch = len(z)
        velocity: Tensor = self.transformer(
            hidden_states=z.flatten(2).transpose(1, 2),
            encoder_hidden_states=self.embedding.expand(batch, -1, -1),
            timestep=torch.full((batch,), timestep, device=z.device),
            encoder_attention_mask=self._text_mask.expand(batch, -1),
            return_dict=False,
            **self._positions(z),
        )[0]
        return velocity.transpose(1, 2).reshape(z.shape)

    def to_x0(self, z: Tensor, output: Tensor, timestep: int) -> Tensor:
        """v = eps - x0 on z = (1 - sigma) x0 + sigma eps, so x0 = z - sigma v."""
        return z - self.schedule.level(timestep).sigma * output

    def run_encoder(self, pixels: Tensor) -> Tensor:
        mean, std = self._statistics()
        latent: Tensor = self.vae.encode(pixels).latent_dist.mode()
        return (latent.float() - mean) / std

    def run_decoder(self, latent: Tensor) -> Tensor:
        mean, std = self._statistics()
        clean = (latent * std + mean).to(self.vae_dtype)
        noise = clean.new_zeros(len(clean)) if self.vae.config.timestep_conditioning else None
        pixels: Tensor = self.vae.decode(clean, noise).sample
        return pixels

    def vae_bytes_per_pixel(self, num_frames: int) -> tuple[float, float]:
        encode, decode = VAE_BYTES_PER_PIXEL
        factor = self.vae_dtype.itemsize / 2 * num_frames
        return encode * factor, decode * factor

    def _statistics(self) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation of the VAE's channels, each float32 [C, 1, 1, 1]."""
        mean = self.vae.latents_mean.float().to(self.device)[:, None, None, None]
        std = self.vae.latents_std.float().to(self.device)[:, None, None, None]
        return mean, std / self.vae.config.scaling_factor

    def _positions(self, z: Tensor) -> dict[str, Any]:
        """The transformer's arguments for the positions of its tokens, in seconds and pixels.

        They match the pipelines to the last bit, because the finest rotary frequency multiplies
        rounding errors by 3e4. In the pipeline from 0.9.5 on, whose VAE takes a timestep, the
        first latent is one frame long.
        """
        batch, _, t, h, w = z.shape
        along_time, across = self.latent.temporal_stride, self.latent.spatial_stride
        if not self.vae.config.timestep_conditioning:
            scale = (along_time / FRAMES_PER_SECOND, across, across)
            return {"num_frames": t, "height": h, "width": w, "rope_interpolation_scale": scale}
        real: dict[str, Any] = {"dtype": torch.float32, "device": z.device}
        frames = (torch.arange(t, **real) * along_time - (along_time - 1)).clamp(min=0)
        seconds = frames * (1.0 / FRAMES_PER_SECOND)
        rows, columns = (torch.arange(n, **real) * across for n in (h, w))
        grid = torch.stack(torch.meshgrid(seconds, rows, columns, indexing="ij"))
        return {"video_coords": grid.flatten(1).expand(batch, -1, -1)}
