"""--frames and --time: a part of a video."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from fractions import Fraction
from typing import TYPE_CHECKING, TypeVar

from freegvc.errors import UsageError

if TYPE_CHECKING:
    from freegvc._codec.compressed import CompressedVideo
    from freegvc._video import FrameSource

Number = TypeVar("Number", int, Fraction)
_LONGEST_NUMBER = 30  # characters


def add_part(parser: argparse.ArgumentParser) -> None:
    """The options that choose frames to decode."""
    group = parser.add_argument_group(
        "a part (default: all); only the GOPs that it needs are decoded"
    ).add_mutually_exclusive_group()
    group.add_argument(
        "--frames",
        metavar="A:B",
        help="frames A up to B, without B, counted from 0; A:, :B and --frames=-25: as in Python",
    )
    group.add_argument(
        "--time",
        metavar="A:B",
        help="the frames shown from A to B seconds; A:, :B and --time=-2.5: likewise",
    )


def check_part(arguments: argparse.Namespace) -> None:
    """Refuse a part where all is decoded.

    Raises:
        UsageError: a part of a batch, or on workers.
    """
    if arguments.frames is None and arguments.time is None:
        return
    if arguments.inputs is not None:
        raise UsageError("--frames and --time are of one file: leave them or --out-dir out")
    if arguments.ray is not None:
        raise UsageError("--frames and --time decode a few GOPs here: leave them or --ray out")


def chosen_frames(arguments: argparse.Namespace, stream: CompressedVideo) -> range | None:
    """The frames that the options name; None for all.

    Raises:
        UsageError: they are not two numbers, or there are no such frames.
    """
    if arguments.time is not None:
        from freegvc._codec.clock import exact_duration, frames_between

        duration = exact_duration(stream)
        begin, end = (
            None if word is None else word + duration if word < 0 else word
            for word in _ends("--time", arguments.time, _seconds)
        )
        return frames_between(stream, begin or Fraction(0), duration if end is None else end)
    return _numbered_frames(arguments, stream.header.num_frames)


def chosen_frames_of_video(arguments: argparse.Namespace, video: FrameSource) -> range | None:
    """The same for a video, whose frames are taken to be shown at a constant rate.

    Raises:
        UsageError: as `chosen_frames`.
    """
    if arguments.frames is None and arguments.time is None:
        return None
    num_frames = video.count_frames()
    if arguments.time is None:
        return _numbered_frames(arguments, num_frames)
    seconds = num_frames / video.frame_rate
    begin, end = (
        None if word is None else word + seconds if word < 0 else word
        for word in _ends("--time", arguments.time, _seconds)
    )
    first = math.floor(max(begin or Fraction(0), Fraction(0)) * video.frame_rate)
    stop = num_frames if end is None else math.ceil(end * video.frame_rate)
    frames = range(num_frames)[first : max(stop, 0)]
    if not frames:
        raise UsageError(
            f"no frame is shown in --time {arguments.time}: the video lasts {float(seconds):g} s"
        )
    return frames


def _numbered_frames(arguments: argparse.Namespace, num_frames: int) -> range | None:
    if arguments.frames is None:
        return None
    start, stop = _ends("--frames", arguments.frames, int)
    frames = range(num_frames)[start:stop]
    if not frames:
        raise UsageError(
            f"--frames {arguments.frames} names none of the {num_frames} frames of the video: "
            f"choose A and B from 0 to {num_frames}"
        )
    return frames


def _seconds(word: str) -> Fraction:
    """A number without an exponent, of which a few characters would take all memory."""
    if len(word) > _LONGEST_NUMBER or "e" in word.lower():
        raise ValueError
    return Fraction(word)


def _ends(
    option: str, text: str, number: Callable[[str], Number]
) -> tuple[Number | None, Number | None]:
    """Both numbers of "A:B"; None where one is left out."""
    words = text.split(":")
    try:
        first, last = (number(word) if word else None for word in words)
    except (ValueError, ZeroDivisionError):
        raise UsageError(
            f"{option} is {text!r}, but must be two numbers with a colon between, such as "
            f"{'100:200' if number is int else '3.5:6'}"
        ) from None
    return first, last
