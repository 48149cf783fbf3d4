"""The frames that benchmarks run on."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from freegvc._video import FrameSource, open_video
from freegvc.errors import ColourWarning

Frames = npt.NDArray[np.uint8]

MAX_SIZE = 240, 416  # height and width, as of HEVC class D


@contextmanager
def open_clip(path: Path, **options: Any) -> Iterator[FrameSource]:
    """`open_video` with its options; files that do not state their colour count as BT.709."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ColourWarning)
        with open_video(path, **options) as source:
            yield source


def first_frames(path: Path, num_frames: int) -> Frames:
    """The first frames of a video, uint8 [T, H, W, 3]."""
    with open_clip(path) as source:
        return np.stack(list(itertools.islice(source, num_frames)))


def shrunk(frame: Frames, max_size: tuple[int, int] = MAX_SIZE) -> Frames:
    """A frame, uint8 [H, W, 3], scaled down until it just covers `max_size`, and its middle.

    Never enlarged. Area averaging, so that what was compressed in the source becomes sharp.
    """
    import cv2

    factor = max(most / side for side, most in zip(frame.shape[:2], max_size, strict=True))
    if factor < 1.0:
        height, width = (round(side * factor) for side in frame.shape[:2])
        frame = np.asarray(
            cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA), np.uint8
        )
    return middle(frame, max_size)


def middle(frames: Frames, max_size: tuple[int, int] = MAX_SIZE) -> Frames:
    """The middle of a frame or frames, uint8 [..., H, W, 3], at most `max_size` (height, width).

    Sides come out even.
    """
    height, width = (
        min(side, most) // 2 * 2 for side, most in zip(frames.shape[-3:-1], max_size, strict=True)
    )
    top, left = (frames.shape[-3] - height) // 2, (frames.shape[-2] - width) // 2
    return np.ascontiguousarray(frames[..., top : top + height, left : left + width, :])


def pad_edges(frame: Frames, unit: int) -> Frames:
    """A frame, uint8 [H, W, 3], whose sides grow to multiples of `unit` by repeating the edge."""
    height, width, _ = frame.shape
    padding = ((0, -height % unit), (0, -width % unit), (0, 0))
    return np.pad(frame, padding, mode="edge")
