"""A prior of your own: all that freegvc needs from a model, in one class.

This model of video is a Gaussian random field whose power falls with frequency. Its latent is the
mean colour of blocks of 4 frames and 8x8 pixels; its prediction is the Wiener filter.

    python examples/custom_prior.py clip.mp4
"""

import hashlib
import sys

import numpy as np
import torch

import freegvc
from freegvc import LatentSpec, NoiseSchedule, Prior, PriorDefaults
from freegvc.priors import Frames
from freegvc.testing import check_prior


class FieldPrior(Prior):
    """Gaussian random field with power spectrum 1 / (1 + |f / corner|^3)."""

    name = "field"
    latent = LatentSpec(channels=3, temporal_stride=4, spatial_stride=8)
    schedule = NoiseSchedule.scaled_linear(0.00085, 0.012)
    defaults = PriorDefaults(silent_steps=1)
    corner = 0.02  # cycles per sample

    def __init__(self, device="cpu", dtype=torch.float32):
        self.device, self.dtype = torch.device(device), dtype

    @property
    def fingerprint(self) -> bytes:
        return hashlib.sha256(f"field 1 {self.corner}".encode()).digest()[:8]

    def predict_x0(self, z: torch.Tensor, timestep: int, side: tuple[int, ...]) -> torch.Tensor:
        level = self.schedule.level(timestep)
        power = self._power(z.shape[1:])
        gain = level.alpha * power / (level.alpha**2 * power + level.sigma**2)
        return torch.fft.ifftn(torch.fft.fftn(z, dim=(1, 2, 3)) * gain, dim=(1, 2, 3)).real

    def encode_frames(self, frames: Frames) -> torch.Tensor:
        pixels = torch.from_numpy(self.latent.pad(frames)).to(self.device)
        x = pixels.permute(3, 0, 1, 2).float() / 127.5 - 1.0
        return torch.nn.functional.avg_pool3d(x[None], (4, 8, 8))[0]

    def decode_latent(self, latent: torch.Tensor, height: int, width: int) -> Frames:
        size = (latent.shape[1] * 4, latent.shape[2] * 8, latent.shape[3] * 8)
        x = torch.nn.functional.interpolate(latent[None], size=size, mode="trilinear")[0]
        grey = ((x[:, :, :height, :width] + 1.0) * 127.5).round().clamp(0, 255)
        return grey.permute(1, 2, 3, 0).to(torch.uint8).cpu().numpy()

    def _power(self, shape) -> torch.Tensor:
        axes = torch.meshgrid(*(torch.fft.fftfreq(n) for n in shape), indexing="ij")
        power = 1.0 / (1.0 + (sum(f**2 for f in axes).sqrt() / self.corner) ** 3)
        return (0.3 * power / power.mean()).to(self.device)


def load(device="cpu", dtype=torch.float32) -> FieldPrior:
    """The function that a package names in its pyproject.toml, so that `--prior field` finds it:

    [project.entry-points."freegvc.priors"]
    field = "your_package:load"
    """
    return FieldPrior(device, dtype)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python examples/custom_prior.py VIDEO")
    prior = load()
    check_prior(prior)
    stream = freegvc.compress(sys.argv[1], target_bpp=0.01, prior=prior)
    video = freegvc.decompress(stream, prior=prior)
    print(f"{stream!r}; mean colour {np.round(video.frames.mean((0, 1, 2)))}")
