"""The section of timestamps: when each frame of a video with a variable rate is shown."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from freegvc._bitstream.fields import MAX_VARINT, FieldReader, encode_ratio, inflate
from freegvc.errors import CorruptStreamError, UsageError

MAX_TIMESTAMPS = 1 << 20  # ten hours at 30 fps; a hostile section takes less than 100 MB of memory
MAX_TICK = 1 << 53
_MAX_TICK_BYTES = 9  # a varint below 2^63

Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Timestamps:
    """Frame k is shown from ticks[k] * time_base seconds on; ticks rise strictly.

    The last frame is shown until the tick `end`; None for 1 / frame rate.
    """

    ticks: tuple[int, ...]
    time_base: Fraction
    end: int | None = None


def encode_timestamps(timestamps: Timestamps, num_frames: int) -> bytes:
    """The section's payload.

    Raises:
        UsageError: there is not one tick per frame, they do not rise, or a limit is exceeded.
    """
    ticks, time_base, end = timestamps.ticks, timestamps.time_base, timestamps.end
    if len(ticks) != num_frames or num_frames > MAX_TIMESTAMPS:
        raise UsageError(
            f"there are {len(ticks)} timestamps for {num_frames} frames; there must be one per "
            f"frame and at most {MAX_TIMESTAMPS}"
        )
    if not 1 <= time_base.numerator <= MAX_VARINT or time_base.denominator > MAX_VARINT:
        raise UsageError(f"time base is {time_base}; both numbers must be in 1..{MAX_VARINT}")
    all_ticks = ticks if end is None else (*ticks, end)
    tick = 0
    for index, now in enumerate(all_ticks):
        if abs(now) > MAX_TICK or (index and now <= tick):
            raise UsageError(
                f"{_name(index, num_frames)} is {now} after {tick}; timestamps must rise and stay "
                "within +-2^53"
            )
        tick = now
    padded: Integers = np.array((0, 0, *all_ticks), np.int64)
    steps = padded[1:] - padded[:-1]
    residuals = steps[1:] - steps[:-1]
    raw = _encode_varints(residuals << 1 ^ residuals >> 63)
    return encode_ratio(time_base) + zlib.compress(raw, 9)


def decode_timestamps(data: bytes, num_frames: int) -> Timestamps:
    """The inverse of `encode_timestamps`.

    Raises:
        CorruptStreamError: a field is outside its limits.
    """
    what = "timestamps section"
    if num_frames > MAX_TIMESTAMPS:
        raise CorruptStreamError(
            f"{what}: the video has {num_frames} frames; at most {MAX_TIMESTAMPS} can have "
            "timestamps; get the file again"
        )
    head = FieldReader(data, what)
    time_base = head.ratio("time base")
    raw = inflate(data[head.position :], _MAX_TICK_BYTES * (num_frames + 1), what)
    zigzags = _decode_varints(raw, num_frames, what)
    # Sums of 64 bits may overflow, but not before the first tick that is out of its limits.
    steps = np.cumsum(zigzags >> 1 ^ -(zigzags & 1))
    ticks = np.cumsum(steps)
    wrong = (ticks < -MAX_TICK) | (ticks > MAX_TICK)
    wrong[1:] |= steps[1:] < 1
    if wrong.any():
        index = int(np.argmax(wrong))
        raise CorruptStreamError(
            f"{what}: {_name(index, num_frames)} is {ticks[index]}, {steps[index]} after the last; "
            "timestamps must rise and stay within +-2^53; get the file again"
        )
    shown = tuple(ticks[:num_frames].tolist())
    return Timestamps(shown, time_base, int(ticks[-1]) if len(ticks) > num_frames else None)


def _name(index: int, num_frames: int) -> str:
    return f"the timestamp of frame {index}" if index < num_frames else "the end of the last frame"


def _encode_varints(values: Integers) -> bytes:
    """Each value as `fields.encode_varint` writes it."""
    out = np.empty((len(values), _MAX_TICK_BYTES), np.uint8)
    is_used = np.empty(out.shape, np.bool_)
    for column in range(_MAX_TICK_BYTES):
        rest = values >> 7 * column
        out[:, column] = rest & 0x7F | (rest > 0x7F) << 7
        is_used[:, column] = rest > 0
    is_used[:, 0] = True
    return out[is_used].tobytes()


def _decode_varints(raw: bytes, num_frames: int, what: str) -> Integers:
    """The inverse of `_encode_varints`, for a value of each frame and perhaps one of the end."""
    data = np.frombuffer(raw, np.uint8)
    ends = np.flatnonzero(data < 0x80)
    count = len(ends)
    if count not in (num_frames, num_frames + 1) or ends[-1] + 1 != len(data):
        raise CorruptStreamError(
            f"{what}: it holds {count} timestamps, and {len(data)} bytes of them, for {num_frames} "
            "frames, so that some are missing or left over; get the file again"
        )
    starts = np.concatenate(((0,), ends[:-1] + 1))
    lengths = ends - starts + 1
    wrong = (lengths > _MAX_TICK_BYTES) | ((lengths > 1) & (data[ends] == 0))
    if wrong.any():
        raise CorruptStreamError(
            f"{what}: timestamp {int(np.argmax(wrong))} has too many bytes, or is not written in "
            "its shortest form; get the file again"
        )
    values = np.zeros(count, np.int64)
    for k in range(int(lengths.max())):
        longer = np.flatnonzero(lengths > k)
        values[longer] |= (data[starts[longer] + k] & 0x7F).astype(np.int64) << (7 * k)
    return values
