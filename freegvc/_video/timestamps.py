"""Timestamps of the frames of a video with a variable frame rate."""

from collections.abc import Sequence
from fractions import Fraction

from freegvc.errors import UsageError


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
