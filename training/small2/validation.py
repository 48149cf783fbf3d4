"""What an autoencoder keeps of clips that it was never trained on, and what its latents cost."""

from __future__ import annotations

import math
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from training.data import normalise
from training.noise_levels import NUM_TIMESTEPS
from training.perceptual import Lpips
from training.scores import PHASES, scores, to_bytes
from training.silent_part import silent_part
from training.small2.denoiser import Denoiser, schedule

SNRS = (0.25, 1.0, 4.0, 16.0)  # of latents scaled to unit power
CUBE = 2  # rows and columns of latents whose joint covariance prices them
STILL_FRAMES = 16


class Codec(Protocol):
    """Both autoencoders."""

    def encode(self, video: Tensor) -> Tensor:
        """float [B, T, 3, H, W] to latents [B, C, T', h, w]."""

    def decode(self, latent: Tensor) -> Tensor:
        """And back."""


def still_change(model: Codec, frame: Tensor) -> float:
    """Mean absolute change between frames of a copy of one frame held, in grey levels."""
    video = normalise(frame[None]).expand(STILL_FRAMES, -1, -1, -1)
    copy = to_bytes(model.decode(model.encode(video[None]))[0]).float()
    return float(copy.diff(dim=0).abs().mean())


def priced(model: Codec, latent: Tensor, num_frames: int) -> list[tuple[float, float, Tensor]]:
    """Latents at several SNRs under a Gaussian model of their own second moments.

    The model is the joint covariance of all channels over PHASES frames and CUBE x CUBE points, so
    it knows of redundancy in time. It prices the noisy latents, and its posterior mean is what a
    decoder is given.

    Args:
        model: the autoencoder.
        latent: its latent [1, C, T', h, w].
        num_frames: T.

    Returns:
        For each of SNRS: the SNR, bits per pixel, and the decoded frames as uint8 [T, 3, H, W].
    """
    x = latent[0].cpu()
    channels, length, height, width = x.shape
    deep = PHASES * length // num_frames
    x = x[:, :, : height // CUBE * CUBE, : width // CUBE * CUBE]
    grid = (length // deep, x.shape[2] // CUBE, x.shape[3] // CUBE)
    cubes = x.reshape(channels, grid[0], deep, grid[1], CUBE, grid[2], CUBE)
    points = cubes.permute(1, 3, 5, 0, 2, 4, 6).reshape(-1, channels * deep * CUBE**2)
    mean = points.mean(0)
    centred = points - mean
    values, basis = torch.linalg.eigh((centred.T @ centred / len(points)).double())
    variance, basis = values.clamp(min=0).float(), basis.float()
    power = float(latent.square().mean())
    noise = torch.randn(points.shape, generator=torch.Generator().manual_seed(0))
    rows = []
    for snr in SNRS:
        level = power / snr
        observed = centred @ basis + level**0.5 * noise
        kept = (observed * (variance / (variance + level))) @ basis.T + mean
        back = kept.reshape(*grid, channels, deep, CUBE, CUBE).permute(3, 0, 4, 1, 5, 2, 6)
        bits = 0.5 * float(torch.log2(1 + variance / level).sum()) * len(points)
        denoised = latent.clone()
        denoised[0, :, :, : x.shape[2], : x.shape[3]] = back.reshape(x.shape).to(latent.device)
        pixels = len(points) * PHASES * (CUBE * 8) ** 2
        rows.append((snr, bits / pixels, to_bytes(model.decode(denoised)[0])))
    return rows


def walked(
    decoder: Codec, denoiser: Denoiser, latent: Tensor
) -> tuple[dict[float, tuple[float, float]], dict[float, Tensor]]:
    """What the codec's walk would cost with an ideal coder, and where it would lead.

    Each step is measured at an independent sample of its noise level, which has the law of the
    walk's own state. The sum over steps is an upper Riemann sum.

    Args:
        decoder: of what the silent part makes.
        denoiser: predicts v.
        latent: [1, C, T', h, w] of about unit power.

    Returns:
        By SNR of SNRS: bits in all and the mean squared error of the prediction there; and what
        the silent part makes of the state, decoded, uint8 [T, 3, H, W].
    """
    alphas, sigmas = schedule()
    levels = (alphas.float().to(latent.device), sigmas.float().to(latent.device))
    ratios = (alphas / sigmas).square()
    targets = sorted({*np.geomspace(0.02, SNRS[-1], 24).tolist(), *SNRS})
    steps = [NUM_TIMESTEPS, *(int((ratios - snr).abs().argmin()) for snr in targets)]
    generator = torch.Generator(latent.device).manual_seed(0)
    bits, costs, pictures = 0.0, {}, {}
    for number, step in enumerate(steps):
        alpha, sigma = float(alphas[step]), float(sigmas[step])
        noise = torch.randn(latent.shape, generator=generator, device=latent.device)
        z = alpha * latent + sigma * noise
        v = denoiser(z, torch.tensor([step], device=latent.device)).float()
        predicted = alpha * z - sigma * v
        error = (latent - predicted).square()
        if number and targets[number - 1] in SNRS:
            costs[targets[number - 1]] = bits, float(error.mean())
            made = silent_part(denoiser, z, torch.tensor([step], device=latent.device), levels)
            pictures[targets[number - 1]] = to_bytes(decoder.decode(made)[0])
        if number + 1 < len(steps):
            gain = float(ratios[steps[number + 1]] - ratios[step])
            bits += 0.5 * gain * float(error.double().sum()) / math.log(2)
    return costs, pictures


@torch.inference_mode()
def validate(
    model: Codec,
    lpips: Lpips,
    clips: dict[str, Tensor],
    denoiser: Denoiser | None = None,
    decoder: Codec | None = None,
) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Scores of every clip and their means, and the copies.

    Args:
        model: the autoencoder, in evaluation.
        lpips: on AlexNet.
        clips: uint8 [T, 3, H, W] by name, on the device of both; T a multiple of PHASES.
        denoiser: for its latents, where it is to be scored.
        decoder: for what the denoiser makes; by default the autoencoder.
    """
    rows, copies = [], {}
    for name, video in clips.items():
        latent = model.encode(normalise(video)[None]).float()
        copy = copies[name] = to_bytes(model.decode(latent)[0])
        row: dict[str, Any] = {"clip": name, **scores(lpips, video, copy)}
        row["still_change"] = still_change(model, video[0])
        row["latent_power"] = float(latent.square().mean())
        for snr, bpp, denoised in priced(model, latent, len(video)):
            row[f"gaussian_snr_{snr:g}"] = {"bpp": bpp, **_brief(scores(lpips, video, denoised))}
        if denoiser is not None:
            costs, pictures = walked(decoder or model, denoiser, latent)
            pixels = video[:, 0].numel()
            for snr, (bits, mse) in costs.items():
                brief = _brief(scores(lpips, video, pictures[snr]))
                row[f"denoiser_snr_{snr:g}"] = {"bpp": bits / pixels, "mse": mse, **brief}
        rows.append(row)
    means = {key: _mean([row[key] for row in rows]) for key in rows[0] if key != "clip"}
    return {"mean": means, "clips": rows}, copies


def _brief(of: dict[str, Any]) -> dict[str, float]:
    return {key: of[key] for key in ("psnr_db", "lpips", "flicker")}


def _mean(values: list[Any]) -> Any:
    if isinstance(values[0], dict):
        return {key: _mean([value[key] for value in values]) for key in values[0]}
    return np.mean(values, 0).tolist()


def sheet(clips: dict[str, Tensor], copies: dict[str, Tensor], side: int = 208) -> Tensor:
    """uint8 [H, W, 3]: a row for each clip, the originals left, the copies right.

    Two neighbouring frames of the middle, cropped, and a slice: time downwards over one row of the
    picture. Motion in steps shows there as stairs.
    """
    rows = []
    side = min(side, *(extent for video in clips.values() for extent in video.shape[2:]))
    for name, video in clips.items():
        panels = []
        for frames in (video, copies[name]):
            middle = len(frames) // 2 // PHASES * PHASES
            top, left = (frames.shape[2] - side) // 2, (frames.shape[3] - side) // 2
            crop = frames[:, :, top : top + side, left : left + side]
            over_time = crop[:, :, side // 2].permute(1, 0, 2).repeat_interleave(4, 1)[:, :side]
            blank = side - over_time.shape[1]
            over_time = torch.nn.functional.pad(over_time, (0, 0, 0, blank))
            panels.append([crop[middle + 1], crop[middle + 2], over_time])
        rows.append(torch.cat([p for pair in zip(*panels, strict=True) for p in pair], 2))
    return torch.cat(rows, 1).permute(1, 2, 0).cpu()
