"""AnalyticPrior: a Gaussian model of video in closed form. It needs no download and no training.

Each frame becomes three small planes, luma at a quarter of the size and chroma at an eighth, cut
from the spectrum of an orthonormal DCT. The model is Gaussian: after an orthonormal 3-D DCT of a
plane over the whole GOP, the coefficients are independent with zero mean. All coefficients of a
band of similar frequencies have one variance, which is fitted to the GOP and sent as a power of
two. Predictions and KL then have closed forms. With lambda the variance of a coefficient,

    E[x0 | z_t] = mu + lambda alpha / (alpha^2 lambda + sigma^2) (z_t - alpha mu),

in the DCT domain. The tests use this prior in place of the learned ones.
"""

from __future__ import annotations

import hashlib
import math
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pixel_shuffle, pixel_unshuffle

from freegvc._diffusion.levels import NoiseSchedule
from freegvc.priors.base import Prior
from freegvc.priors.defaults import PriorDefaults
from freegvc.priors.latent import Frames, LatentSpec

LUMA_STRIDE, CHROMA_STRIDE = 4, 8
START, MAX_ROOT_SNR, ROOT_SNR_POWER = 1000, 1024.0, 3  # sqrt(SNR) = 1024 (1 - t / 1000)^3
LEVEL_BIAS = 24  # side value q > 0 means variance 2^(q - LEVEL_BIAS); q = 0 means variance 0
MAX_LEVEL = 40
MEAN_STEPS = 64  # plane means in -1 .. 1 are sent as integers 0 .. 2 * MEAN_STEPS

# BT.709 luma and colour differences in -1 .. 1: the model's colour space for every video
RGB_TO_YCC = (
    (0.2126, 0.7152, 0.0722),
    (-0.2126 / 1.8556, -0.7152 / 1.8556, 0.9278 / 1.8556),
    (0.7874 / 1.5748, -0.7152 / 1.5748, -0.0722 / 1.5748),
)


class AnalyticPrior(Prior):
    """The Gaussian model of video that the module's docstring defines.

    Args:
        device: where to compute.
        dtype: what it computes in: float64, float32, bfloat16 or float16.
    """

    name = "analytic"
    latent = LatentSpec(channels=6, temporal_stride=1, spatial_stride=8)
    defaults = PriorDefaults(
        bpp=0.02,
        first_step=0.1,  # streams stop at an SNR of 3 and more: docs/trajectory.md
        growth=1.15,
        silent_steps=1,  # a Gaussian model has no detail to add in more steps
    )

    def __init__(
        self, device: str | torch.device = "cpu", dtype: torch.dtype = torch.float32
    ) -> None:
        self.device = torch.device(device)
        self.dtype = dtype
        root_snr = MAX_ROOT_SNR * (1.0 - np.arange(START + 1) / START) ** ROOT_SNR_POWER
        norm = np.sqrt(1.0 + root_snr**2)
        self.schedule = NoiseSchedule(root_snr / norm, 1.0 / norm)

    @property
    def fingerprint(self) -> bytes:
        geometry = (LUMA_STRIDE, CHROMA_STRIDE, START, MAX_ROOT_SNR, ROOT_SNR_POWER)
        constants = (*geometry, LEVEL_BIAS, MAX_LEVEL, MEAN_STEPS)
        return hashlib.sha256(f"analytic 1 {constants} {RGB_TO_YCC}".encode()).digest()[:8]

    def predict_x0(self, z: Tensor, timestep: int, side: tuple[int, ...]) -> Tensor:
        level = self.schedule.level(timestep)
        means, variances = self._unpack(side, tuple(z.shape))
        planes = []
        for plane, mean, variance in zip(_to_planes(z), means, variances, strict=True):
            gain = level.alpha * variance / (level.alpha**2 * variance + level.sigma**2)
            spectrum = self._dct3(plane - level.alpha * mean)
            planes.append(self._idct3(spectrum * gain) + mean)
        return _from_planes(planes)

    def encode_frames(self, frames: Frames) -> Tensor:
        padded = torch.from_numpy(self.latent.pad(frames)).to(self.device)
        matrix = torch.tensor(RGB_TO_YCC, dtype=torch.float32, device=self.device)
        colours = (padded.to(torch.float32) / 127.5 - 1.0) @ matrix.T
        h, w = padded.shape[1:3]
        planes = [
            self._separable(colours[..., c], self._shrink(h, k), self._shrink(w, k))
            for c, k in enumerate((LUMA_STRIDE, CHROMA_STRIDE, CHROMA_STRIDE))
        ]
        return _from_planes(planes)

    def decode_latent(self, latent: Tensor, height: int, width: int) -> Frames:
        luma, *chroma = _to_planes(latent)
        h, w = luma.shape[1] * LUMA_STRIDE, luma.shape[2] * LUMA_STRIDE
        matrix = torch.linalg.inv(torch.tensor(RGB_TO_YCC, dtype=torch.float64)).float()
        enlarge = [
            (plane, self._shrink(h, k).T * k * k, self._shrink(w, k).T)
            for plane, k in ((luma, LUMA_STRIDE), *((c, CHROMA_STRIDE) for c in chroma))
        ]
        frames = np.empty((len(luma), height, width, 3), np.uint8)
        for t in range(len(frames)):  # one at a time: floats take sixteen times the memory
            planes = [self._separable(plane[t], *matrices) for plane, *matrices in enlarge]
            rgb = torch.stack(planes, dim=-1)[:height, :width] @ matrix.T.to(self.device)
            frames[t] = ((rgb + 1.0) * 127.5).round_().clamp_(0, 255).to(torch.uint8).cpu().numpy()
        return frames

    def side_count(self, shape: tuple[int, int, int, int]) -> int:
        return sum(1 + int(band.max()) + 1 for band in self._bands(shape))

    def fit(self, latent: Tensor) -> tuple[int, ...]:
        """Plane means and maximum-likelihood variances of the bands, rounded to integers."""
        side: list[int] = []
        shape = tuple(latent.shape)
        for plane, band in zip(_to_planes(latent), self._bands(shape), strict=True):
            mean = round(float(plane.mean()) * MEAN_STEPS)
            side.append(min(max(mean + MEAN_STEPS, 0), 2 * MEAN_STEPS))
            energy = self._dct3(plane - mean / MEAN_STEPS).double() ** 2
            index = band.flatten()
            counts = torch.bincount(index)
            sums = torch.bincount(index, weights=energy.flatten())
            variances = (sums / counts).tolist()
            side += [_level_of(v) for v in variances]
        return tuple(side)

    def information_nats(self, side: tuple[int, ...], shape: tuple[int, ...], snr: float) -> float:
        """Mutual information of x0 and z in nats at this SNR: 1/2 sum log(1 + SNR lambda)."""
        _, variances = self._unpack(side, shape)
        return sum(0.5 * float(torch.log1p(snr * v.double()).sum()) for v in variances)

    def _unpack(
        self, side: tuple[int, ...], shape: tuple[int, ...]
    ) -> tuple[list[float], list[Tensor]]:
        """Plane means and the variance of every DCT coefficient, from a packet's integers."""
        means, variances, at = [], [], 0
        for band in self._bands(shape):
            means.append(side[at] / MEAN_STEPS - 1.0)
            count = int(band.max()) + 1
            levels = [_variance_of(q) for q in side[at + 1 : at + 1 + count]]
            table = torch.tensor(levels, dtype=torch.float32, device=self.device)
            variances.append(table[band])
            at += 1 + count
        return means, variances

    def _bands(self, shape: tuple[int, ...]) -> list[Tensor]:
        _, t, h, w = shape
        luma = _octave_bands(t, 2 * h, 2 * w).to(self.device)
        chroma = _octave_bands(t, h, w).to(self.device)
        return [luma, chroma, chroma]

    def _dct3(self, plane: Tensor) -> Tensor:
        t, h, w = plane.shape
        across = self._separable(plane, self._matrix(dct_matrix(h)), self._matrix(dct_matrix(w)))
        in_time = self._matrix(dct_matrix(t)) @ across.to(self.dtype).reshape(t, h * w)
        return in_time.reshape(t, h, w).float()

    def _idct3(self, spectrum: Tensor) -> Tensor:
        t, h, w = spectrum.shape
        in_time = self._matrix(dct_matrix(t)).T @ spectrum.to(self.dtype).reshape(t, h * w)
        rows, columns = self._matrix(dct_matrix(h)).T, self._matrix(dct_matrix(w)).T
        return self._separable(in_time.reshape(t, h, w), rows, columns)

    def _shrink(self, size: int, stride: int) -> Tensor:
        """Low-pass matrix [size / stride, size]; the small picture keeps the range of values."""
        small = size // stride
        low_pass = dct_matrix(small).T @ dct_matrix(size)[:small]
        return self._matrix(low_pass / math.sqrt(stride))

    def _matrix(self, matrix: Tensor) -> Tensor:
        return matrix.to(device=self.device, dtype=self.dtype)

    def _separable(self, planes: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
        """rows @ plane @ columns^T for each plane, in the model's dtype; float32 out."""
        return (rows @ planes.to(self.dtype) @ columns.T).float()


@lru_cache(maxsize=64)
def dct_matrix(size: int) -> Tensor:
    """Orthonormal DCT-II matrix, float64 [size, size]; row k is frequency k."""
    k = torch.arange(size, dtype=torch.float64)[:, None]
    n = torch.arange(size, dtype=torch.float64)[None, :]
    matrix = torch.cos(math.pi * (n + 0.5) * k / size) * math.sqrt(2.0 / size)
    matrix[0] /= math.sqrt(2.0)
    return matrix


@lru_cache(maxsize=16)
def _octave_bands(t: int, h: int, w: int) -> Tensor:
    """Band of every coefficient of a [t, h, w] plane: int64, numbered 0, 1, ... without gaps.

    A band is an octave in time times an octave of the larger relative spatial frequency; frequency
    0 has bands of its own. Computed in integers: encoder and decoder must agree exactly.
    """
    time = torch.tensor([k.bit_length() for k in range(t)])
    # frequency k of n is in octave floor(log2(2^16 k / n)) + 1, so the octave below Nyquist is the
    # same in both directions; frequencies below 2^-7 of Nyquist join the lowest octave
    rows = torch.tensor([((k << 16) // h).bit_length() for k in range(h)])
    columns = torch.tensor([((k << 16) // w).bit_length() for k in range(w)])
    space = torch.maximum(rows[:, None], columns[None, :])
    space = torch.where(space == 0, 0, (space - 9).clamp(min=1))
    joint = time[:, None, None] * 8 + space[None]
    numbered: Tensor = torch.unique(joint, return_inverse=True)[1]
    return numbered


def _level_of(variance: float) -> int:
    if variance <= 0.0:
        return 0
    return min(max(round(math.log2(variance)) + LEVEL_BIAS, 0), MAX_LEVEL)


def _variance_of(level: int) -> float:
    return 0.0 if level == 0 else 2.0 ** (min(level, MAX_LEVEL) - LEVEL_BIAS)


def _to_planes(latent: Tensor) -> list[Tensor]:
    """[6, T, h, w] to luma [T, 2h, 2w] and two chroma planes [T, h, w]."""
    luma = pixel_shuffle(latent[:4].transpose(0, 1), 2).squeeze(1)
    return [luma, latent[4], latent[5]]


def _from_planes(planes: list[Tensor]) -> Tensor:
    luma = pixel_unshuffle(planes[0].unsqueeze(1), 2).transpose(0, 1)
    return torch.cat([luma, planes[1].unsqueeze(0), planes[2].unsqueeze(0)])
