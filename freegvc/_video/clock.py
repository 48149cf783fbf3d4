"""When the frames of a container are shown: its nominal rate, and the times of its frames."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from statistics import median

from freegvc._video.rate import HIGHEST_RATE
from freegvc._video.timestamps import duration_seconds, repair
from freegvc.errors import UnsupportedVideoError

_USUAL_RATES = tuple(
    Fraction(thousands, base)
    for base in (1000, 1001)
    for thousands in (24000, 25000, 30000, 50000, 60000, 100000, 120000)
)
_NEAR = Fraction(1, 20)  # a stated rate is believed if it is this near to what the clock says
_FINEST = 100_000


@dataclass(frozen=True, slots=True)
class Timeline:
    """When the frames of a video are shown.

    Attributes:
        num_frames: at least 1.
        frame_rate: frames per second, nominal where there are timestamps.
        timestamps: seconds of each frame, increasing from 0; None for a constant rate.
        last_frame_seconds: how long the last frame is shown; None for 1/frame_rate.
        broken: frames at which the container's clock did not increase.
    """

    num_frames: int
    frame_rate: Fraction
    timestamps: tuple[Fraction, ...] | None = None
    last_frame_seconds: Fraction | None = None
    broken: tuple[int, ...] = ()

    @property
    def duration_seconds(self) -> Fraction:
        """From the start of the first frame to the end of the last."""
        return duration_seconds(
            self.num_frames, self.frame_rate, self.timestamps, self.last_frame_seconds
        )


def make_timeline(
    pts: Sequence[int], tick: Fraction, frame_rate: Fraction, last_ticks: int | None
) -> Timeline:
    """The timeline of a container's frames.

    Args:
        pts: of all frames as they are shown, in ticks.
        tick: seconds.
        frame_rate: nominal.
        last_ticks: how long the last frame is shown, if the container says it.
    """
    period = 1 / frame_rate
    ticks, broken = repair(pts, round(period / tick))
    steps = [b - a for a, b in pairwise(ticks)]
    constant = all(abs(step * tick - period) <= tick for step in steps)
    drift = abs((ticks[-1] - ticks[0]) * tick - (len(ticks) - 1) * period)
    stamps = None
    if not constant or drift >= period / 2:
        stamps = tuple((here - ticks[0]) * tick for here in ticks)
    last = None if not last_ticks or last_ticks < 0 else last_ticks * tick
    if last is not None and abs(last - period) <= tick:
        last = None
    return Timeline(len(ticks), frame_rate, stamps, last, tuple(broken))


def nominal_rate(
    name: str, stated: Fraction | None, pts: Sequence[int], tick: Fraction
) -> tuple[Fraction, bool]:
    """Frames per second of a container, and whether that is what it states.

    What it states is checked against its clock: recordings of browsers state 1000.

    Args:
        name: of the video in messages.
        stated: what the container states, or FFmpeg guesses.
        pts: of the packets that are to be shown, in any order.
        tick: seconds.

    Raises:
        UnsupportedVideoError: the rate is above what a stream can state.
    """
    times = sorted(set(pts))
    rate, believed = stated, stated is not None
    if len(times) > 1:
        gaps = [b - a for a, b in pairwise(times)]
        mean = (times[-1] - times[0]) * tick / len(gaps)
        near = stated is not None and any(
            abs(1 / stated - seconds) <= max(seconds * _NEAR, min(tick, seconds / 2))
            for seconds in (mean, Fraction(median(gaps)) * tick)
        )
        if not near:
            rate, believed = _rate_of(mean, len(gaps)), False
    rate = rate or Fraction(25)
    if rate > HIGHEST_RATE:
        raise UnsupportedVideoError(
            f"{name} has {float(rate):g} frames per second: at most {HIGHEST_RATE} are supported; "
            "say how fast to show it, for example --fps 25 (fps=25)"
        )
    return rate, believed


def _rate_of(gap: Fraction, num_gaps: int) -> Fraction:
    """A usual rate that would not drift by half a frame, or the exact one."""
    nearest = min(_USUAL_RATES, key=lambda rate: abs(1 / rate - gap))
    if abs(1 / nearest - gap) * num_gaps < gap / 2:
        return nearest
    return max((1 / gap).limit_denominator(_FINEST), Fraction(1, _FINEST))
