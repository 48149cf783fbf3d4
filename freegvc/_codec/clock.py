"""Frames and seconds of a part of a stream."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from fractions import Fraction
from typing import TYPE_CHECKING

from freegvc._video.timestamps import duration_seconds
from freegvc.errors import UsageError

if TYPE_CHECKING:
    from freegvc._codec.compressed import CompressedVideo

Clock = tuple[tuple[Fraction, ...] | None, Fraction | None]


def exact_duration(stream: CompressedVideo) -> Fraction:
    """From the start of the first frame to the end of the last, in seconds."""
    h = stream.header
    return duration_seconds(
        h.num_frames, h.frame_rate, stream.timestamps, stream.last_frame_seconds
    )


def frames_between(stream: CompressedVideo, begin: Fraction, end: Fraction) -> range:
    """The frames that are on the screen at some time from `begin` on and before `end`.

    Args:
        stream: with its clock.
        begin, end: in seconds from the first frame.

    Raises:
        UsageError: there is none.
    """
    stamps, num_frames = stream.timestamps, stream.header.num_frames
    if stamps is None:  # no list of frames, whose number in the header may be anything
        rate = stream.header.frame_rate
        first, stop = math.floor(begin * rate), math.ceil(end * rate)
    else:
        first = bisect_right(stamps, begin + stamps[0]) - 1
        stop = bisect_left(stamps, end + stamps[0])
    first, stop = max(first, 0), min(stop, num_frames)
    if begin >= end or first >= stop or begin >= exact_duration(stream):
        until = "s on" if end == exact_duration(stream) else f"to {float(end):g} s"
        raise UsageError(
            f"no frame is shown from {float(begin):g} {until}: the video lasts "
            f"{stream.duration_seconds:g} s"
        )
    return range(first, stop)


def clock_of(stream: CompressedVideo, frames: range) -> Clock:
    """Timestamps from 0 on, and duration of the last frame, of a part; None for 1/frame rate."""
    stamps, is_end = stream.timestamps, frames.stop == stream.header.num_frames
    if stamps is None:
        return None, stream.last_frame_seconds if is_end else None
    begin = stamps[frames.start]
    last = stream.last_frame_seconds if is_end else stamps[frames.stop] - stamps[frames.stop - 1]
    return tuple(stamps[k] - begin for k in frames), last


def span_of(stream: CompressedVideo, frames: range) -> tuple[Fraction, Fraction | None]:
    """When a part begins and ends, in seconds from the first frame; no end after the last frame."""
    stamps, num_frames = stream.timestamps, stream.header.num_frames

    def start_of(frame: int) -> Fraction:
        return frame / stream.header.frame_rate if stamps is None else stamps[frame] - stamps[0]

    return start_of(frames.start), None if frames.stop == num_frames else start_of(frames.stop)
