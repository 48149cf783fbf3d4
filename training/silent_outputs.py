"""What the codec gives the decoder, cached: python -m training.silent_outputs. Resumable.

At a low rate the input of the decoder is not a clean latent but what the silent part makes of the
last coded state. Each file holds one training clip, seen in a random way, its clean latent, and the
ends of silent parts from two random levels. Made once for whole clips, they cost a quarter of what
they would for each crop, which needs surroundings.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from freegvc.priors.small.autoencoder import SPATIAL_STRIDE, TEMPORAL_STRIDE, Autoencoder
from freegvc.priors.small.denoiser import Denoiser, schedule
from training.data import CACHE_FOLDER, TRAIN_FOLDER, Clips, Frames, normalise
from training.noise_levels import timesteps_of
from training.silent_part import silent_part
from training.weights import load_autoencoder, load_denoiser, replace

OUTPUTS_FOLDER = CACHE_FOLDER.with_name("silent-outputs")
CLEAN_SHARE = 0.25  # of the samples are decoded from their own latents
LOW_U, HIGH_U = 0.05, 2.3  # log(1 + SNR) of the others: where streams of 0.002 to 0.05 bpp stop
LEVELS = 2  # at which each clip is stopped
LENGTH, HEIGHT, WIDTH = 48, 256, 320  # at most, in frames and pixels
STILL_SHARE, VARIED_SHARE = 0.08, 0.5  # clips of one frame held; varied as the denoiser's are


@dataclass(frozen=True)
class SilentOutputs:
    """Cached clips: uint8 frames [T, H, W, 3], and latents float16 [1 + LEVELS, 16, T', h, w].

    Attributes:
        paths: one file for each clip.
    """

    paths: list[Path]

    @classmethod
    def open(cls, folder: Path = OUTPUTS_FOLDER) -> SilentOutputs:
        """All files that are in a folder now.

        Raises:
            FileNotFoundError: there is none.
        """
        paths = sorted(folder.glob("*.safetensors"))
        if not paths:
            raise FileNotFoundError(f"no *.safetensors in {folder}; run training.silent_outputs")
        return cls(paths)

    def sample(self, rng: np.random.Generator, size: tuple[int, int, int]) -> tuple[Tensor, Tensor]:
        """A crop of `size` = (T', h, w) latents.

        Returns:
            What the decoder is given, float32 [16, T', h, w], and uint8 [T, 3, H, W].
        """
        with safe_open(self.paths[int(rng.integers(len(self.paths)))], "pt") as file:
            latents, frames = file.get_slice("latents"), file.get_slice("frames")
            is_clean = rng.random() < CLEAN_SHARE
            row = 0 if is_clean else 1 + int(rng.integers(latents.get_shape()[0] - 1))
            have = latents.get_shape()[2:]
            t, y, x = (int(rng.integers(n - s + 1)) for n, s in zip(have, size, strict=True))
            latent = latents[row, :, t : t + size[0], y : y + size[1], x : x + size[2]]
            (t0, t1), (y0, y1), (x0, x1) = (
                (at * stride, (at + taken) * stride)
                for at, taken, stride in zip(
                    (t, y, x), size, (TEMPORAL_STRIDE, SPATIAL_STRIDE, SPATIAL_STRIDE), strict=True
                )
            )
            pictures = frames[t0:t1, y0:y1, x0:x1]
        return latent.float(), pictures.permute(0, 3, 1, 2)

    def batch(self, step: int, count: int, size: tuple[int, int, int]) -> tuple[Tensor, Tensor]:
        """`count` samples; the step decides all choices."""
        rng = np.random.default_rng([6, step])
        samples = [self.sample(rng, size) for _ in range(count)]
        return torch.stack([latent for latent, _ in samples]), torch.stack([v for _, v in samples])


def seen(clips: Clips, number: int) -> Frames:
    """A training clip, whole or varied: uint8 [T, H, W, 3] of at most LENGTH x HEIGHT x WIDTH."""
    rng = np.random.default_rng([8, number])
    clip = number % len(clips.clips)
    length, *sides = clips.shapes[clip]
    height, width = (
        min(side, limit) // SPATIAL_STRIDE * SPATIAL_STRIDE
        for side, limit in zip(sides, (HEIGHT, WIDTH), strict=True)
    )
    kind = rng.random()
    if kind < VARIED_SHARE:
        return clips.seen_in_a_random_way(rng, clip, LENGTH, (height, width))
    frames = clips.clips[clip][: min(length, LENGTH) // TEMPORAL_STRIDE * TEMPORAL_STRIDE]
    top, left = (int(rng.integers(n - s + 1)) for n, s in zip(sides, (height, width), strict=True))
    frames = frames[:, top : top + height, left : left + width]
    if kind < VARIED_SHARE + STILL_SHARE:
        frames = np.broadcast_to(frames[:1], frames.shape)
    return frames.copy()  # of a read-only file


@torch.no_grad()
def made(
    autoencoder: Autoencoder, denoiser: Denoiser, frames: Frames, number: int
) -> dict[str, Tensor]:
    """The file of one clip."""
    device = next(denoiser.parameters()).device
    alpha, sigma = (table.float().to(device) for table in schedule())
    shown = torch.from_numpy(frames)
    latent = autoencoder.encode(normalise(shown.permute(0, 3, 1, 2)[None].to(device))).float()
    generator = torch.Generator(device).manual_seed(number)
    share = torch.rand(LEVELS, generator=generator, device=device)
    stop = timesteps_of(LOW_U + (HIGH_U - LOW_U) * share)
    noise = torch.randn((LEVELS, *latent.shape[1:]), generator=generator, device=device)
    at = [table[stop][:, None, None, None, None] for table in (alpha, sigma)]
    ends = silent_part(denoiser, at[0] * latent + at[1] * noise, stop, (alpha, sigma))
    return {"frames": shown, "latents": torch.cat([latent, ends]).half().contiguous().cpu()}


def make(folder: Path, clips: Clips, numbers: Sequence[int], weights: Path, device: str) -> None:
    """Write the files of these numbers; those that are there are kept."""
    folder.mkdir(parents=True, exist_ok=True)
    autoencoder = load_autoencoder(weights / "autoencoder.safetensors", device)
    denoiser = load_denoiser(weights / "denoiser.safetensors", device)
    for number in numbers:
        path = folder / f"{number:05d}.safetensors"
        if not path.exists():
            replace(
                path, partial(save_file, made(autoencoder, denoiser, seen(clips, number), number))
            )


def main() -> None:
    """Make the files from --first on."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", type=Path, default=Path("freegvc/priors/small"))
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--count", type=int, default=752, help="files")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--data", type=Path, default=TRAIN_FOLDER)
    parser.add_argument("--cache", type=Path, default=CACHE_FOLDER)
    parser.add_argument("--out", type=Path, default=OUTPUTS_FOLDER)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    numbers = range(args.first, args.first + args.count)
    make(args.out, Clips.open(args.data, args.cache), numbers, args.weights, args.device)


if __name__ == "__main__":
    main()
