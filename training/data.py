"""Training clips: decoded once into one uint8 file, then cropped and varied at random."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

TRAIN_FOLDER = Path("../shared/data/train")
CACHE_FOLDER = Path("/tmp/freegvc-train/cache")
STILL_SHARE = 0.25  # of the clips that are varied
Frames = npt.NDArray[np.uint8]
Item = TypeVar("Item")


def decode(path: Path) -> Frames:
    """All frames of a file as uint8 [T, H, W, 3] RGB; PyAV where it is installed, else OpenCV."""
    try:
        import av
    except ModuleNotFoundError:
        import cv2

        capture = cv2.VideoCapture(str(path))
        frames = []
        while (read := capture.read())[0]:
            frames.append(cv2.cvtColor(read[1], cv2.COLOR_BGR2RGB))
        if not frames:
            raise ValueError(f"OpenCV decodes no frame of {path}") from None
        return np.stack(frames)
    with av.open(str(path)) as container:
        return np.stack([f.to_ndarray(format="rgb24") for f in container.decode(video=0)])


@dataclass(frozen=True)
class Clips:
    """Decoded clips, one after another in a memory-mapped file.

    Attributes:
        shapes: (T, H, W) of each clip.
        clips: uint8 [T, H, W, 3] views into the file.
    """

    shapes: list[tuple[int, int, int]]
    clips: list[Frames]

    @classmethod
    def open(cls, source: Path = TRAIN_FOLDER, cache: Path = CACHE_FOLDER) -> Clips:
        """Open the cache; decode `source`/*.mp4 into it first if it is not there.

        Raises:
            FileNotFoundError: there are no clips.
            ValueError: the cache is damaged, or of other clips.
        """
        index, pixels = cache / "index.json", cache / "frames.u8"
        paths = sorted(source.glob("*.mp4"))
        sizes = {path.name: path.stat().st_size for path in paths}
        if not index.exists():
            cache.mkdir(parents=True, exist_ok=True)
            shapes = []
            with pixels.open("wb") as file, ThreadPoolExecutor(16) as pool:
                for start in range(0, len(paths), 16):
                    for frames in pool.map(decode, paths[start : start + 16]):
                        shapes.append(frames.shape[:3])
                        file.write(np.ascontiguousarray(frames).data)
            if not shapes:
                raise FileNotFoundError(f"no *.mp4 in {source.resolve()}")
            index.write_text(json.dumps({"bytes_of_files": sizes, "shapes": shapes}))
        kept = json.loads(index.read_text())
        if kept["bytes_of_files"] != sizes:
            raise ValueError(
                f"{cache} holds {len(kept['bytes_of_files'])} clips, not the {len(sizes)} of "
                f"{source.resolve()}: delete it, or name another --cache"
            )
        shapes = [(t, h, w) for t, h, w in kept["shapes"]]
        flat = np.memmap(pixels, np.uint8, "r")
        starts = np.cumsum([0] + [t * h * w * 3 for t, h, w in shapes])
        if starts[-1] != flat.size:
            raise ValueError(f"{pixels} holds {flat.size} bytes, its index says {starts[-1]}")
        return cls(
            shapes,
            [
                flat[start : start + t * h * w * 3].reshape(t, h, w, 3)
                for start, (t, h, w) in zip(starts[:-1], shapes, strict=True)
            ],
        )

    def sample(self, rng: np.random.Generator, length: int, size: tuple[int, int]) -> Frames:
        """One random training clip.

        Crops of real motion at half, full or double speed. Half of them are larger crops scaled
        down, which undoes the blur of the compressed sources; one clip in eight is a camera move
        over a single frame. A quarter of all is held still but for a part of the picture.

        Args:
            rng: source of all choices.
            length: frames.
            size: height and width of the crop, at most 256.

        Returns:
            uint8 [length, height, width, 3].
        """
        return self.seen_in_a_random_way(rng, int(rng.integers(len(self.clips))), length, size)

    def seen_in_a_random_way(
        self, rng: np.random.Generator, number: int, length: int, size: tuple[int, int]
    ) -> Frames:
        """`sample` of one given clip."""
        clip = self.clips[number]
        kind = rng.random()
        if kind < 0.125:
            frames = camera_move(clip[int(rng.integers(len(clip)))], rng, length, size)
        else:
            taken = clip[_times(rng, length, len(clip))]
            frames = _scaled_crop(taken, rng, size) if kind < 0.6 else _crop(taken, rng, size)
        if rng.random() < 0.5:
            frames = frames[:, :, ::-1]
        if rng.random() < 0.5:
            frames = frames[::-1]
        if rng.random() < STILL_SHARE:
            frames = held(frames, rng)
        return np.ascontiguousarray(frames)

    def batch(
        self, rng: np.random.Generator, count: int, length: int, size: tuple[int, int]
    ) -> Tensor:
        """`count` samples as uint8 [count, length, 3, height, width]."""
        clips = np.stack([self.sample(rng, length, size) for _ in range(count)])
        return torch.from_numpy(clips).permute(0, 1, 4, 2, 3)


def prefetch(make: Callable[[int], Item], start: int, workers: int) -> Iterator[Item]:
    """make(start), make(start + 1), ... in order, computed ahead in threads."""
    with ThreadPoolExecutor(workers) as pool:
        pending: list[Future[Item]] = [
            pool.submit(make, step) for step in range(start, start + 2 * workers)
        ]
        try:
            while True:
                item = pending.pop(0).result()
                start += 1
                pending.append(pool.submit(make, start + 2 * workers - 1))
                yield item
        finally:
            for future in pending:
                future.cancel()


def normalise(frames: Tensor) -> Tensor:
    """uint8 to float32 in [-1, 1]."""
    return frames.float().div_(127.5).sub_(1.0)


def held(frames: Frames, rng: np.random.Generator) -> Frames:
    """A still scene with a part that moves: one frame for all, but for an ellipse.

    The ellipse covers nothing in a third of the clips, else up to half of the picture. Half of the
    clips get the noise of a camera.

    Args:
        frames: uint8 [T, H, W, 3].
        rng: source of the frame, the ellipse and the noise.
    """
    length, height, width = frames.shape[:3]
    still = np.broadcast_to(frames[int(rng.integers(length))], frames.shape)
    y, x = np.ogrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    centre, size = rng.uniform(-0.8, 0.8, 2), rng.uniform(0.3, 0.9, 2)
    inside = ((y - centre[0]) / size[0]) ** 2 + ((x - centre[1]) / size[1]) ** 2 < 1
    moves = inside & (rng.random() > 1 / 3)
    mixed = np.where(moves[None, :, :, None], frames, still)
    if rng.random() < 0.5:
        noise = rng.normal(0.0, rng.uniform(0.3, 2.0), (length, height, width, 1))
        mixed = (mixed + noise).round().clip(0, 255).astype(np.uint8)
    return mixed


def _times(rng: np.random.Generator, length: int, available: int) -> npt.NDArray[np.int64]:
    """Frame numbers: speed 1 mostly, 2 or 1/2 sometimes; short clips play there and back."""
    speed = float(rng.choice([1.0, 1.0, 1.0, 2.0, 0.5]))
    times = np.floor(np.arange(length) * speed).astype(np.int64)
    start = int(rng.integers(max(available - int(times[-1]), 1)))
    period = max(2 * (available - 1), 1)
    folded: npt.NDArray[np.int64] = (start + times) % period
    return np.minimum(folded, period - folded)


def _crop(frames: Frames, rng: np.random.Generator, size: tuple[int, int]) -> Frames:
    top = int(rng.integers(frames.shape[1] - size[0] + 1))
    left = int(rng.integers(frames.shape[2] - size[1] + 1))
    return frames[:, top : top + size[0], left : left + size[1]]


def _scaled_crop(frames: Frames, rng: np.random.Generator, size: tuple[int, int]) -> Frames:
    """A crop of up to twice the size, scaled down: sharper than the compressed source."""
    limit = min(frames.shape[1] / size[0], frames.shape[2] / size[1], 2.0)
    factor = rng.uniform(1.0, limit)
    larger = _crop(frames, rng, (int(size[0] * factor), int(size[1] * factor)))
    planes = torch.from_numpy(larger.copy()).permute(0, 3, 1, 2).float()
    scaled = F.interpolate(planes, size, mode="bilinear", antialias=True)
    return scaled.round_().clamp_(0, 255).byte().permute(0, 2, 3, 1).numpy()


def camera_move(
    frame: Frames, rng: np.random.Generator, length: int, size: tuple[int, int]
) -> Frames:
    """A smooth pan, zoom and roll over one frame.

    Args:
        frame: uint8 [H, W, 3].
        rng: source of the move.
        length: frames to make.
        size: height and width of the result.

    Returns:
        uint8 [length, height, width, 3].
    """
    height, width = frame.shape[:2]
    time = torch.linspace(-0.5, 0.5, length)
    zoom = torch.exp(float(rng.normal(0.0, 0.1)) * time) * float(rng.uniform(0.7, 1.0))
    roll = float(rng.normal(0.0, 0.05)) * time
    scale_y, scale_x = zoom * size[0] / height, zoom * size[1] / width
    drift = rng.normal(0.0, 0.004 * length, 2)  # in pixels a frame, about one
    room_y, room_x = max(0.0, 1 - size[0] / height), max(0.0, 1 - size[1] / width)
    centre_y = float(rng.uniform(-room_y, room_y)) + float(drift[0]) * time
    centre_x = float(rng.uniform(-room_x, room_x)) + float(drift[1]) * time
    cos, sin = torch.cos(roll), torch.sin(roll)
    aspect = width / height
    rows = [
        torch.stack([scale_x * cos, -scale_y * sin / aspect, centre_x], 1),
        torch.stack([scale_x * sin * aspect, scale_y * cos, centre_y], 1),
    ]
    grid = F.affine_grid(torch.stack(rows, 1), [length, 3, *size], align_corners=False)
    plane = torch.from_numpy(frame.copy()).permute(2, 0, 1).float()
    moved = F.grid_sample(
        plane.expand(length, -1, -1, -1), grid, padding_mode="reflection", align_corners=False
    )
    return moved.round_().clamp_(0, 255).byte().permute(0, 2, 3, 1).numpy()
