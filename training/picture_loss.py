"""What the autoencoder is trained for: pictures, and how they change."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from training.perceptual import Lpips

PERCEPTUAL = {"alex": 1.2, "squeeze": 0.8}  # weights of LPIPS; the reported one is AlexNet's
CHANGE = 2.0  # weight of L1 of frame differences
PERCEPTUAL_CHANGE = 2.0  # weight of the differences of features, as part of LPIPS
POWER = 0.1
MAX_NOISE = 0.15
MARGIN = 8  # pixels that the perceptual networks do not see, so that their grid can move


def noisy(latent: Tensor, key: int) -> Tensor:
    """Latents with white noise of another level for each clip, most of it small."""
    generator = torch.Generator(latent.device).manual_seed(key)
    shape = (len(latent), 1, 1, 1, 1)
    level = torch.rand(shape, device=latent.device, generator=generator)
    noise = torch.randn(latent.shape, device=latent.device, generator=generator)
    # squared: with more noise, robustness would cost sharpness
    return latent + MAX_NOISE * level.square() * noise


def picture_loss(
    metrics: dict[str, Lpips],
    video: Tensor,
    decoded: Tensor,
    step: int,
    weights: Mapping[str, float] = PERCEPTUAL,
) -> tuple[Tensor, dict[str, Tensor]]:
    """The loss of decoded clips and its parts.

    Each perceptual network sees half of the frames, as pairs of neighbours: of one latent in one
    step, of two latents in the next.

    Args:
        metrics: LPIPS by network.
        video: float32 [B, T, 3, H, W] in [-1, 1].
        decoded: of the same shape.
        step: decides which network sees which pairs, and where its grid lies.
        weights: of the networks.
    """
    change = (decoded.diff(dim=1) - video.diff(dim=1)).abs().mean()
    l1 = (decoded - video).abs().mean()
    mse = (decoded.detach().clamp(-1, 1) - video).square().mean() / 4
    parts = {"l1": l1, "change": change, "mse": mse}
    loss = l1 + CHANGE * change
    first = step % 2
    size = [extent - MARGIN for extent in video.shape[3:]]  # one size: kernels are tuned to it
    rows, columns = (
        slice(at, at + extent)
        for at, extent in zip((step * 5 % MARGIN, step * 3 // 8 % MARGIN), size, strict=True)
    )
    for number, (network, weight) in enumerate(weights.items()):
        turn = (number + step // 2) % 2
        pairs = [pairs_of(v[..., rows, columns], first, turn) for v in (video, decoded)]
        still, moving = metrics[network].of_pairs(*pairs)
        parts |= {f"lpips_{network}": still.mean(), f"change_{network}": moving.mean()}
        loss = loss + weight * (still.mean() + PERCEPTUAL_CHANGE * moving.mean())
    return loss, parts


def pairs_of(video: Tensor, first: int, turn: int) -> Tensor:
    """Every other pair of frames of [B, T, ...], from frame first + 2 turn on: [P, 2, ...]."""
    frames = video[:, first + 2 * turn :]
    count = frames.shape[1] // 4 + (frames.shape[1] % 4 >= 2)
    starts = torch.arange(count, device=video.device) * 4
    return torch.stack([frames[:, starts], frames[:, starts + 1]], 2).flatten(0, 1)
