"""Train encoder and decoder for what a stream costs: python -m training.rate_distortion --out DIR.

The denoiser stays as it is. Both go down log D + EXPONENT log R, as tuning does for one latent
(freegvc/priors/small/tuning.py): D is the distance of what is decoded, R the squared error of v, at
noise levels where streams of such a clip stop. So one pass of the encoder makes latents that decode
better at equal bits. Resumable.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from freegvc._control.tuning import structure_lost
from freegvc.priors.small.autoencoder import Autoencoder
from freegvc.priors.small.denoiser import Denoiser, schedule
from freegvc.priors.small.tuning import EXPONENT, predicted, stops_of
from training.data import CACHE_FOLDER, TRAIN_FOLDER, Clips, normalise, prefetch
from training.decoder import PERCEPTUAL
from training.options import parser_of
from training.perceptual import WEIGHTS_FOLDER, Lpips
from training.picture_loss import picture_loss
from training.session import Session
from training.silent_part import silent_part
from training.weights import load_autoencoder, load_denoiser, save_weights

LENGTH = 16  # frames of a clip
RATES = (0.003, 0.06)  # bits per pixel of the streams
TIMESTEPS = (750, 350, 80)  # where the rate of a clip is estimated
# Of the loss of pictures, 1 - MS-SSIM and the squared error in D. With less of the first, LPIPS on
# texture gets worse as the others get better.
EXPONENTS = (0.95, 0.04, 0.01)
FLOOR = 1e-3  # of each of the three; below, little is to be gained
PACKAGE = Path("freegvc/priors/small")


def batch_at(clips: Clips, step: int, count: int, crop: int) -> Tensor:
    """The batch of a step: uint8 [count, LENGTH, 3, crop, crop]."""
    rng = np.random.default_rng([9, step])
    return clips.batch(rng, count, LENGTH, (crop, crop))


def losses(
    model: Autoencoder, denoiser: Denoiser, metrics: dict[str, Lpips], batch: Tensor, step: int
) -> tuple[Tensor, dict[str, Tensor]]:
    """log D + EXPONENT log R, the mean over the clips of a batch, and its parts.

    Args:
        model, denoiser: of one device.
        metrics: LPIPS by network.
        batch: uint8 [B, T, 3, H, W].
        step: keys the random choices.
    """
    rng = np.random.default_rng([10, step])
    alpha, sigma = (table.float().to(batch.device) for table in schedule())
    video = normalise(batch)
    latents = model.encode(video).float()
    generator = torch.Generator().manual_seed(step)
    noise = torch.randn(latents.shape, generator=generator).to(latents.device)
    fewest, most = RATES
    parts: dict[str, Tensor] = {}
    logs, missed = [], []
    for clip, latent, noise_of_clip in zip(video, latents, noise, strict=True):
        rate = fewest * (most / fewest) ** rng.random()
        (stop,) = stops_of([rate], denoiser, latent.detach(), video.dtype, TIMESTEPS)
        x0_hat, error = predicted(denoiser, latent, noise_of_clip, stop, video.dtype)
        z = alpha[stop] * latent.detach() + sigma[stop] * noise_of_clip
        stops = torch.tensor([stop], device=z.device)
        end = silent_part(denoiser, z[None], stops, (alpha, sigma))[0]
        # what the silent part makes is decoded, but with the slope of its first call
        copies = model.decode((x0_hat + (end - x0_hat).detach())[None])
        loss, parts = picture_loss(metrics, clip[None], copies, step, PERCEPTUAL)
        seen = clip, copies[0].clamp(-1, 1)
        distances = loss, structure_lost(*seen), (seen[0] - seen[1]).square().mean()
        logs.append(torch.stack([(each + FLOOR).log() for each in distances]))
        missed.append(error.log())
    means = torch.stack(logs).mean(0)
    parts |= dict(zip(("log_pictures", "log_structure", "log_mse"), means, strict=True))
    parts |= {"log_r": torch.stack(missed).mean(), "power": latents.square().mean()}
    lost = sum(e * mean for e, mean in zip(EXPONENTS, means, strict=True))
    return lost + EXPONENT * parts["log_r"], parts


def main() -> None:
    """Train until the minutes are over; the same command then continues the run."""
    parser = parser_of(__doc__, 2e-4)
    parser.add_argument("--autoencoder", type=Path, default=PACKAGE / "autoencoder.safetensors")
    parser.add_argument("--denoiser", type=Path, default=PACKAGE / "denoiser.safetensors")
    parser.add_argument("--count", type=int, default=2, help="clips of a batch")
    parser.add_argument("--crop", type=int, default=96)
    parser.add_argument("--data", type=Path, default=TRAIN_FOLDER)
    parser.add_argument("--weights", type=Path, default=WEIGHTS_FOLDER, help="of the loss")
    parser.add_argument("--cache", type=Path, default=CACHE_FOLDER)
    args = parser.parse_args()

    torch.set_num_threads(args.threads)
    args.out.mkdir(parents=True, exist_ok=True)
    clips = Clips.open(args.data, args.cache)
    model = load_autoencoder(args.autoencoder, args.device)
    encoder = {parameter for part in model.encoder_parts() for parameter in part.parameters()}
    model.requires_grad_(True)
    denoiser = load_denoiser(args.denoiser, args.device)
    metrics = {n: Lpips(n, args.weights).to(args.device) for n in ("alex", "squeeze")}
    decoder = [parameter for parameter in model.parameters() if parameter not in encoder]
    session = Session(
        model, args.out, "autoencoder", args.learning_rate, 60 * args.minutes, decoder
    )
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
