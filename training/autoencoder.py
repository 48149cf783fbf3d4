"""Train the autoencoder: python -m training.autoencoder --out DIR [--minutes N]. Resumable."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from freegvc.priors.small.autoencoder import LATENT_CHANNELS, Autoencoder, to_blocks
from training.data import CACHE_FOLDER, TRAIN_FOLDER, Clips, normalise, prefetch
from training.options import parser_of
from training.perceptual import WEIGHTS_FOLDER, Lpips
from training.principal_components import amplitudes
from training.session import Session
from training.weights import replace, save_weights

MAX_NOISE = 0.3


def batch_at(clips: Clips, step: int, pixels: int, crop: int) -> Tensor:
    """The batch of a step: uint8 [B, T, 3, crop, crop] of about `pixels` pixels in all."""
    rng = np.random.default_rng([1, step])
    # short clips for variety; long ones so that the causal convolutions see a full past
    length = int(rng.choice([8, 8, 16, 32]))
    count = max(1, pixels // (length * crop * crop))
    return clips.batch(rng, count, length, (crop, crop))


@torch.no_grad()
def start_at_principal_components(model: Autoencoder, clips: Clips) -> None:
    """Set the linear transform of blocks to the 16 first principal components of the clips."""
    rng = np.random.default_rng(5)
    blocks = [to_blocks(normalise(clips.batch(rng, 4, 8, (64, 64)))) for _ in range(50)]
    samples = torch.cat(blocks).permute(0, 2, 3, 1).flatten(0, 2).double()
    forth, back, mean = amplitudes(samples, LATENT_CHANNELS)
    for layer, weight, bias in (
        (model.block_to_latent, forth, -forth @ mean),
        (model.latent_to_block, back, mean),
    ):
        layer.load_state_dict({"weight": weight[:, :, None, None], "bias": bias})


def losses(
    model: Autoencoder, metrics: dict[str, Lpips], batch: Tensor, step: int, perceptual: float
) -> tuple[Tensor, dict[str, Tensor]]:
    """The loss of a batch, and its parts.

    L1 and LPIPS of the decoded noisy latents, and a penalty that keeps the power of the latents
    near one. The power is held over all channels together, not for each: see Autoencoder.
    """
    generator = torch.Generator(batch.device).manual_seed(step)
    video = normalise(batch)
    latent = model.encode(video).float()
    spread = torch.rand(len(latent), 1, 1, 1, 1, device=batch.device, generator=generator)
    noise = torch.randn(latent.shape, device=batch.device, generator=generator)
    # squared, so most clips have little noise: with more, robustness would cost sharpness
    decoded = model.decode(latent + MAX_NOISE * spread.square() * noise).float()
    power = latent.square().mean()
    loss, parts = picture_loss(metrics, video, decoded, step, perceptual)
    return loss + 0.1 * (power - 1.0).square(), {**parts, "power": power}


def picture_loss(
    metrics: dict[str, Lpips], video: Tensor, decoded: Tensor, step: int, perceptual: float
) -> tuple[Tensor, dict[str, Tensor]]:
    """L1 and weighted LPIPS of decoded clips, float32 [B, T, 3, H, W] in [-1, 1], and its parts."""
    l1 = (decoded - video).abs().mean()
    # every other frame, cut at a random place, so that the networks' strides leave no grid
    rng = np.random.default_rng([2, step])
    first, top, left = int(rng.integers(2)), int(rng.integers(8)), int(rng.integers(8))
    network = "squeeze" if step % 4 == 3 else "alex"
    pictures = [v[:, first::2, :, top:, left:].flatten(0, 1) for v in (video, decoded)]
    lpips = metrics[network](*pictures).mean()
    mse = (decoded.detach().clamp(-1, 1) - video).square().mean() / 4
    return l1 + perceptual * lpips, {"l1": l1, f"lpips_{network}": lpips, "mse": mse}


@torch.no_grad()
def normalise_latents(model: Autoencoder, clips: Clips, device: str) -> None:
    """Set the buffers so that latents have zero mean in each channel and unit power over all."""
    model.mean.zero_()
    model.scale.fill_(1.0)
    rng = np.random.default_rng(11)
    latents = torch.cat(
        [
            model.encode(normalise(clips.batch(rng, 2, 8, (128, 128)).to(device))).float()
            for _ in range(16)
        ]
    )
    model.mean.copy_(latents.mean((0, 2, 3, 4)))
    model.scale.copy_((latents - model.mean[:, None, None, None]).square().mean().sqrt())


@torch.no_grad()
def sheet(model: Autoencoder, clips: Clips, path: Path, device: str) -> None:
    """Four fixed clips and their reconstructions: first and last frame above their copies."""
    batch = clips.batch(np.random.default_rng(7), 4, 8, (128, 128)).to(device)
    decoded = model.decode(model.encode(normalise(batch)))
    copies = decoded.float().add(1).mul(127.5).round().clamp(0, 255).byte()
    rows = [
        torch.cat([v[:, 0], v[:, -1]]).permute(2, 0, 3, 1).flatten(1, 2) for v in (batch, copies)
    ]
    image = Image.fromarray(torch.cat(rows).cpu().numpy())
    replace(path, lambda temporary: image.save(temporary, "png"))


def main() -> None:
    """Train until the minutes are over; the same command then continues the run."""
    parser = parser_of(__doc__, 1e-3)
    parser.add_argument("--pixels", type=int, default=4 * 8 * 96 * 96, help="pixels of a batch")
    parser.add_argument("--crop", type=int, default=96)
    parser.add_argument("--perceptual", type=float, default=1.0, help="weight of LPIPS")
    parser.add_argument("--data", type=Path, default=TRAIN_FOLDER)
    parser.add_argument("--weights", type=Path, default=WEIGHTS_FOLDER)
    parser.add_argument("--cache", type=Path, default=CACHE_FOLDER)
    args = parser.parse_args()

    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    clips = Clips.open(args.data, args.cache)
    model = Autoencoder().to(args.device).to(memory_format=torch.channels_last)
    metrics = {n: Lpips(n, args.weights).to(args.device) for n in ("alex", "squeeze")}
    args.out.mkdir(parents=True, exist_ok=True)
    if not any(args.out.glob("autoencoder-*.pt")):  # a session that continues has better weights
        start_at_principal_components(model, clips)
    session = Session(model, args.out, "autoencoder", args.learning_rate, 60 * args.minutes)
    kind = torch.device(args.device).type
    for batch in prefetch(
        lambda step: batch_at(clips, step, args.pixels, args.crop), session.step, args.workers
    ):
        with torch.autocast(kind, torch.bfloat16):
            video = batch.to(args.device)
            loss, parts = losses(model, metrics, video, session.step, args.perceptual)
        session.update(loss, parts)
        if session.is_over:
            break
    normalise_latents(session.averaged, clips, args.device)
    session.save()
    save_weights(session.averaged, args.out / "autoencoder.safetensors")
    sheet(session.averaged, clips, args.out / "sheet.png", args.device)


if __name__ == "__main__":
    main()
