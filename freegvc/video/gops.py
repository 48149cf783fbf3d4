"""Cutting a stream of frames into overlapping groups of pictures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class Gop:
    """A group of pictures.

    Attributes:
        index: 0, 1, ...
        first_frame: index of its first frame in the video.
        frames: uint8 [T, H, W, 3], T = gop_length except in the last GOP.
        is_last: no frame follows.
    """

    index: int
    first_frame: int
    frames: npt.NDArray[np.uint8]
    is_last: bool


def cut_gops(
    frames: Iterable[npt.NDArray[np.uint8]], gop_length: int, overlap: int
) -> Iterator[Gop]:
    """Groups of `gop_length` frames, each sharing its first `overlap` frames with the one before.

    Holds one GOP and one frame of its neighbour, however long the video is. The last GOP holds what
    is left: at least one frame that no earlier GOP has, unless the video is a single GOP.

    Args:
        frames: uint8 [H, W, 3] each; at least one.
        gop_length: l, at least 1.
        overlap: m, 0 <= m <= l / 2.
    """
    source = iter(frames)
    held: list[npt.NDArray[np.uint8]] = []
    index = first_frame = 0
    ahead = next(source, None)
    while ahead is not None:
        held.append(ahead)
        ahead = next(source, None)
        if len(held) == gop_length or ahead is None:
            yield Gop(index, first_frame, np.stack(held), ahead is None)
            del held[: gop_length - overlap]
            first_frame += gop_length - overlap
            index += 1
