"""Train the encoder for what a stream costs: python -m training.encoder --out DIR. Resumable.

Decoder and denoiser stay as they are. The encoder goes down log D + EXPONENT log R through both of
them, as tuning does for one GOP (freegvc/priors/small/tuning.py): D is the distance of the decoded
prediction, R the squared error of v, at noise levels where streams of such a clip stop. So one pass
of the encoder makes latents that decode better at equal bits.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from freegvc._control.tuning import TUNINGS, distance_of
from freegvc.priors.small.autoencoder import Autoencoder
from freegvc.priors.small.denoiser import Denoiser
from freegvc.priors.small.layers import split
from freegvc.priors.small.motion import ANCHORS, PERIOD
from freegvc.priors.small.tuning import EXPONENT, STOP_BPP, predicted, stops_of
from training.data import CACHE_FOLDER, TRAIN_FOLDER, Clips, normalise, prefetch
from training.options import parser_of
from training.perceptual import WEIGHTS_FOLDER, Lpips
from training.session import Session
from training.weights import load_autoencoder, load_denoiser, save_weights

LENGTHS = (16, 24)  # frames of a clip
TIMESTEPS = (750, 350, 80)  # where the rate of a clip is estimated
FULL_PERIOD = 3  # of so many steps, one decodes all frames, the others the anchors alone
SQUEEZE_PERIOD = 4  # of so many steps, one has LPIPS on SqueezeNet, the others on AlexNet
SHIFTS = 8  # pixels by which pictures are cut, so that the networks' grids leave no trace
PACKAGE = Path("freegvc/priors/small")


def batch_at(clips: Clips, step: int, count: int, crop: int) -> Tensor:
    """The batch of a step: uint8 [count, T, 3, crop, crop]."""
    rng = np.random.default_rng([9, step])
    return clips.batch(rng, count, int(rng.choice(LENGTHS)), (crop, crop))


def losses(
    model: Autoencoder, denoiser: Denoiser, metrics: dict[str, Lpips], batch: Tensor, step: int
) -> tuple[Tensor, dict[str, Tensor]]:
    """log D + EXPONENT log R, the mean over the clips of a batch, and its parts.

    Args:
        model, denoiser: of one device.
        metrics: LPIPS by network; they take turns.
        batch: uint8 [B, T, 3, H, W].
        step: keys the random choices.
    """
    rng = np.random.default_rng([10, step])
    network = "squeeze" if step % SQUEEZE_PERIOD == 0 else "alex"
    distance = distance_of(TUNINGS["balanced"], metrics[network])
    video = normalise(batch)
    latents = model.encode(video).float()
    generator = torch.Generator().manual_seed(step)
    noise = torch.randn(latents.shape, generator=generator).to(latents.device)
    is_full = step % FULL_PERIOD == 0
    top, left = rng.integers(SHIFTS, size=2)
    first = int(rng.integers(2))  # every other frame, as neighbours are alike
    fewest, most = STOP_BPP
    lost, missed = [], []
    for clip, latent, noise_of_clip in zip(video, latents, noise, strict=True):
        rate = fewest * (most / fewest) ** rng.random()
        (stop,) = stops_of([rate], denoiser, latent.detach(), video.dtype, TIMESTEPS)
        x0_hat, error = predicted(denoiser, latent, noise_of_clip, stop, video.dtype)
        if is_full:
            pictures, copies = clip, model.decode(x0_hat[None])[0]
        else:
            pictures = split(clip, PERIOD)[:, ANCHORS].flatten(0, 1)
            copies = model.draw_anchors(x0_hat[None])[0]
        seen = (each[first::2, :, top:, left:] for each in (pictures, copies))
        lost.append(distance(*seen).log())
        missed.append(error.log())
    parts = {f"log_d_{network}_{'all' if is_full else 'anchors'}": torch.stack(lost).mean()}
    parts["log_r"] = torch.stack(missed).mean()
    parts["power"] = latents.square().mean()
    return torch.stack(lost).mean() + EXPONENT * parts["log_r"], parts


def main() -> None:
    """Train until the minutes are over; the same command then continues the run."""
    parser = parser_of(__doc__, 3e-4)
    parser.add_argument("--autoencoder", type=Path, default=PACKAGE / "autoencoder.safetensors")
    parser.add_argument("--denoiser", type=Path, default=PACKAGE / "denoiser.safetensors")
    parser.add_argument("--count", type=int, default=2, help="clips of a batch")
    parser.add_argument("--crop", type=int, default=128)
    parser.add_argument("--data", type=Path, default=TRAIN_FOLDER)
    parser.add_argument("--weights", type=Path, default=WEIGHTS_FOLDER, help="of the loss")
    parser.add_argument("--cache", type=Path, default=CACHE_FOLDER)
    args = parser.parse_args()

    torch.set_num_threads(args.threads)
    args.out.mkdir(parents=True, exist_ok=True)
    clips = Clips.open(args.data, args.cache)
    model = load_autoencoder(args.autoencoder, args.device)
    for part in model.encoder_parts():
        part.requires_grad_(True)
    denoiser = load_denoiser(args.denoiser, args.device)
    metrics = {n: Lpips(n, args.weights).to(args.device) for n in ("alex", "squeeze")}
    session = Session(model, args.out, "autoencoder", args.learning_rate, 60 * args.minutes)
    for batch in prefetch(
        lambda step: batch_at(clips, step, args.count, args.crop), session.step, args.workers
    ):
        session.update(*losses(model, denoiser, metrics, batch.to(args.device), session.step))
        if session.is_over:
            break
    session.save()
    save_weights(session.averaged, args.out / "autoencoder.safetensors")


if __name__ == "__main__":
    main()
