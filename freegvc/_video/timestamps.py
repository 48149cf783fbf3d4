"""Timestamps of the frames of a video: checked, repaired, and summed up."""

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from statistics import median_low

from freegvc.errors import UsageError

_LOOK_AHEAD = 16  # frames within which a clock that stands still goes on


def check_timestamps(timestamps: Sequence[Fraction]) -> None:
    """Refuse timestamps that do not start at or after 0, or do not increase.

    Args:
        timestamps: seconds of each frame.

    Raises:
        UsageError: names the first wrong one.
    """
    previous = None
    for index, seconds in enumerate(timestamps):
        if seconds < 0 or (previous is not None and seconds <= previous):
            before = "" if previous is None else f", after {float(previous):g} s"
            raise UsageError(
                f"timestamp {index} is {float(seconds):g} s{before}: timestamps must start at or "
                "after 0 and increase"
            )
        previous = seconds


def check_last_frame(seconds: Fraction | None) -> None:
    """Refuse a last frame that is shown for no time.

    Raises:
        UsageError: names the value.
    """
    if seconds is not None and seconds <= 0:
        raise UsageError(f"the last frame is shown for {float(seconds):g} s: it must be above 0")


def duration_seconds(
    num_frames: int,
    frame_rate: Fraction,
    timestamps: Sequence[Fraction] | None,
    last_frame_seconds: Fraction | None,
) -> Fraction:
    """From the start of the first frame to the end of the last, in seconds.

    Args:
        num_frames: at least 1.
        frame_rate: frames per second.
        timestamps: seconds of each frame; None for a constant rate.
        last_frame_seconds: None for 1/frame_rate.
    """
    period = 1 / frame_rate
    last = (num_frames - 1) * period if timestamps is None else timestamps[-1] - timestamps[0]
    return last + (period if last_frame_seconds is None else last_frame_seconds)


def repair(ticks: Sequence[int], gap: int) -> tuple[list[int], list[int]]:
    """Timestamps that increase, from some that jump back or stand still.

    Where the clock is out of order for some frames and goes on, these are spread over the time in
    between. Where it jumps back for good, as where two recordings are joined, all that follows
    moves: the first frame after the jump comes one usual gap after the last before it.

    Args:
        ticks: of each frame in the order in which frames are shown.
        gap: what lies between two frames where the ticks do not say it.

    Returns:
        The repaired ticks, and the indices of the frames at which the clock did not increase.
    """
    gap = max(_usual_gap(ticks) or gap, 1)
    least = min(_usual_gap(sorted(ticks)) or gap, gap)
    fixed = list(ticks[:1])
    broken: list[int] = []
    offset = 0
    while len(fixed) < len(ticks):
        index = len(fixed)
        here = ticks[index] + offset
        if here > fixed[-1]:
            fixed.append(here)
            continue
        broken.append(index)
        found = _where_it_goes_on(ticks, fixed, offset, least)
        if found is None:
            offset += fixed[-1] + gap - here
            fixed.append(fixed[-1] + gap)
            continue
        before, after = found
        begin, end = fixed[before], ticks[after] + offset
        frames = after - before
        fixed[before + 1 :] = [begin + (end - begin) * (k + 1) // frames for k in range(frames)]
    return fixed, broken


def _usual_gap(ticks: Sequence[int]) -> int | None:
    """The median of the gaps between neighbours that increase; None without one."""
    gaps = [b - a for a, b in pairwise(ticks) if b > a]
    return median_low(gaps) if gaps else None


def _where_it_goes_on(
    ticks: Sequence[int], fixed: Sequence[int], offset: int, gap: int
) -> tuple[int, int] | None:
    """The frames between which the clock is out of order; None if it is not right again soon.

    The frame before may be the last one that was right or the one before that, which it is where
    two frames are swapped.
    """
    index = len(fixed)
    for after in range(index + 1, min(index + _LOOK_AHEAD, len(ticks))):
        for before in range(index - 1, max(index - 3, -1), -1):
            frames = after - before
            if ticks[after] + offset - fixed[before] >= max(frames * gap * 3 // 4, frames):
                return before, after
    return None
