"""Train the decoder on what the codec gives it: python -m training.decoder --out DIR. Resumable.

At a low rate the input of the decoder is not a clean latent but what the silent part makes of the
last coded state. Encoder and latents stay as they are, so the denoiser stays valid; the decoder
learns to make pictures of that input at every level where a stream may stop.
"""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor

from freegvc.priors.small.autoencoder import SPATIAL_STRIDE, TEMPORAL_STRIDE, Autoencoder
from freegvc.priors.small.denoiser import Denoiser, schedule
from training.autoencoder import LOG_STEPS, SAVE_SECONDS, picture_loss
from training.checkpoint import Run, load_autoencoder, prefetch
from training.data import CACHE_FOLDER, TRAIN_FOLDER, Clips, normalise
from training.latents import LATENTS_FOLDER, Latents
from training.noise_levels import timesteps_of
from training.options import parser_of
from training.perceptual import WEIGHTS_FOLDER, Lpips

CLEAN_SHARE = 0.3  # of the clips are decoded from their own latents
LOW_U, HIGH_U = 0.05, 2.3  # log(1 + SNR) of the others: where streams of 0.002 to 0.05 bpp stop
SILENT_STEPS = 3  # of the prior's own silent part when the shipped decoder was trained
SEEN = (8, 20, 20)  # latents that the denoiser sees: instants, rows, columns
SHOWN = (4, 14, 14)  # of which the decoder makes pictures


def batch_at(latents: Latents, clips: Clips, step: int, count: int) -> tuple[Tensor, Tensor]:
    """Latents float32 [B, 16, *SEEN] and the frames of their first SHOWN instants and middle.

    Latents of the unvaried clips, so that a crop of one is a crop of the other.
    """
    rng = np.random.default_rng([6, step])
    seen, shown = [], []
    margins = [(s - n) // 2 for s, n in zip(SEEN[1:], SHOWN[1:], strict=True)]
    for number in rng.integers(len(clips.clips), size=count):
        latent, frames = latents.clips[number], clips.clips[number]
        first = [
            int(rng.integers(have - take + 1))
            for have, take in zip(latent.shape[1:], SEEN, strict=True)
        ]
        crop = latent
        for axis, (at, take) in enumerate(zip(first, SEEN, strict=True)):
            crop = crop.narrow(1 + axis, at, take)
        seen.append(crop)
        t = first[0] * TEMPORAL_STRIDE
        y, x = (
            (at + margin) * SPATIAL_STRIDE for at, margin in zip(first[1:], margins, strict=True)
        )
        picture = frames[
            t : t + SHOWN[0] * TEMPORAL_STRIDE,
            y : y + SHOWN[1] * SPATIAL_STRIDE,
            x : x + SHOWN[2] * SPATIAL_STRIDE,
        ]
        shown.append(torch.from_numpy(picture.copy()))
    return torch.stack(seen).float(), torch.stack(shown).permute(0, 1, 4, 2, 3)


@torch.no_grad()
def predictions(
    denoiser: Denoiser, latent: Tensor, step: int, levels: tuple[Tensor, Tensor]
) -> Tensor:
    """What a decoder is given: the ends of silent parts from random levels, and clean latents.

    The silent part is DDIM in `SILENT_STEPS` calls.
    """
    generator = torch.Generator(latent.device).manual_seed(step)
    share = torch.rand(len(latent), generator=generator, device=latent.device)
    stop = timesteps_of(LOW_U + (HIGH_U - LOW_U) * share)
    noise = torch.randn(latent.shape, device=latent.device, generator=generator)
    is_clean = torch.rand(len(latent), generator=generator, device=latent.device) < CLEAN_SHARE

    def level_at(timesteps: Tensor) -> tuple[Tensor, Tensor]:
        alpha, sigma = (table[timesteps][:, None, None, None, None] for table in levels)
        return alpha, sigma

    alpha, sigma = level_at(stop)
    x0, z = latent, alpha * latent + sigma * noise
    for left in range(SILENT_STEPS, 0, -1):
        timesteps = stop * left // SILENT_STEPS
        alpha, sigma = level_at(timesteps)
        x0 = alpha * z - sigma * denoiser(z, timesteps).float()
        following = level_at(stop * (left - 1) // SILENT_STEPS)
        ratio = following[1] / sigma
        z = ratio * z + (following[0] - ratio * alpha) * x0
    return torch.where(is_clean[:, None, None, None, None], latent, x0)


def main() -> None:
    """Train until the minutes are over; the same command then continues the run."""
    parser = parser_of(__doc__, 3e-4)
    parser.add_argument("--autoencoder", type=Path, required=True, help="weights to start from")
    parser.add_argument("--denoiser", type=Path, required=True, help="its weights.safetensors")
    parser.add_argument("--count", type=int, default=2, help="clips of a batch")
    parser.add_argument("--perceptual", type=float, default=4.0, help="weight of LPIPS")
    parser.add_argument("--data", type=Path, default=TRAIN_FOLDER)
    parser.add_argument("--weights", type=Path, default=WEIGHTS_FOLDER)
    parser.add_argument("--cache", type=Path, default=CACHE_FOLDER)
    parser.add_argument("--latents", type=Path, default=LATENTS_FOLDER)
    args = parser.parse_args()

    torch.set_num_threads(args.threads)
    clips, latents = Clips.open(args.data, args.cache), Latents.open(args.latents)
    model = load_autoencoder(args.autoencoder, args.device).requires_grad_(True)
    for part in model.encoder_parts():
        part.requires_grad_(False)
    denoiser = load_denoiser(args.denoiser, args.device)
    metrics = {n: Lpips(n, args.weights).to(args.device) for n in ("alex", "squeeze")}
    run: Run[Autoencoder] = Run(args.out, model, args.learning_rate)
    alpha, sigma = schedule()
    levels = (alpha.float().to(args.device), sigma.float().to(args.device))
    kind = torch.device(args.device).type
    began = saved = time.monotonic()
    sums: dict[str, list[Tensor]] = {}

    batches = prefetch(
        lambda step: batch_at(latents, clips, step, args.count), run.step, args.workers
    )
    for seen, shown in batches:
        latent = predictions(denoiser, seen.to(args.device), run.step, levels)
        first = [(s - n) // 2 for s, n in zip(SEEN[1:], SHOWN[1:], strict=True)]
        latent = latent[
            :, :, : SHOWN[0], first[0] : first[0] + SHOWN[1], first[1] : first[1] + SHOWN[2]
        ]
        with torch.autocast(kind, torch.bfloat16):
            decoded = model.decode(latent).float()
            loss, parts = picture_loss(
                metrics, normalise(shown.to(args.device)), decoded, run.step, args.perceptual
            )
        run.update(loss)
        for name, value in parts.items():
            sums.setdefault(name, []).append(value.detach())
        if run.step % LOG_STEPS == 0:
            run.log(**{name: float(torch.stack(values).mean()) for name, values in sums.items()})
            sums.clear()
        now = time.monotonic()
        over = now - began > 60 * args.minutes
        if over or now - saved > SAVE_SECONDS:
            run.save()
            saved = now
        if over:
            break


def load_denoiser(path: Path, device: str) -> Denoiser:
    """The frozen denoiser of a weights file."""
    model = Denoiser()
    model.load_state_dict(load_file(path))
    model.eval().requires_grad_(False)
    return model.to(device).to(memory_format=torch.channels_last)


if __name__ == "__main__":
    main()
