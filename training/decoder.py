"""Train the decoder on what the codec gives it: python -m training.decoder --out DIR. Resumable.

Encoder and latents stay as they are, so the denoiser stays valid; the decoder learns to make
pictures of what training.silent_outputs cached, at every level where a stream may stop.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor

from training.data import normalise, prefetch
from training.perceptual import WEIGHTS_FOLDER, Lpips
from training.picture_loss import picture_loss
from training.session import Session
from training.silent_outputs import OUTPUTS_FOLDER, SilentOutputs
from training.weights import load_autoencoder, save_weights

SHOWN = (4, 16, 16)  # latents of a sample: instants, rows, columns
PERCEPTUAL = {"alex": 4.0, "squeeze": 1.5}  # weights of LPIPS; the reported one is AlexNet's


def batches(outputs: Path, step: int, count: int, workers: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Latents and the frames that they stand for, from a step on; files may be added meanwhile."""
    return prefetch(lambda at: SilentOutputs.open(outputs).batch(at, count, SHOWN), step, workers)


def main() -> None:
    """Train until the minutes are over; the same command then continues the run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder of the run")
    parser.add_argument("--autoencoder", type=Path, required=True, help="weights to start from")
    parser.add_argument("--minutes", type=float, required=True)
    parser.add_argument("--learning-rate", type=float, default=4e-4)
    parser.add_argument("--count", type=int, default=2, help="samples of a batch")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--outputs", type=Path, default=OUTPUTS_FOLDER)
    parser.add_argument("--weights", type=Path, default=WEIGHTS_FOLDER, help="of the loss")
    args = parser.parse_args()

    torch.set_num_threads(args.threads)
    args.out.mkdir(parents=True, exist_ok=True)
    model = load_autoencoder(args.autoencoder, args.device).requires_grad_(True)
    for part in model.encoder_parts():
        part.requires_grad_(False)
    metrics = {n: Lpips(n, args.weights).to(args.device) for n in PERCEPTUAL}
    session = Session(model, args.out, "autoencoder", args.learning_rate, 60 * args.minutes)
    kind = torch.device(args.device).type
    for latent, shown in batches(args.outputs, session.step, args.count, args.workers):
        with torch.autocast(kind, torch.bfloat16):
            decoded = model.decode(latent.to(args.device)).float()
            loss, parts = picture_loss(
                metrics, normalise(shown.to(args.device)), decoded, session.step, PERCEPTUAL
            )
        session.update(loss, parts)
        if session.is_over:
            break
    session.save()
    save_weights(session.averaged, args.out / "autoencoder.safetensors")


if __name__ == "__main__":
    main()
