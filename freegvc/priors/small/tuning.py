"""Latents that decode better: gradient descent through freegvc-small's decoder, before coding.

The encoder network makes one latent of a GOP. Another one near it may decode to frames with a
better score at equal bits, and descent finds it: the decoder needs to know nothing of that. It goes
down log D + EXPONENT log R, where D is the metric's loss after decoding what the denoiser makes of
the noisy latent, and R the bits of the walk. D falls with a power of R (paper, eq. 16), so this is
the score at equal bits. Campos et al., "Content adaptive optimization for neural image
compression", 2019, do it with other codecs.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise, product

import torch
from torch import Tensor

from freegvc.priors.base import Distance
from freegvc.priors.small.autoencoder import SPATIAL_STRIDE, TEMPORAL_STRIDE, Autoencoder
from freegvc.priors.small.denoiser import Denoiser, schedule

ITERATIONS = 10
STEP = 0.04  # the first of Adam's, in latents of unit power; then less, down to none
BETAS = (0.8, 0.95)
EXPONENT = 0.4  # LPIPS and mse of the fifteen clips fall with about this power of the bits
WINDOW = (4, 20, 28)  # instants, rows and columns that are decoded at once, to bound memory
NOISIEST, CLEANEST = 600, 200  # timesteps: SNR 0.5 to 9.5, where streams of 0.006 to 0.03 bpp stop


@torch.enable_grad()
def tuned(
    autoencoder: Autoencoder,
    denoiser: Denoiser,
    latent: Tensor,
    video: Tensor,
    distance: Distance,
) -> Tensor:
    """A latent near the given one whose decode has a smaller distance at equal bits.

    Args:
        autoencoder, denoiser: of the prior, in one dtype.
        latent: float32 [16, T', h, w], of the video.
        video: [4 T', 3, 8 h, 8 w] in [-1, 1], in the dtype of the networks.
        distance: what becomes smaller.

    Returns:
        float32 of the latent's shape.
    """
    moved = latent.clone()
    optimizer = torch.optim.Adam([moved], STEP, BETAS)
    generator = torch.Generator(latent.device)
    for turn in range(ITERATIONS):
        generator.manual_seed(turn)
        noise = torch.randn(latent.shape, generator=generator, device=latent.device)
        gradients = torch.zeros((2, *latent.shape), device=latent.device)
        sums = torch.zeros(2, device=latent.device)
        for window in windows(tuple(latent.shape[1:]), turn):
            at = (slice(None), *window)
            part, seen = moved[at].requires_grad_(True), video[_pixels(window)]
            x0_hat, missed = _predicted(denoiser, part, noise[at], turn, video.dtype)
            decoded = autoencoder.decode(x0_hat[None])[0]
            losses = distance(seen.float(), decoded.float(), turn), missed
            share = part[0].numel() / latent[0].numel()
            for number, loss in enumerate(losses):
                (gradient,) = torch.autograd.grad(share * loss, part, retain_graph=not number)
                gradients[number][at] = gradient
                sums[number] += share * loss.detach()
        weights = torch.tensor([1.0, EXPONENT], device=latent.device) / sums.clamp(min=1e-9)
        moved.grad = (weights[:, None, None, None, None] * gradients).sum(0)
        optimizer.param_groups[0]["lr"] = STEP * (1 - turn / ITERATIONS)
        optimizer.step()
    return moved


def windows(shape: tuple[int, ...], turn: int) -> Iterator[tuple[slice, ...]]:
    """Parts of a latent, of at most WINDOW, that are all of it.

    Their borders lie elsewhere in the next iteration: near a border the decoder lacks what is on
    the other side.

    Args:
        shape: instants, rows, columns.
        turn: number of the iteration.
    """
    axes = []
    for length, most in zip(shape, WINDOW, strict=True):
        count = -(-length // most)
        edges = [round(length * k / count) for k in range(count + 1)]
        if turn % 2 and count > 1:
            half = edges[1] // 2
            edges = [0, *(edge + half for edge in edges[:-1]), length]
        axes.append([slice(*ends) for ends in pairwise(edges)])
    return product(*axes)


def _predicted(
    denoiser: Denoiser, latent: Tensor, noise: Tensor, turn: int, dtype: torch.dtype
) -> tuple[Tensor, Tensor]:
    """What a stream that stops at a timestep, another in each turn, gives the decoder.

    Returns:
        The prediction of the latent; and the squared error of v, to which bits are proportional.
    """
    # evenly spread, whatever the number of turns
    timestep = round(CLEANEST + (NOISIEST - CLEANEST) * (turn * 0.618 % 1.0))
    alpha, sigma = (float(table[timestep]) for table in schedule())
    z = alpha * latent + sigma * noise
    v = denoiser(z[None].to(dtype), torch.full((1,), timestep, device=z.device))[0].float()
    missed = (v - (alpha * noise - sigma * latent)).square().mean()
    return (alpha * z - sigma * v).to(dtype), missed


def _pixels(window: tuple[slice, ...]) -> tuple[slice, ...]:
    time, *sides = window
    frames = slice(time.start * TEMPORAL_STRIDE, time.stop * TEMPORAL_STRIDE)
    rows, columns = (slice(s.start * SPATIAL_STRIDE, s.stop * SPATIAL_STRIDE) for s in sides)
    return frames, slice(None), rows, columns
