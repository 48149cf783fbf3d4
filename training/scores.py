"""What a copy of a clip is worth: PSNR by phase, LPIPS, flicker."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from training.data import normalise
from training.perceptual import Lpips

PHASES = 4  # frames that a latent of freegvc-small covers; two latents of its successor


def to_bytes(video: Tensor) -> Tensor:
    """uint8 of frames in [-1, 1]."""
    return video.add(1).mul(127.5).round().clamp(0, 255).byte()


def scores(lpips: Lpips, original: Tensor, copy: Tensor) -> dict[str, Any]:
    """PSNR in dB, in all and by phase, LPIPS, and flicker of uint8 [T, 3, H, W].

    Flicker is the mean absolute error of the difference between neighbouring frames, in grey
    levels. It is zero for a copy that is wrong but moves as the original does.
    """
    a, b = original.float(), copy.float()
    psnr = 10 * torch.log10(255.0**2 / (a - b).square().mean((1, 2, 3)).clamp(min=1e-3))
    distances = [
        lpips(normalise(x), normalise(y))
        for x, y in zip(original.tensor_split(6), copy.tensor_split(6), strict=True)
    ]
    return {
        "psnr_db": float(psnr.mean()),
        "psnr_db_by_phase": [float(psnr[i::PHASES].mean()) for i in range(PHASES)],
        "lpips": float(torch.cat(distances).mean()),
        "flicker": float((b.diff(dim=0) - a.diff(dim=0)).abs().mean()),
    }
