"""What the prior is worth on clips that it was not trained on.

python -m training.validate --autoencoder FILE [--denoiser FILE] [--sheet PNG] [--out JSON] CLIP ...
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from freegvc._diffusion import NoiseSchedule
from freegvc._trajectory.grid import Pace, grid_to
from freegvc.priors.small.denoiser import Denoiser, schedule
from training.data import decode, normalise
from training.perceptual import WEIGHTS_FOLDER, Lpips
from training.scores import scores, to_bytes
from training.weights import load_autoencoder, load_denoiser

PACE = Pace(0.1, 1.15)  # the same for all records, whatever the codec's own
STOP_ROOTS = (0.25, 0.5, 1.0, 2.0, 4.0)  # sqrt(SNR) of the stop steps that are reported


def read_clip(path: Path, num_frames: int, height: int, width: int) -> Tensor:
    """The first frames of a video or of a folder of pictures, scaled to cover and cropped.

    Returns:
        uint8 [T, 3, height, width].
    """
    if path.is_dir():
        names = sorted(p for p in path.iterdir() if p.suffix in {".png", ".jpg", ".jpeg"})
        frames = np.stack([np.asarray(Image.open(p).convert("RGB")) for p in names[:num_frames]])
    else:
        frames = decode(path)[:num_frames]
    video = torch.from_numpy(frames).permute(0, 3, 1, 2).float()
    factor = max(height / video.shape[2], width / video.shape[3])
    size = (math.ceil(video.shape[2] * factor), math.ceil(video.shape[3] * factor))
    video = F.interpolate(video, size, mode="bicubic", antialias=True)
    top, left = (size[0] - height) // 2, (size[1] - width) // 2
    video = video[:, :, top : top + height, left : left + width]
    return video[: len(video) // 4 * 4].round().clamp(0, 255).byte()


def rounded(values: dict[str, Any]) -> dict[str, Any]:
    """Numbers, and lists of numbers, to four decimals."""
    return {key: np.round(value, 4).tolist() for key, value in values.items()}


def bits_of_walk(
    latent: Tensor, levels: NoiseSchedule, predict_x0: Callable[[Tensor, int], Tensor]
) -> list[dict[str, float]]:
    """Bits that the codec's walk would send to each of the stop steps, with an ideal coder.

    Each step is measured at an independent sample of its noise level, which has the law of
    the walk's own state.

    Args:
        latent: [1, 16, T', h, w].
        levels: the schedule.
        predict_x0: latents and timestep to the predicted clean latents.

    Returns:
        A row for each of STOP_ROOTS: bits per pixel, and the mean squared error of the
        prediction there.
    """
    generator = torch.Generator(latent.device).manual_seed(0)
    stops = [levels.noisiest_with(root**2) for root in STOP_ROOTS]
    grid = grid_to(levels, stops[-1], PACE)
    steps = [levels.start, *grid]
    steps = sorted({*steps, *stops}, reverse=True)
    pixels = latent[0, 0].numel() * 4 * 8 * 8
    bits, rows = 0.0, []
    for step, following in pairwise([*steps, steps[-1] - 1]):
        level = levels.level(step)
        noise = torch.randn(latent.shape, generator=generator, device=latent.device)
        predicted = predict_x0(level.alpha * latent + level.sigma * noise, step)
        error = (latent - predicted).square()
        if step in stops:
            root, mse = STOP_ROOTS[stops.index(step)], float(error.mean())
            rows.append({"root": root, "bpp": round(bits / pixels, 5), "mse": round(mse, 4)})
        gain = levels.snr(following) - levels.snr(step)
        bits += 0.5 * gain * float(error.double().sum()) / math.log(2)
    return rows


def predictor(denoiser: Denoiser, levels: NoiseSchedule) -> Callable[[Tensor, int], Tensor]:
    """The predictions of the clean latent by a network that predicts v."""

    def predict_x0(z: Tensor, timestep: int) -> Tensor:
        level = levels.level(timestep)
        v: Tensor = denoiser(z, torch.tensor([timestep], device=z.device))
        return level.alpha * z - level.sigma * v

    return predict_x0


@torch.inference_mode()
def main() -> None:
    """Print one JSON line for each clip, and the means."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clips", type=Path, nargs="+")
    parser.add_argument("--autoencoder", type=Path, required=True)
    parser.add_argument("--denoiser", type=Path)
    parser.add_argument("--sheet", type=Path, help="originals above copies, one column a clip")
    parser.add_argument("--out", type=Path, help="all that is printed, as one JSON file")
    parser.add_argument("--frames", type=int, default=48)
    parser.add_argument("--height", type=int, default=240)
    parser.add_argument("--width", type=int, default=416)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--weights", type=Path, default=WEIGHTS_FOLDER)
    args = parser.parse_args()

    torch.set_num_threads(args.threads)
    autoencoder = load_autoencoder(args.autoencoder, args.device)
    lpips = Lpips("alex", args.weights).to(args.device)
    alpha, sigma = schedule()
    levels = NoiseSchedule(alpha.numpy(), sigma.numpy())
    denoiser = load_denoiser(args.denoiser, args.device) if args.denoiser else None
    rows, columns = [], []
    for path in args.clips:
        video = read_clip(path, args.frames, args.height, args.width).to(args.device)
        began = time.perf_counter()
        latent = autoencoder.encode(normalise(video)[None])
        encoded = time.perf_counter()
        copy = to_bytes(autoencoder.decode(latent)[0])
        seconds = encoded - began, time.perf_counter() - encoded
        row: dict[str, Any] = {"clip": path.name, **rounded(scores(lpips, video, copy))}
        row["latent_power"] = round(float(latent.square().mean()), 3)
        row["encode_seconds"], row["decode_seconds"] = (round(s, 2) for s in seconds)
        pictures = [video[24 % len(video)], copy[24 % len(video)]]
        if denoiser is not None:
            row["walk"] = bits_of_walk(latent, levels, predictor(denoiser, levels))
        rows.append(row)
        columns.append(torch.cat(pictures, 1))
        print(json.dumps(row), flush=True)
    means: dict[str, Any] = rounded(
        {
            key: np.mean([row[key] for row in rows], 0).tolist()
            for key in ("psnr_db", "psnr_db_by_phase", "lpips", "flicker")
        }
    )
    if args.denoiser:
        means["walk"] = [
            {key: round(float(np.mean([row["walk"][i][key] for row in rows])), 5) for key in at}
            for i, at in enumerate(rows[0]["walk"])
        ]
    print(json.dumps({"mean": means}))
    if args.out:
        record = {
            "measured": datetime.now(UTC).date().isoformat(),
            "frames": args.frames,
            "size": f"{args.width}x{args.height}",
            "clips": rows,
            "mean": means,
        }
        args.out.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    if args.sheet:
        Image.fromarray(torch.cat(columns, 2).permute(1, 2, 0).cpu().numpy()).save(args.sheet)


if __name__ == "__main__":
    main()
