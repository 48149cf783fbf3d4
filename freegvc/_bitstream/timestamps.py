"""The section of timestamps: when each frame of a video with a variable rate is shown."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from fractions import Fraction

from freegvc._bitstream.fields import (
    MAX_VARINT,
    FieldReader,
    encode_ratio,
    encode_varint,
    inflate,
)
from freegvc._range_coder import unzigzag, zigzag
from freegvc.errors import CorruptStreamError, UsageError

MAX_TIMESTAMPS = 1 << 20  # ten hours at 30 fps; a hostile section takes less than 100 MB of memory
MAX_TICK = 1 << 53
_MAX_RESIDUAL = (1 << 63) - 1
_MAX_TICK_BYTES = 9


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
    out = bytearray()
    tick = step = 0
    for index, now in enumerate(ticks if end is None else (*ticks, end)):
        if abs(now) > MAX_TICK or (index and now <= tick):
            raise UsageError(
                f"{_name(index, num_frames)} is {now} after {tick}; timestamps must rise and stay "
                "within +-2^53"
            )
        out += encode_varint(zigzag(now - tick - step))
        tick, step = now, now - tick
    return encode_ratio(time_base) + zlib.compress(bytes(out), 9)


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
    reader = FieldReader(raw, what)
    ticks: list[int] = []
    tick = step = 0
    for index in range(num_frames + 1):
        if index == num_frames and not reader.remaining:
            return Timestamps(tuple(ticks), time_base)
        step += unzigzag(reader.varint(f"timestamp {index}", 0, _MAX_RESIDUAL))
        tick += step
        if abs(tick) > MAX_TICK or (index and step < 1):
            raise CorruptStreamError(
                f"{what}: {_name(index, num_frames)} is {tick}, {step} after the last; "
                "timestamps must rise and stay within +-2^53; get the file again"
            )
        ticks.append(tick)
    reader.done()
    return Timestamps(tuple(ticks[:-1]), time_base, ticks[-1])


def _name(index: int, num_frames: int) -> str:
    return f"the timestamp of frame {index}" if index < num_frames else "the end of the last frame"
