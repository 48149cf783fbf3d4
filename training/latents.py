"""Latents of the training clips, cached for the denoiser.

python -m training.latents --autoencoder FILE [--variants N]

A variant holds every clip once, seen in another way: mirrored, played backwards, faster or slower,
smaller, or one frame of it under a moving camera. Training the denoiser then costs no encoding.
Variants that are there already are kept.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from freegvc.priors.small.autoencoder import SPATIAL_STRIDE, Autoencoder
from training.data import CACHE_FOLDER, TRAIN_FOLDER, Clips, Frames, normalise, prefetch
from training.weights import load_autoencoder, replace

LATENTS_FOLDER = CACHE_FOLDER.with_name("latents")
MIN_SIDE = 128  # pixels; smaller crops leave the denoiser no surroundings


@dataclass(frozen=True)
class Latents:
    """Cached latents, float16 [16, T', h, w] each."""

    clips: list[Tensor]

    @classmethod
    def open(cls, folder: Path = LATENTS_FOLDER) -> Latents:
        """All variants in a folder, memory-mapped."""
        clips = []
        for path in sorted(folder.glob("variant_*.safetensors")):
            with safe_open(path, "pt") as file:
                clips += [file.get_tensor(name) for name in sorted(file.keys())]
        if not clips:
            raise FileNotFoundError(f"no variant_*.safetensors in {folder}; run training.latents")
        return cls(clips)

    def batch(self, rng: np.random.Generator, count: int, size: tuple[int, int, int]) -> Tensor:
        """`count` crops of at most `size` = (T', h, w), all of one shape; float32 [B, 16, ...]."""
        chosen = [self.clips[int(i)] for i in rng.integers(len(self.clips), size=count)]
        taken = [min(s, *(clip.shape[1 + axis] for clip in chosen)) for axis, s in enumerate(size)]
        crops = []
        for clip in chosen:
            crop = clip
            for axis, length in enumerate(taken):
                first = int(rng.integers(clip.shape[1 + axis] - length + 1))
                crop = crop.narrow(1 + axis, first, length)
            crops.append(crop)
        return torch.stack(crops).float()


def varied(clips: Clips, number: int, variant: int) -> Frames:
    """One way to see a clip: uint8 [T, H, W, 3], T a multiple of 4, H and W of 8."""
    rng = np.random.default_rng([4, variant, number])
    shape = clips.shapes[number]
    factor = max(float(rng.uniform(0.5, 1.0)), MIN_SIDE / min(shape[1:])) if variant else 1.0
    sides = [round(side * factor) // SPATIAL_STRIDE * SPATIAL_STRIDE for side in shape[1:]]
    frames = clips.clips[number]
    if variant:
        frames = clips.seen_in_a_random_way(rng, number, 48, (sides[0], sides[1]))
    frames = frames[: len(frames) // 4 * 4, : sides[0], : sides[1]]
    return frames.copy()  # of a read-only file


def encode_variant(
    model: Autoencoder, clips: Clips, variant: int, workers: int
) -> dict[str, Tensor]:
    """float16 latents of every clip, under its number."""
    latents = {}
    count = len(clips.clips)
    made = prefetch(lambda number: varied(clips, number % count, variant), 0, workers)
    for number, frames in zip(range(count), made, strict=False):
        video = normalise(torch.from_numpy(frames)).permute(0, 3, 1, 2)[None]
        latents[f"{number:05d}"] = model.encode(video)[0].half().contiguous()
    return latents


@torch.inference_mode()
def main() -> None:
    """Write the variants that are not there yet."""

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--autoencoder", type=Path, required=True)
    parser.add_argument("--variants", type=int, default=4)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--data", type=Path, default=TRAIN_FOLDER)
    parser.add_argument("--cache", type=Path, default=CACHE_FOLDER)
    parser.add_argument("--out", type=Path, default=LATENTS_FOLDER)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    clips = Clips.open(args.data, args.cache)
    model = load_autoencoder(args.autoencoder, "cpu")
    args.out.mkdir(parents=True, exist_ok=True)
    for variant in range(args.variants):
        path = args.out / f"variant_{variant}.safetensors"
        if path.exists():
            continue
        began = time.monotonic()
        latents = encode_variant(model, clips, variant, args.workers)
        replace(path, partial(save_file, latents))
        print(path, f"{time.monotonic() - began:.0f} s", flush=True)


if __name__ == "__main__":
    main()
