"""The result of compression: real bytes and what they hold. Needs no torch."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from freegvc._atomic import atomic_path, write_durably
from freegvc._bitstream import (
    Header,
    Packet,
    PacketCodec,
    Stream,
    least_bytes,
    read_stream,
    truncate_stream,
    write_stream,
)
from freegvc._bitstream.checksum import CRC_BYTES
from freegvc._codec.output_path import check_stream_name
from freegvc._control.budget import rounded_up
from freegvc._numbers import real_number, whole_number
from freegvc._special_files import PIPE, read_pipe, special_kind, why_no_path
from freegvc._video.timestamps import duration_seconds
from freegvc.errors import StreamError, TargetError, UsageError

if TYPE_CHECKING:
    from os import PathLike


@dataclass(frozen=True, slots=True)
class GopInfo:
    """One GOP of a stream.

    Attributes:
        index: 0, 1, ...
        first_frame, num_frames: the frames it covers, overlap included.
        stop_step: timestep at which its walk stops; larger is noisier.
        num_steps: transmitted steps.
        bits: bits of its packet, everything counted.
        seed_bits: bits of its seeds alone.
        model_calls: predictions that decoding takes: one for each step, then the silent part. Of a
            frame in tiles each call is one of the whole frame.
    """

    index: int
    first_frame: int
    num_frames: int
    stop_step: int
    num_steps: int
    bits: int
    seed_bits: float
    model_calls: int


class CompressedVideo:
    """A freegvc stream in memory.

    Args:
        data: the bytes of a .fgvc file; parsed and checked at once.

    Raises:
        StreamError: the bytes are not a valid stream.
    """

    def __init__(self, data: bytes) -> None:
        self.data = bytes(data)
        self.stream: Stream = read_stream(self.data)

    @classmethod
    def open(cls, path: str | PathLike[str]) -> CompressedVideo:
        """Read a .fgvc file.

        Raises:
            StreamError: the file cannot be read or is not a valid stream.
        """
        if reason := why_no_path(path):
            raise StreamError(reason)
        file = Path(path)
        try:
            kind = special_kind(file)
            if kind is not None and kind != PIPE:
                raise StreamError(f"{path} is {kind}: give a .fgvc file or a pipe")
            data = b"".join(read_pipe(file)) if kind == PIPE else file.read_bytes()
        except OSError as error:
            raise StreamError(f"cannot read {path}: {error.strerror or error}") from error
        return cls(data)

    def save(self, path: str | PathLike[str], *, overwrite: bool = False) -> Path:
        """Write the stream to a file, under a temporary name first.

        Raises:
            OutputExistsError: the file exists and `overwrite` is false.
            UsageError: the name is that of a video or a journal.
        """
        check_stream_name(Path(path))
        with atomic_path(Path(path), overwrite=overwrite) as temporary:
            write_durably(temporary, self.data)  # the journal of its GOPs may be deleted next
        return Path(path)

    def truncate(
        self,
        *,
        stop_step: int | None = None,
        bpp: float | None = None,
        kbps: float | None = None,
        num_bytes: int | None = None,
    ) -> CompressedVideo:
        """A smaller stream of the same video, made without the prior by dropping trailing steps.

        Exactly one argument. The rates leave audio aside, as those of `compress` do; audio,
        timestamps and prompt are kept. Under a rate all GOPs stop at one noise level, and the
        first ones get one more step if there is room for it. A bound that the stream keeps
        already leaves it as it is.

        Args:
            stop_step: timestep at which each GOP stops, or a noisier one.
            bpp: upper bound in bits per pixel of all frames, for the new stream's `bpp`.
            kbps: upper bound in thousands of bits per second.
            num_bytes: upper bound for the bytes of the file, audio aside.

        Raises:
            UsageError: not exactly one argument, or a value out of its range.
            TargetError: the stream is larger even without a single step.
            StreamError: a packet is damaged.
        """
        targets = {"stop_step": stop_step, "bpp": bpp, "kbps": kbps, "num_bytes": num_bytes}
        given = {name: value for name, value in targets.items() if value is not None}
        if len(given) != 1:
            names = " and ".join(given) or "none"
            raise UsageError(f"give one of stop_step, bpp, kbps and num_bytes, not {names}")
        if stop_step is not None:
            stop_step = whole_number("stop_step", stop_step)
            return CompressedVideo(write_stream(truncate_stream(self.stream, stop_step=stop_step)))
        ((unit, given_value),) = given.items()
        value = real_number(unit, given_value)
        if not 0.0 < value < math.inf:
            raise UsageError(f"{unit} is {value}, but must be above 0 and finite")
        whole = self.num_bytes - self.audio_bytes
        allowed = whole
        if value < self._rate(whole, unit):
            allowed = round(value / self._rate(1, unit))
            if self._rate(allowed, unit) > value:
                allowed -= 1
        try:
            cut = truncate_stream(self.stream, max_bytes=allowed + self.audio_bytes)
        except TargetError:
            least = least_bytes(self.stream) - self.audio_bytes
            needed = str(least) if unit == "num_bytes" else rounded_up(self._rate(least, unit))
            raise TargetError(
                f"{unit} is {value}, but the stream takes {least} bytes without a single step: "
                f"allow at least {needed}"
            ) from None
        return CompressedVideo(write_stream(cut))

    def _rate(self, num_bytes: int, unit: str) -> float:
        """Bytes of this video as a rate in bpp or kbps, or as they are."""
        if unit == "bpp":
            h = self.header
            return 8.0 * num_bytes / (h.num_frames * h.width * h.height)
        return num_bytes / (125.0 * self.duration_seconds) if unit == "kbps" else num_bytes

    @property
    def header(self) -> Header:
        """Everything that holds for the whole stream."""
        return self.stream.header

    @property
    def timestamps(self) -> tuple[Fraction, ...] | None:
        """Seconds of each frame where the frame rate varies, else None."""
        carried = self.stream.timestamps
        if carried is None:
            return None
        return tuple(tick * carried.time_base for tick in carried.ticks)

    @property
    def last_frame_seconds(self) -> Fraction | None:
        """How long the last frame is shown, or None for 1/frame rate."""
        carried = self.stream.timestamps
        if carried is None or carried.end is None:
            return None
        return (carried.end - carried.ticks[-1]) * carried.time_base

    @property
    def duration_seconds(self) -> float:
        """From the start of the first frame to the end of the last, in seconds."""
        h = self.header
        return float(
            duration_seconds(h.num_frames, h.frame_rate, self.timestamps, self.last_frame_seconds)
        )

    @property
    def audio(self) -> bytes | None:
        """A Matroska file with the carried audio, or None."""
        return self.stream.audio

    @property
    def prompt(self) -> str | None:
        """The text that conditions the prior, or None for an empty one."""
        return self.stream.prompt

    @property
    def num_bytes(self) -> int:
        """Bytes of the file."""
        return len(self.data)

    @cached_property
    def audio_bytes(self) -> int:
        """Bytes of the file that carry audio."""
        return 0 if self.stream.audio is None else len(self.stream.audio) + CRC_BYTES

    @property
    def bpp(self) -> float:
        """Bits per pixel of all frames: everything but the audio counts."""
        return self._rate(self.num_bytes - self.audio_bytes, "bpp")

    @property
    def overlap_overhead(self) -> float:
        """Frames that are coded twice, as a part of all frames: what the overlap adds to the rate.

        R_f / R - 1 of the paper's eq. 18, for GOPs of any length. 0 where GOPs are chained: the
        frames that they share are known there.
        """
        h = self.header
        return 0.0 if h.chain else h.plan.num_coded / h.num_frames - 1.0

    @cached_property
    def _packets(self) -> PacketCodec:
        return PacketCodec(self.header)

    def packet(self, gop: int) -> Packet:
        """The decoded packet of a GOP.

        Raises:
            StreamError: it is damaged or hostile.
        """
        return self._packets.decode(self.stream.packets[gop], gop)

    @cached_property
    def gops(self) -> tuple[GopInfo, ...]:
        """What each GOP holds."""
        return tuple(self.gop(k) for k in range(self.header.num_gops))

    def gop(self, index: int) -> GopInfo:
        """What one GOP holds.

        Raises:
            StreamError: its packet is damaged or hostile.
        """
        packet, bits = self._packets.decode_with_bits(self.stream.packets[index], index)
        frames, num_steps = self.header.gop_frames(index), len(packet.steps)
        stop_step = packet.steps[-1].timestep if packet.steps else self.header.start_timestep
        return GopInfo(
            index=index,
            first_frame=frames.start,
            num_frames=len(frames),
            stop_step=stop_step,
            num_steps=num_steps,
            bits=bits.total_bits,
            seed_bits=bits.seed_bits,
            model_calls=num_steps + self.header.silent_calls(stop_step),
        )

    def __repr__(self) -> str:
        h = self.header
        return (
            f"CompressedVideo({h.width}x{h.height}, {h.num_frames} frames, {h.num_gops} GOPs, "
            f"{self.num_bytes} bytes, {self.bpp:.4g} bpp)"
        )
