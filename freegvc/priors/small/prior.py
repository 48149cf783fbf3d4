"""SmallPrior: freegvc-small, the learned prior that ships with the package.

An autoencoder (4 x 8 x 8 pixels to 16 channels), whose decoder moves pixels, and a convolutional
denoiser of 9.5 M parameters that predicts v on a cosine schedule. Both were trained for this codec
by the scripts in `training/` (docs/small-prior.md). It runs on a CPU, for any picture size and
length.
"""

from __future__ import annotations

import hashlib
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

import torch
from torch import Tensor, nn

from freegvc._bitstream.header import FINGERPRINT_BYTES
from freegvc._diffusion.levels import NoiseSchedule
from freegvc.errors import PriorUnavailableError
from freegvc.priors.base import Distance, Prior
from freegvc.priors.defaults import PriorDefaults
from freegvc.priors.latent import Frames, LatentSpec
from freegvc.priors.small.autoencoder import (
    LATENT_CHANNELS,
    SPATIAL_STRIDE,
    TEMPORAL_STRIDE,
    Autoencoder,
)
from freegvc.priors.small.denoiser import Denoiser, schedule
from freegvc.priors.small.tuning import tuned
from freegvc.priors.stages import StageBytes
from freegvc.priors.weights import weights_digest

# Peak in float32 at 416x240x48: of the autoencoder for each pixel of each frame, and of the
# denoiser for each latent sample of a channel, a trace of its layers. Encoding was measured on one
# H200; decoding on a CPU (85), scaled as the decoder before fusion was (68 there, 86 on the H200).
ENCODE_BYTES, DECODE_BYTES, FORWARD_BYTES = 71, 108, 4_600
VERSION = 1  # raise it when the same weights predict something else
AUTOENCODER_FILE, DENOISER_FILE = "autoencoder.safetensors", "denoiser.safetensors"
Network = TypeVar("Network", bound=nn.Module)


class SmallPrior(Prior):
    """freegvc-small (see the module's docstring).

    Args:
        device: where to compute.
        dtype: what both networks compute in.
        folder: folder of the two safetensors files; by default those of the package.

    Raises:
        PriorUnavailableError: a file is missing or damaged, or holds another network.
    """

    name = "freegvc-small"
    is_tunable = True
    former = MappingProxyType(
        {
            bytes.fromhex("e0be87341e92f02d"): "freegvc of commit cacbb33, before release 0.1.0",
            bytes.fromhex("974ff35efbc28906"): "freegvc of commit 0d70804, before release 0.1.0",
        }
    )
    latent = LatentSpec(LATENT_CHANNELS, TEMPORAL_STRIDE, SPATIAL_STRIDE, has_context=True)
    defaults = PriorDefaults(
        bpp=0.03,  # below, eyes and mouths dissolve: docs/small-prior.md
        silent_steps=3,  # its decoder was trained on them; measured in docs/trajectory.md
        native_size=(480, 832),  # to bound memory; the networks take any size
    )

    def __init__(
        self,
        device: str | torch.device = "cpu",
        dtype: torch.dtype = torch.float32,
        folder: Path | None = None,
    ) -> None:
        self.device = torch.device(device)
        self.dtype = dtype
        folder = folder or Path(str(files("freegvc.priors.small")))
        self._files = folder / AUTOENCODER_FILE, folder / DENOISER_FILE
        alpha, sigma = schedule()
        self.schedule = NoiseSchedule(alpha.numpy(), sigma.numpy())
        self._autoencoder = self._load(Autoencoder(), self._files[0])
        self._denoiser = self._load(Denoiser(), self._files[1])

    def _load(self, network: Network, path: Path) -> Network:
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        try:
            network.load_state_dict(load_file(path))
        except (OSError, SafetensorError, RuntimeError) as error:
            raise PriorUnavailableError(
                f"{path} does not hold the weights of {self.name}: {error}; install freegvc again"
            ) from error
        network.eval().requires_grad_(False).to(self.device, self.dtype)
        return network.to(memory_format=torch.channels_last)

    @property
    def fingerprint(self) -> bytes:
        whole = hashlib.sha256(f"freegvc-small {VERSION}\n".encode())
        for file in self._files:
            whole.update(weights_digest([file]))
        return whole.digest()[:FINGERPRINT_BYTES]

    def predict_x0(self, z: Tensor, timestep: int, side: tuple[int, ...]) -> Tensor:
        return self.predict_tiles(z[None], timestep)[0]

    @torch.no_grad()
    def predict_tiles(self, tiles: Tensor, timestep: int) -> Tensor:
        level = self.schedule.level(timestep)
        timesteps = torch.full((len(tiles),), timestep, device=self.device)
        v: Tensor = self._denoiser(tiles.to(self.dtype), timesteps).float()
        return level.alpha * tiles - level.sigma * v

    def stage_bytes(self, num_frames: int, height: int, width: int) -> StageBytes:
        _, t, h, w = self.latent.shape(num_frames, height, width)
        pixels = h * w * TEMPORAL_STRIDE * SPATIAL_STRIDE**2  # of the frames of a latent
        decoded = t + 1  # with context
        stages = (
            t * pixels * ENCODE_BYTES,
            t * h * w * FORWARD_BYTES,
            decoded * pixels * DECODE_BYTES,
        )
        return StageBytes(*(each * self.dtype.itemsize // 4 for each in stages))

    @torch.no_grad()
    def encode_frames(self, frames: Frames) -> Tensor:
        latent: Tensor = self._autoencoder.encode(self._video(frames)[None])[0].float()
        return latent

    def tuned(self, latent: Tensor, frames: Frames, distance: Distance) -> Tensor:
        return tuned(self._autoencoder, self._denoiser, latent, self._video(frames), distance)

    def _video(self, frames: Frames) -> Tensor:
        """uint8 [T, H, W, 3] as [T, 3, H, W] in [-1, 1], padded to whole latents."""
        padded = torch.from_numpy(self.latent.pad(frames)).to(self.device)
        return padded.to(self.dtype).div_(127.5).sub_(1.0).permute(0, 3, 1, 2)

    @torch.no_grad()
    def decode_latent(self, latent: Tensor, height: int, width: int) -> Frames:
        video = self._autoencoder.decode(latent[None].to(self.dtype))[0, :, :, :height, :width]
        pixels = video.float().add_(1.0).mul_(127.5).round_().clamp_(0, 255).to(torch.uint8)
        frames: Frames = pixels.permute(0, 2, 3, 1).contiguous().cpu().numpy()
        return frames
