"""Cutting a video into overlapping groups of pictures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from freegvc._video.frame_source import FrameSource
from freegvc._video.gop_plan import plan_gops


@dataclass(frozen=True, slots=True)
class Gop:
    """A group of pictures.

    Attributes:
        index: 0, 1, ...
        first_frame: index of its first frame in the video.
        frames: uint8 [T, H, W, 3].
        advance: frames from its first one to that of the next GOP; T in the last GOP.
        is_last: no GOP follows.
        timestamps: seconds of all frames of the video, in the last GOP of one with a variable frame
            rate; else None.
        last_frame_seconds: in the last GOP, how long the last frame is shown; None for 1/rate.
    """

    index: int
    first_frame: int
    frames: npt.NDArray[np.uint8]
    advance: int
    is_last: bool
    timestamps: tuple[Fraction, ...] | None = None
    last_frame_seconds: Fraction | None = None


def cut_gops(
    source: FrameSource,
    gop_length: int,
    overlap: int,
    *,
    longest: int | None = None,
    stride: int = 1,
) -> Iterator[Gop]:
    """Cut a video into the groups that `plan_gops` gives, whether its length is known or not.

    The first `overlap` frames of a GOP are the last ones of the GOP before. Memory holds one GOP
    and half of the frames by which the next one goes on, however long the video is: so many frames
    show that the next GOP will bring enough of its own.

    Args:
        source: with at least one frame; read to its end, and left open.
        gop_length: l, at least 1.
        overlap: m, 0 <= m <= l / 2.
        longest, stride: as for `plan_gops`.

    Raises:
        VideoReadError: as reading the source raises it.
    """
    held: list[npt.NDArray[np.uint8]] = []
    index = first_frame = 0
    advance = gop_length - overlap
    enough = gop_length + -(-advance // 2)
    for frame in source:
        held.append(frame)
        if len(held) == enough:
            yield Gop(index, first_frame, np.stack(held[:gop_length]), advance, is_last=False)
            del held[:advance]
            first_frame += advance
            index += 1
    plan = plan_gops(len(held), gop_length, overlap, longest=longest, stride=stride)
    for k in range(plan.num_gops if held else 0):
        covered, is_last = plan.frames(k), k == plan.num_gops - 1
        yield Gop(
            index + k,
            first_frame + covered.start,
            np.stack(held[covered.start : covered.stop]),
            plan.advance(k),
            is_last,
            source.timestamps() if is_last else None,
            source.last_frame_seconds() if is_last else None,
        )
