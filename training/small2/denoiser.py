"""The denoiser of freegvc-small 2: a U-Net over latents of any size and length.

Two latents that follow each other, four frames, are one instant to it, so a GOP of 48 frames has
12. It has three levels, each of half the height and width of the one before. A block convolves 3 x
3 in space, then over three instants in time; each stage of every level ends with attention over
time, with learned relative positions, so what does not move can be averaged over the whole GOP.
Features are normalised over channels at each point and never over space, so predictions depend on
the neighbourhood and not on the size of the picture.

It predicts v = alpha eps - sigma x0 on the schedule alpha = cos, sigma = sin of pi t / 2000.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from training.noise_levels import NUM_TIMESTEPS
from training.small2.autoencoder import LATENT_CHANNELS, OverTime, split

PACKED = 2  # latents of an instant
MAX_DISTANCE = 15  # in instants; all larger distances have one bias
HEAD_CHANNELS = 32


def schedule() -> tuple[Tensor, Tensor]:
    """Alpha and sigma, float64 [1001], of the timesteps 0 .. 1000.

    Variance preserving, with pure noise at 1000. Timestep 0 has the noise of half a step, because
    the SNR of a clean latent is infinite and no walk could reach it.
    """
    timesteps = torch.arange(NUM_TIMESTEPS + 1, dtype=torch.float64)
    timesteps[0] = 0.5
    angle = timesteps * (math.pi / (2 * NUM_TIMESTEPS))
    alpha = torch.cos(angle)
    alpha[-1] = 0.0
    return alpha, torch.sin(angle)


class Norm(nn.Module):
    """Division by the root mean square over channels, then a scale and a shift by the timestep."""

    def __init__(self, channels: int, embedded: int) -> None:
        super().__init__()
        self.modulate = nn.Linear(embedded, 2 * channels)
        nn.init.zeros_(self.modulate.weight)
        nn.init.zeros_(self.modulate.bias)

    def forward(self, x: Tensor, embedding: Tensor) -> Tensor:
        """x [B T, C, H, W]; embedding [B T, E]."""
        modulation: Tensor = self.modulate(embedding)
        scale, shift = modulation[:, :, None, None].chunk(2, 1)
        power = x.float().square().mean(1, keepdim=True)
        return x * torch.rsqrt(power + 1e-6).to(x.dtype) * (1 + scale) + shift


class Block(nn.Module):
    """Residual block: 3 x 3 in space, then three instants in time."""

    def __init__(self, channels: int, embedded: int) -> None:
        super().__init__()
        self.norm = Norm(channels, embedded)
        self.space = nn.Conv2d(channels, channels, 3, padding=1)
        self.time = OverTime(channels)
        nn.init.zeros_(self.time.conv.weight)

    def forward(self, x: Tensor, embedding: Tensor, length: int) -> Tensor:
        """x [B length, C, H, W]."""
        y = F.silu(self.space(F.silu(self.norm(x, embedding))))
        change: Tensor = self.time(y, length)
        return x + change


class TimeAttention(nn.Module):
    """Attention of each point to the same point at all instants of the clip."""

    def __init__(self, channels: int, embedded: int) -> None:
        super().__init__()
        self.heads = channels // HEAD_CHANNELS
        self.norm = Norm(channels, embedded)
        self.project = nn.Linear(channels, 3 * channels)
        self.merge = nn.Linear(channels, channels)
        self.bias = nn.Parameter(torch.zeros(self.heads, 2 * MAX_DISTANCE + 1))
        nn.init.zeros_(self.merge.weight)
        nn.init.zeros_(self.merge.bias)

    def forward(self, x: Tensor, embedding: Tensor, length: int) -> Tensor:
        """x [B length, C, H, W]."""
        height, width = x.shape[2:]
        y = split(self.norm(x, embedding), length)  # B T C H W
        y = y.permute(0, 3, 4, 1, 2).flatten(0, 2)  # B H W, T, C
        parts = self.project(y).reshape(len(y), length, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        instants = torch.arange(length, device=x.device)
        distance = (instants[:, None] - instants).clamp(-MAX_DISTANCE, MAX_DISTANCE)
        mask = self.bias[:, distance + MAX_DISTANCE].to(parts.dtype)
        y = F.scaled_dot_product_attention(parts[0], parts[1], parts[2], attn_mask=mask[None])
        merged: Tensor = self.merge(y.transpose(1, 2).flatten(2))
        y = merged.reshape(-1, height, width, *merged.shape[1:])
        y = y.permute(0, 3, 4, 1, 2).flatten(0, 1)
        return x + y.contiguous(memory_format=torch.channels_last)


class Stage(nn.Module):
    """Blocks of one level, and attention over time after every second one."""

    def __init__(self, channels: int, embedded: int, count: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for number in range(count):
            layers.append(Block(channels, embedded))
            if number % 2 == 1:
                layers.append(TimeAttention(channels, embedded))
        self.layers = nn.ModuleList(layers)

    def forward(self, x: Tensor, embedding: Tensor, length: int) -> Tensor:
        """x [B length, C, H, W]."""
        for layer in self.layers:
            x = layer(x, embedding, length)
        return x


class Denoiser(nn.Module):
    """The network: v of noisy latents.

    Args:
        channels: number of channels of the three levels, multiples of 32.
        blocks: number of blocks of each level on the way down, and again on the way up; the
            coarsest level has twice as many.
    """

    def __init__(self, channels: tuple[int, int, int] = (128, 192, 256), blocks: int = 2) -> None:
        super().__init__()
        fine, middle, coarse = channels
        embedded = 2 * fine
        self.frequencies = 32
        self.embed = nn.Sequential(
            nn.Linear(2 * self.frequencies, embedded), nn.SiLU(), nn.Linear(embedded, embedded)
        )
        self.enter = nn.Conv2d(PACKED * LATENT_CHANNELS, fine, 3, padding=1)
        self.fine_down = Stage(fine, embedded, blocks)
        self.to_middle = nn.Conv2d(fine, middle, 3, stride=2, padding=1)
        self.middle_down = Stage(middle, embedded, blocks)
        self.to_coarse = nn.Conv2d(middle, coarse, 3, stride=2, padding=1)
        self.coarse = Stage(coarse, embedded, 2 * blocks)
        self.from_coarse = nn.Conv2d(coarse, 4 * middle, 1)
        self.middle_up = Stage(middle, embedded, blocks)
        self.from_middle = nn.Conv2d(middle, 4 * fine, 1)
        self.fine_up = Stage(fine, embedded, blocks)
        self.leave_norm = Norm(fine, embedded)
        self.leave = nn.Conv2d(fine, PACKED * LATENT_CHANNELS, 3, padding=1)
        nn.init.zeros_(self.leave.weight)

    def forward(self, z: Tensor, timestep: Tensor) -> Tensor:
        """v of noisy latents.

        Args:
            z: float [B, 24, T', h, w] of any T', h, w.
            timestep: [B] integers in 0 .. 1000.

        Returns:
            float tensor of z's shape.
        """
        latents = z.shape[2]
        # the last latent of an odd number is its own neighbour
        padded = torch.cat([z, z[:, :, -1:]], 2) if latents % PACKED else z
        x = padded.transpose(1, 2).flatten(0, 1)
        x = x.reshape(len(x) // PACKED, -1, *x.shape[2:])
        length = padded.shape[2] // PACKED
        embedding = F.silu(self.embed(self._embedded(timestep).to(z.dtype)))
        embedding = embedding.repeat_interleave(length, 0)
        x = x.contiguous(memory_format=torch.channels_last)
        fine = self.fine_down(self.enter(x), embedding, length)
        middle = self.middle_down(self.to_middle(fine), embedding, length)
        coarse = self.coarse(self.to_coarse(middle), embedding, length)
        middle = middle + _upsampled(self.from_coarse(coarse), middle)
        middle = self.middle_up(middle, embedding, length)
        fine = fine + _upsampled(self.from_middle(middle), fine)
        fine = self.fine_up(fine, embedding, length)
        v = self.leave(F.silu(self.leave_norm(fine, embedding)))
        v = v.reshape(len(v) * PACKED, -1, *v.shape[2:])
        return split(v, PACKED * length)[:, :latents].transpose(1, 2)

    def _embedded(self, timestep: Tensor) -> Tensor:
        """Cosines and sines of the timestep, float32 [B, 64]."""
        octaves = torch.linspace(0.0, 8.0, self.frequencies, device=timestep.device)
        phase = timestep.float()[:, None] / NUM_TIMESTEPS * math.pi / 2 * torch.exp2(octaves)
        return torch.cat([torch.cos(phase), torch.sin(phase)], 1)


def _upsampled(x: Tensor, like: Tensor) -> Tensor:
    """Twice the size, cropped to that of `like`: odd sizes are rounded up on the way down."""
    return F.pixel_shuffle(x, 2)[:, :, : like.shape[2], : like.shape[3]]
