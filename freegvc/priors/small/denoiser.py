"""The denoiser of freegvc-small: a U-Net over latents of any size and length.

It has three levels, each of half the height and width of the one before. A block convolves 3 x 3 in
space, then over three instants in time; the two coarser levels also have attention over time, with
learned relative positions. Features are normalised over channels at each point and never over
space, so predictions depend on the neighbourhood and not on the size of the picture.

It predicts v = alpha eps - sigma x0 on the schedule alpha = cos, sigma = sin of pi t / 2000.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

NUM_TIMESTEPS = 1000
MAX_DISTANCE = 15  # in latents; all larger distances have one bias
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


def split(x: Tensor, length: int) -> Tensor:
    """[B * length, ...] to [B, length, ...]."""
    return x.reshape(-1, length, *x.shape[1:])


def points(x: Tensor) -> Tensor:
    """[..., C, H, W] to [..., H, W, C], a view that is contiguous if x is channels last.

    There a product of matrices does what a 1 x 1 convolution does, and is faster on a CPU.
    """
    return x.movedim(-3, -1)


def pictures(x: Tensor) -> Tensor:
    """The reverse of `points`."""
    return x.movedim(-1, -3)


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
        return torch.addcmul(shift, x * torch.rsqrt(power + 1e-6).to(x.dtype), 1 + scale)


class Block(nn.Module):
    """Residual block: 3 x 3 in space, then three instants in time."""

    def __init__(self, channels: int, embedded: int) -> None:
        super().__init__()
        self.norm = Norm(channels, embedded)
        self.space = nn.Conv2d(channels, channels, 3, padding=1)
        self.time = nn.Conv2d(3 * channels, channels, 1)
        nn.init.zeros_(self.time.weight)

    def forward(self, x: Tensor, embedding: Tensor, length: int) -> Tensor:
        """x [B length, C, H, W]."""
        y = points(F.silu(self.space(F.silu(self.norm(x, embedding)))))
        return x + pictures(self._over_time(y, length))

    def _over_time(self, y: Tensor, length: int) -> Tensor:
        """`time` of the instant before, this one and the one after; y [B length, H, W, C].

        As three products, so that the instants need not be copied side by side.
        """
        instant = y.shape[1] * y.shape[2]
        clips = y.reshape(-1, length * instant, y.shape[3])
        weights = self.time.weight[:, :, 0, 0].T.expand(len(clips), -1, -1)
        before, now, after = weights.chunk(3, 1)
        change = F.linear(clips, now[0].T, self.time.bias)
        change[:, instant:].baddbmm_(clips[:, :-instant], before)
        change[:, :-instant].baddbmm_(clips[:, instant:], after)
        return change.reshape(y.shape)


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
        y = split(self.project(points(self.norm(x, embedding))), length)  # B T H W 3C
        y = y.reshape(len(y), length, height * width, 3, self.heads, -1)
        parts = y.permute(3, 0, 2, 4, 1, 5).flatten(1, 2)  # 3, B H W, heads, T, C / heads
        instants = torch.arange(length, device=x.device)
        distance = (instants[:, None] - instants).clamp(-MAX_DISTANCE, MAX_DISTANCE)
        mask = self.bias[:, distance + MAX_DISTANCE].to(parts.dtype)
        y = F.scaled_dot_product_attention(parts[0], parts[1], parts[2], attn_mask=mask[None])
        y = y.reshape(-1, height * width, self.heads, length, HEAD_CHANNELS)
        y = y.permute(0, 3, 1, 2, 4).reshape(len(x), height, width, -1)
        return x + pictures(self.merge(y))


class Stage(nn.Module):
    """Blocks of one level, each followed by attention over time if `attends`."""

    def __init__(self, channels: int, embedded: int, count: int, *, attends: bool) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for _ in range(count):
            layers.append(Block(channels, embedded))
            if attends:
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
        latent_channels: number of channels of the latents.
    """

    def __init__(
        self,
        channels: tuple[int, int, int] = (96, 192, 256),
        blocks: int = 2,
        latent_channels: int = 16,
    ) -> None:
        super().__init__()
        fine, middle, coarse = channels
        embedded = 2 * fine
        self.frequencies = 32
        self.embed = nn.Sequential(
            nn.Linear(2 * self.frequencies, embedded), nn.SiLU(), nn.Linear(embedded, embedded)
        )
        self.enter = nn.Conv2d(latent_channels, fine, 3, padding=1)
        self.fine_down = Stage(fine, embedded, blocks, attends=False)
        self.to_middle = nn.Conv2d(fine, middle, 3, stride=2, padding=1)
        self.middle_down = Stage(middle, embedded, blocks, attends=True)
        self.to_coarse = nn.Conv2d(middle, coarse, 3, stride=2, padding=1)
        self.coarse = Stage(coarse, embedded, 2 * blocks, attends=True)
        self.from_coarse = nn.Conv2d(coarse, 4 * middle, 1)
        self.middle_up = Stage(middle, embedded, blocks, attends=True)
        self.from_middle = nn.Conv2d(middle, 4 * fine, 1)
        self.fine_up = Stage(fine, embedded, blocks, attends=False)
        self.leave_norm = Norm(fine, embedded)
        self.leave = nn.Conv2d(fine, latent_channels, 3, padding=1)
        nn.init.zeros_(self.leave.weight)

    def forward(self, z: Tensor, timestep: Tensor) -> Tensor:
        """v of noisy latents.

        Args:
            z: float [B, 16, T', h, w] of any T', h, w.
            timestep: [B] integers in 0 .. 1000.

        Returns:
            float tensor of z's shape.
        """
        length = z.shape[2]
        embedding = F.silu(self.embed(self._embedded(timestep).to(z.dtype)))
        embedding = embedding.repeat_interleave(length, 0)
        x = z.transpose(1, 2).flatten(0, 1).contiguous(memory_format=torch.channels_last)
        fine = self.fine_down(self.enter(x), embedding, length)
        middle = self.middle_down(self.to_middle(fine), embedding, length)
        coarse = self.coarse(self.to_coarse(middle), embedding, length)
        middle = middle + _upsampled(self.from_coarse(coarse), middle)
        middle = self.middle_up(middle, embedding, length)
        fine = fine + _upsampled(self.from_middle(middle), fine)
        fine = self.fine_up(fine, embedding, length)
        v = self.leave(F.silu(self.leave_norm(fine, embedding)))
        return split(v, length).transpose(1, 2)

    def _embedded(self, timestep: Tensor) -> Tensor:
        """Cosines and sines of the timestep, float32 [B, 64]."""
        octaves = torch.linspace(0.0, 8.0, self.frequencies, device=timestep.device)
        phase = timestep.float()[:, None] / NUM_TIMESTEPS * math.pi / 2 * torch.exp2(octaves)
        return torch.cat([torch.cos(phase), torch.sin(phase)], 1)


def _upsampled(x: Tensor, like: Tensor) -> Tensor:
    """Twice the size, cropped to that of `like`: odd sizes are rounded up on the way down."""
    return F.pixel_shuffle(x, 2)[:, :, : like.shape[2], : like.shape[3]]
