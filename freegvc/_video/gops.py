"""Cutting a video into overlapping groups of pictures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from freegvc._video.frame_source import FrameSource


@dataclass(frozen=True, slots=True)
class Gop:
    """A group of pictures.

    Attributes:
        index: 0, 1, ...
        first_frame: index of its first frame in the video.
        frames: uint8 [T, H, W, 3], T = gop_length except in the last GOP.
        is_last: no frame follows.
        timestamps: seconds of all frames of the video, in the last GOP of one with a variable frame
            rate; else None.
        last_frame_seconds: in the last GOP, how long the last frame is shown; None for 1/rate.
    """

    index: int
    first_frame: int
    frames: npt.NDArray[np.uint8]
    is_last: bool
    timestamps: tuple[Fraction, ...] | None = None
    last_frame_seconds: Fraction | None = None


def cut_gops(source: FrameSource, gop_length: int, overlap: int) -> Iterator[Gop]:
    """Cut a video into groups of `gop_length` frames.

    The first `overlap` frames of a GOP are the last ones of the GOP before. The last GOP holds the
    remaining frames: at least one that no earlier GOP has, unless the video is a single GOP. Memory
    holds one GOP and one frame of its neighbour, however long the video is.

    Args:
        source: with at least one frame; read to its end, and left open.
        gop_length: l, at least 1.
        overlap: m, 0 <= m <= l / 2.

    Raises:
        VideoReadError: as reading the source raises it.
    """
    frames = iter(source)
    held: list[npt.NDArray[np.uint8]] = []
    index = first_frame = 0
    ahead = next(frames, None)
    while ahead is not None:
        held.append(ahead)
        ahead = next(frames, None)
        is_last = ahead is None
        if is_last or len(held) == gop_length:
            timestamps = source.timestamps() if is_last else None
            last = source.last_frame_seconds() if is_last else None
            yield Gop(index, first_frame, np.stack(held), is_last, timestamps, last)
            del held[: gop_length - overlap]
            first_frame += gop_length - overlap
            index += 1
