"""Latents that decode better: gradient descent through freegvc-small's decoder, before coding.

The encoder network makes one latent of a GOP. Another one near it may decode to frames with a
better score at equal bits, and descent finds it: the decoder needs to know nothing of that. It goes
down log D + EXPONENT log R, where D is the distance of the frames after decoding what the denoiser
makes of the noisy latent, and R the bits of the walk. D falls with a power of R (paper, eq. 16), so
this is the score at equal bits. Campos et al., "Content adaptive optimization for neural image
compression", 2019, do it with other codecs.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise, product

import numpy as np
import torch
from torch import Tensor

from freegvc.priors.base import Distance
from freegvc.priors.small.autoencoder import (
    LATENT_CHANNELS,
    SPATIAL_STRIDE,
    TEMPORAL_STRIDE,
    Autoencoder,
)
from freegvc.priors.small.denoiser import Denoiser, schedule
from freegvc.priors.small.layers import split
from freegvc.priors.small.motion import ANCHORS

ITERATIONS = 10
STEP = 0.08  # the first one, in latents of unit power; then less, down to none
BETAS = (0.8, 0.95)  # of Adam
EXPONENT = 0.4  # scores of the fifteen clips fall with about this power of the bits
STOP_BPP = (0.004, 0.03)  # rates of the streams that latents are tuned for
TIMESTEPS = (900, 700, 500, 300, 150, 50)  # where the rate is estimated

# Instants, rows and columns that a network sees at once, to bound memory. The denoiser sees all
# instants: what stands still costs bits only once.
DENOISED = (1 << 20, 32, 56)
DECODED = (4, 20, 28)


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
    moved, scale = latent.clone(), None
    # Gradients are divided by their first root mean square. With an eps of one, a point where less
    # than that is to be gained moves less, and what stands still keeps standing still.
    optimizer = torch.optim.Adam([moved], STEP, BETAS, eps=1.0)
    for turn, timestep in enumerate(stops_of(_rates(), denoiser, latent, video.dtype)):
        gradient = _gradient(autoencoder, denoiser, moved, video, distance, turn, timestep)
        if scale is None:
            scale = gradient.square().mean().sqrt().clamp(min=1e-12)
        moved.grad = gradient / scale
        optimizer.param_groups[0]["lr"] = STEP * (1 - turn / ITERATIONS)
        optimizer.step()
    return moved


def _gradient(
    autoencoder: Autoencoder,
    denoiser: Denoiser,
    latent: Tensor,
    video: Tensor,
    distance: Distance,
    turn: int,
    timestep: int,
) -> Tensor:
    """Of log D + EXPONENT log R by the latent, for streams that stop at a timestep."""
    noise = _noise(latent, turn)
    slope = torch.zeros_like(latent)  # of D, by the prediction
    lost = missed = torch.zeros((), device=latent.device)
    parts = []
    for window in windows(tuple(latent.shape[1:]), DENOISED, turn):
        at = (slice(None), *window)
        share = latent[at].numel() / latent.numel()
        parts.append((at, share))
        with torch.no_grad():
            x0_hat, error = predicted(denoiser, latent[at], noise[at], timestep, video.dtype)
        part_lost, part_slope = _decoded(
            autoencoder, x0_hat, video[_pixels(window)], distance, turn
        )
        slope[at] = share * part_slope
        lost = lost + share * part_lost
        missed = missed + share * error
    # The denoiser runs once more, as its activations and the decoder's would not fit together.
    gradient = torch.zeros_like(latent)
    for at, share in parts:
        part = latent[at].requires_grad_(True)
        x0_hat, error = predicted(denoiser, part, noise[at], timestep, video.dtype)
        objective = (slope[at] * x0_hat).sum() / lost.clamp(min=1e-9)
        objective = objective + EXPONENT * share * error / missed.clamp(min=1e-9)
        (gradient[at],) = torch.autograd.grad(objective, part)
    return gradient


def windows(
    shape: tuple[int, ...], most: tuple[int, ...], turn: int
) -> Iterator[tuple[slice, ...]]:
    """Parts of a latent that are all of it.

    Their borders lie elsewhere in the next iteration: near a border a network lacks what is on
    the other side.

    Args:
        shape: instants, rows, columns.
        most: of a part.
        turn: number of the iteration.
    """
    axes = []
    for length, limit in zip(shape, most, strict=True):
        count = -(-length // limit)
        edges = [round(length * k / count) for k in range(count + 1)]
        if turn % 2 and count > 1:
            half = edges[1] // 2
            edges = [0, *(edge + half for edge in edges[:-1]), length]
        axes.append([slice(*ends) for ends in pairwise(edges)])
    return product(*axes)


def _rates() -> list[float]:
    """Bits per pixel of the stream that each iteration is for."""
    fewest, most = STOP_BPP
    # evenly spread, whatever the number of iterations
    return [most * (fewest / most) ** (0.618 * k % 1.0) for k in range(ITERATIONS)]


@torch.no_grad()
def stops_of(
    rates: Sequence[float],
    denoiser: Denoiser,
    latent: Tensor,
    dtype: torch.dtype,
    timesteps: Sequence[int] = TIMESTEPS,
) -> list[int]:
    """The timesteps where walks of some rates stop.

    A still scene stops with little noise, a lively one with much. By I-MMSE (Guo, Shamai and
    Verdu, 2005) the nats of a walk are half the integral of the squared error of x0 over the SNR.

    Args:
        rates: in bits per pixel.
        denoiser: of the prior.
        latent: float32 [16, T', h, w].
        dtype: of the denoiser.
        timesteps: where the error is measured, descending. A rate beyond them stops at the last.
    """
    alphas, sigmas = (table[list(timesteps)].numpy() for table in schedule())
    errors = []
    for timestep, sigma in zip(timesteps, sigmas, strict=True):
        noise, missed = _noise(latent, timestep), 0.0  # of a seed that no iteration has
        for window in windows(tuple(latent.shape[1:]), DENOISED, 0):
            at = (slice(None), *window)
            part = latent[at]
            _, error = predicted(denoiser, part, noise[at], timestep, dtype)
            missed += float(error) * part.numel() / latent.numel()
        errors.append(missed * sigma**2)
    snrs = np.concatenate([[0.0], np.square(alphas / sigmas)])
    means = (np.array([errors[0], *errors[:-1]]) + errors) / 2
    nats = np.cumsum(np.diff(snrs) * means) / 2
    bpp = nats / math.log(2) * LATENT_CHANNELS / (TEMPORAL_STRIDE * SPATIAL_STRIDE**2)
    logs = np.log(np.maximum(bpp, 1e-12))
    return [round(t) for t in np.interp(np.log(rates), logs, timesteps)]


def _noise(latent: Tensor, seed: int) -> Tensor:
    """Made on the CPU, so that it is the same on all devices."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(latent.shape, generator=generator).to(latent.device)


def predicted(
    denoiser: Denoiser, latent: Tensor, noise: Tensor, timestep: int, dtype: torch.dtype
) -> tuple[Tensor, Tensor]:
    """What a stream that stops at a timestep gives the decoder.

    Returns:
        The prediction of the latent; and the squared error of v, to which bits are proportional.
    """
    alpha, sigma = (float(table[timestep]) for table in schedule())
    z = alpha * latent + sigma * noise
    v = denoiser(z[None].to(dtype), torch.full((1,), timestep, device=z.device))[0].float()
    missed = (v - (alpha * noise - sigma * latent)).square().mean()
    return alpha * z - sigma * v, missed


def _decoded(
    autoencoder: Autoencoder, latent: Tensor, video: Tensor, distance: Distance, turn: int
) -> tuple[Tensor, Tensor]:
    """The distance after decoding, and its gradient by the latent.

    Only the anchors are decoded: the frames between are made of them. On a crop of foreman, tuning
    through all frames took 2.4 times as long and gained no more.
    """
    total = torch.zeros((), device=latent.device)
    gradient = torch.zeros_like(latent)
    for window in windows(tuple(latent.shape[1:]), DECODED, turn):
        at = (slice(None), *window)
        part = latent[at].requires_grad_(True)
        drawn = autoencoder.draw_anchors(part[None].to(video.dtype))[0]
        pictures = split(video[_pixels(window)], TEMPORAL_STRIDE)[:, ANCHORS]
        lost = distance(pictures.flatten(0, 1).float(), drawn.float())
        lost = lost * (part.numel() / latent.numel())
        (gradient[at],) = torch.autograd.grad(lost, part)
        total += lost.detach()
    return total, gradient


def _pixels(window: tuple[slice, ...]) -> tuple[slice, ...]:
    time, *sides = window
    frames = slice(time.start * TEMPORAL_STRIDE, time.stop * TEMPORAL_STRIDE)
    rows, columns = (slice(s.start * SPATIAL_STRIDE, s.stop * SPATIAL_STRIDE) for s in sides)
    return frames, slice(None), rows, columns
