"""Score an autoencoder on the original validation clips, of either generation."""

from __future__ import annotations

import json
from pathlib import Path

import torch

from training.pack import validation_clips
from training.perceptual import Lpips
from training.session import load
from training.small2.autoencoder import Autoencoder
from training.small2.run import write_png
from training.small2.validation import Codec, sheet, validate
from training.weights import load_autoencoder


def judge(weights: Path, out: Path, data: Path, frames: int) -> None:
    """Write validation.json and sheet.png into `out`.

    Args:
        weights: .safetensors of freegvc-small's autoencoder, or the folder of a training session.
        out: folder.
        data: with clips/ and weights/.
        frames: of each clip.
    """
    torch.set_num_threads(1)
    model: Codec
    if weights.suffix == ".safetensors":
        model = load_autoencoder(weights, "cpu")
    else:
        second = Autoencoder().to(memory_format=torch.channels_last)
        if load(second, weights, "autoencoder") is None:
            raise FileNotFoundError(f"no autoencoder-*.pt in {weights}")
        model = second.eval().requires_grad_(False)
    clips = dict(validation_clips(data / "clips", frames))
    report, copies = validate(model, Lpips("alex", data / "weights"), clips)
    out.mkdir(parents=True, exist_ok=True)
    (out / "validation.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    write_png(out / "sheet.png", sheet(clips, copies))
    print(json.dumps(report["mean"], indent=1))
