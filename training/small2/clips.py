"""Training clips on the training device: decoded once, cropped and varied there."""

from __future__ import annotations

import math
import string
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from training.data import decode

STILL, MOVED = 0.08, 0.12  # shares of single frames: held, and under a camera that moves
CAPTIONED, CAPTIONS = 0.06, 64  # share of samples with text on them, of so many; clips have none
LETTERS = string.ascii_letters + string.digits + " .,:!?"
SPEEDS = (1, 1, 1, 2, 3)
MAX_SHRINK = 2.0  # of crops that are scaled down, which undoes the blur of compressed sources


@dataclass(frozen=True)
class DeviceClips:
    """Clips uint8 [T, H, W, 3], all on one device."""

    clips: list[Tensor]

    @classmethod
    def load(cls, folder: Path, device: str, workers: int) -> DeviceClips:
        """Decode every *.mp4 of a folder."""
        paths = sorted(folder.glob("*.mp4"))
        if not paths:
            raise FileNotFoundError(f"no *.mp4 in {folder.resolve()}")
        with ThreadPoolExecutor(workers) as pool:
            return cls([torch.from_numpy(frames).to(device) for frames in pool.map(decode, paths)])

    @cached_property
    def captions(self) -> Tensor:
        """Coverage of the pixels of CAPTIONS pages of random text, uint8 [CAPTIONS, 256, 256]."""
        rng = np.random.default_rng(13)
        return torch.from_numpy(np.stack([_page(rng) for _ in range(CAPTIONS)])).to(
            self.clips[0].device
        )

    def batch(self, key: tuple[int, ...], count: int, length: int, side: int) -> Tensor:
        """Random samples; the key decides all choices.

        Args:
            key: of the generator.
            count: samples.
            length: frames of each.
            side: height and width in pixels.

        Returns:
            uint8 [count, length, 3, side, side].
        """
        rng = np.random.default_rng(key)
        return torch.stack([self._sample(rng, length, side) for _ in range(count)])

    def _sample(self, rng: np.random.Generator, length: int, side: int) -> Tensor:
        clip = self.clips[int(rng.integers(len(self.clips)))]
        kind = rng.random()
        if kind < STILL + MOVED:
            frame = clip[int(rng.integers(len(clip)))].permute(2, 0, 1)
            frames = (
                _crop(frame[None], rng, side).expand(length, -1, -1, -1)
                if kind < STILL
                else _camera_move(frame, rng, length, side)
            )
        else:
            times = torch.from_numpy(_times(rng, length, len(clip))).to(clip.device)
            # the crop comes first: gathering whole frames would move ten times the bytes
            frames = _crop(clip.permute(0, 3, 1, 2), rng, side)[times]
        if rng.random() < 0.5:
            frames = frames.flip(3)
        if rng.random() < 0.5:
            frames = frames.flip(0)
        if frames.shape[2] != side:
            frames = F.interpolate(frames.float(), (side, side), mode="bilinear", antialias=True)
        if rng.random() < CAPTIONED:
            frames = self._captioned(frames, rng)
        return frames.round().clamp(0, 255).byte() if frames.is_floating_point() else frames

    def _captioned(self, frames: Tensor, rng: np.random.Generator) -> Tensor:
        """Text in one colour over frames [T, 3, H, W]; it stands still, as captions do."""
        page = self.captions[int(rng.integers(CAPTIONS))][None, None].float() / 255
        covered = _crop(page, rng, frames.shape[2])
        covered = F.interpolate(covered, frames.shape[2:], mode="bilinear", antialias=True)
        colour = torch.from_numpy(rng.choice([0.0, 128.0, 255.0], (3, 1, 1))).to(page)
        return frames + covered * (colour - frames)


def _page(rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    page = np.zeros((256, 256), np.uint8)
    bottom = 0
    while bottom < 256:
        size = float(rng.uniform(0.4, 1.2))
        bottom += int(32 * size)
        text = "".join(rng.choice(list(LETTERS), 24))
        font, thickness = int(rng.choice([0, 2, 3, 4])), int(rng.integers(1, 3))
        cv2.putText(page, text, (0, bottom), font, size, 255, thickness, cv2.LINE_AA)
    return page


def _crop(frames: Tensor, rng: np.random.Generator, side: int) -> Tensor:
    """A square of [T, 3, H, W] of between `side` and MAX_SHRINK times that."""
    height, width = frames.shape[2:]
    limit = min(height / side, width / side, MAX_SHRINK)
    size = side if rng.random() < 0.5 else int(side * rng.uniform(1.0, limit))
    top, left = int(rng.integers(height - size + 1)), int(rng.integers(width - size + 1))
    return frames[:, :, top : top + size, left : left + size]


def _times(rng: np.random.Generator, length: int, available: int) -> npt.NDArray[np.int64]:
    """Frame numbers at one of SPEEDS; short clips play there and back."""
    times = np.arange(length) * int(rng.choice(SPEEDS))
    start = int(rng.integers(max(available - int(times[-1]), 1)))
    period = max(2 * (available - 1), 1)
    folded: npt.NDArray[np.int64] = (start + times) % period
    return np.minimum(folded, period - folded)


def _camera_move(frame: Tensor, rng: np.random.Generator, length: int, side: int) -> Tensor:
    """A pan, zoom and roll over one frame [3, H, W]: uint8 [length, 3, side, side].

    From far slower than a pixel a frame to several pixels.
    """
    height, width = frame.shape[1:]
    time = torch.linspace(-0.5, 0.5, length)
    speed = length * math.exp(rng.uniform(math.log(0.05), math.log(6.0)))  # pixels a clip
    heading = rng.uniform(0, 2 * math.pi)
    zoom = torch.exp(float(rng.normal(0.0, 0.05)) * time) * float(rng.uniform(0.8, 1.0))
    roll = float(rng.normal(0.0, 0.03)) * time
    scale_y, scale_x = zoom * side / height, zoom * side / width
    room_y, room_x = max(0.0, 1 - side / height), max(0.0, 1 - side / width)
    centre_y = float(rng.uniform(-room_y, room_y)) + 2 * speed * math.sin(heading) / height * time
    centre_x = float(rng.uniform(-room_x, room_x)) + 2 * speed * math.cos(heading) / width * time
    cos, sin, aspect = torch.cos(roll), torch.sin(roll), width / height
    rows = [
        torch.stack([scale_x * cos, -scale_y * sin / aspect, centre_x], 1),
        torch.stack([scale_x * sin * aspect, scale_y * cos, centre_y], 1),
    ]
    # few bytes to copy: a large copy would wait for all that the device still has to do
    poses = torch.stack(rows, 1).to(frame.device)
    grid = F.affine_grid(poses, [length, 3, side, side], align_corners=False)
    plane = frame.float().expand(length, -1, -1, -1)
    moved = F.grid_sample(plane, grid, padding_mode="reflection", align_corners=False)
    return moved.round_().clamp_(0, 255).byte()
