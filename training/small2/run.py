"""The whole of a training session on one machine, by the clock."""

from __future__ import annotations

import copy
import json
import shutil
import time
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from training import pack as packed
from training.data import decode
from training.perceptual import Lpips
from training.session import LOG, Session, append
from training.small2.autoencoder import Autoencoder
from training.small2.clips import DeviceClips
from training.small2.denoiser import Denoiser
from training.small2.denoising import LEARNING_RATE as DENOISER_RATE
from training.small2.denoising import train_denoiser
from training.small2.finishing import LEARNING_RATE as DECODER_RATE
from training.small2.finishing import train_decoder
from training.small2.train import LEARNING_RATE as AUTOENCODER_RATE
from training.small2.train import start_at_principal_components, train_autoencoder
from training.small2.validation import sheet, validate

VALIDATION_SECONDS = {"cuda": 20.0, "cpu": 60.0}  # kept for the end; a CPU takes longer


def run(
    pack: Path,
    out: Path,
    device: str,
    deadline: float,
    shares: tuple[float, float, float],
    pixels: int,
    workers: int,
) -> None:
    """Train the autoencoder, the denoiser, and the decoder on what the denoiser makes.

    Args:
        pack: folder that `training.pack` made.
        out: gets autoencoder-*.pt, denoiser-*.pt, finished-*.pt (the autoencoder with its second
            decoder), log.jsonl, sheet.png and validation.json.
        device: of torch.
        deadline: time.monotonic() at which all is over.
        shares: of the time, for the three; 0 leaves one as it is.
        pixels: of a batch of the autoencoder; the denoiser's has four times as many.
        workers: threads that decode the clips.
    """
    out.mkdir(parents=True, exist_ok=True)
    for path in (pack / packed.CHECKPOINT).glob("*.pt"):
        if not (out / path.name).exists():
            shutil.copyfile(path, out / path.name)
    torch.backends.cudnn.benchmark = True  # all batches have one shape
    torch.manual_seed(0)
    kind = torch.device(device).type
    clips = DeviceClips.load(pack / packed.TRAIN, device, workers)
    metrics = {n: Lpips(n, pack / packed.WEIGHTS).to(device) for n in ("alex", "squeeze")}
    autoencoder = Autoencoder().to(device).to(memory_format=torch.channels_last)
    if not any(out.glob("autoencoder-*.pt")):
        start_at_principal_components(autoencoder, clips)

    def seconds(stage: int) -> float:
        left = deadline - time.monotonic() - VALIDATION_SECONDS[kind]
        return max(left, 0.0) * shares[stage] / max(sum(shares[stage:]), 1e-9)

    began = {"device": device_name(kind), "clips": len(clips.clips), "seconds": seconds(0)}
    append(out / LOG, {**began, "shares": shares})
    first = Session(autoencoder, out, "autoencoder", AUTOENCODER_RATE, seconds(0))
    if shares[0]:
        for path in out.glob("finished-*.pt"):
            path.unlink()  # a decoder for latents that are about to change
        train_autoencoder(first, clips, metrics, pixels)
    trained = first.averaged
    denoiser = decoder = None
    if shares[1] or any(out.glob("denoiser-*.pt")):
        untrained = Denoiser().to(device).to(memory_format=torch.channels_last)
        second = Session(untrained, out, "denoiser", DENOISER_RATE, seconds(1))
        if shares[1]:
            train_denoiser(second, trained, clips, 4 * pixels)
        denoiser = second.averaged
    if shares[2] and denoiser is not None:
        # from its own files where there are some, else from the autoencoder
        start = copy.deepcopy(trained).requires_grad_(True)
        third = Session(start, out, "finished", DECODER_RATE, seconds(2))
        train_decoder(third, denoiser, clips, metrics, pixels)
        decoder = third.averaged

    torch.backends.cudnn.benchmark = False
    held_out = {path.stem: read(path, device) for path in sorted((pack / packed.CLIPS).iterdir())}
    report, copies = validate(trained, metrics["alex"], held_out, denoiser, decoder)
    (out / "validation.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    write_png(out / "sheet.png", sheet(held_out, copies))
    print(json.dumps(report["mean"]), f"{deadline - time.monotonic():.0f} s left", flush=True)


def device_name(kind: str) -> str:
    """What a record of this run says it ran on."""
    return torch.cuda.get_device_name() if kind == "cuda" else kind


def read(path: Path, device: str) -> Tensor:
    """uint8 [T, 3, H, W] of a validation clip."""
    return torch.from_numpy(decode(path)).permute(0, 3, 1, 2).contiguous().to(device)


def write_png(path: Path, picture: Tensor) -> None:
    """A picture uint8 [H, W, 3], RGB."""
    if not cv2.imwrite(str(path), np.ascontiguousarray(picture.numpy()[:, :, ::-1])):
        raise OSError(f"{path} cannot be written")
