"""Audio of a stream, copied into an output file between the pictures."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from typing import Any

from freegvc._video.audio import PADDING_TAG, TICK_SECONDS
from freegvc._video.audio_section import demux_audio, open_audio, read_packets, start_seconds
from freegvc._video.audio_tracks import (
    check_holds,
    codec_name,
    copy_tags,
    num_samples,
    skipped_samples,
)
from freegvc._video.ffmpeg import reason_of
from freegvc.errors import UsageError

_MP4 = "mp4"


def check_audio(blob: bytes, container: str) -> None:
    """Refuse audio that an output cannot hold, before anything is written.

    Args:
        blob: as `read_audio` returns it.
        container: FFmpeg's name of the output's format, "mp4" or "matroska".

    Raises:
        UsageError: the blob is not a Matroska file, or the output cannot hold its codec.
    """
    import av

    source = open_audio(blob)
    try:
        missing = {stream.index: stream for stream in source.streams.audio}
        refused: dict[str, None] = {}  # a set in the order of the tracks
        for packet in demux_audio(source, len(blob)):
            stream = missing.pop(packet.stream_index, None)
            if stream is not None and check_holds(stream, packet, container):
                refused[codec_name(stream, source)] = None
            if not missing:
                break
    except (ValueError, OSError, av.error.FFmpegError) as error:
        raise UsageError(
            f"the audio is damaged ({reason_of(error)}): get the file again"
        ) from error
    finally:
        source.close()
    if refused:
        other = ".mkv" if container == _MP4 else ".y4m or PNG files, which leave the audio out"
        suffix = ".mp4" if container == _MP4 else ".mkv"
        raise UsageError(
            f"the audio is coded as {', '.join(refused)}, which {suffix} cannot hold: write {other}"
        )


@dataclass
class _Copy:
    """One track on its way into the output."""

    source: Any
    stream: Any
    rate: int
    end: Fraction | None = None  # seconds at which the next packet starts, if that is exact
    length: Fraction = Fraction(0)  # seconds of the packet before


class AudioFeed:
    """Writes the packets of a blob to an output file, interleaved with the pictures.

    Args:
        blob: as `read_audio` returns it; `check_audio` has accepted it.
        output: an av container, open for writing.
        tick: seconds; `lead` is a multiple of it.

    Attributes:
        lead: seconds by which sound and pictures are moved later, so that sound from before the
            first picture is heard. The pictures are moved by whoever writes them.

    Raises:
        UsageError: the blob is not a Matroska file, or its tags are wrong.
    """

    lead: Fraction

    def __init__(self, blob: bytes, output: Any, tick: Fraction) -> None:
        self._container = open_audio(blob)
        try:
            self._output = output
            self._offset = start_seconds(self._container)
            streams = list(self._container.streams.audio)
            packets = read_packets(self._container, len(blob))
            first = self._first_packets(streams, packets)
            self.lead = self._lead(first, tick)
            self._copies = {}
            for stream in streams:
                copy = output.add_stream_from_template(stream)
                copy_tags(stream, copy)
                rate = stream.codec_context.sample_rate or 1
                self._copies[stream.index] = _Copy(stream, copy, rate)
            self._packets = chain(first, packets)
            self._pending = next(self._packets, None)
        except BaseException:
            self._container.close()
            raise

    def _first_packets(self, streams: list[Any], packets: Iterator[Any]) -> list[Any]:
        """The packets up to the first one of the last track, as far as they start before 0."""
        missing = {stream.index for stream in streams}
        taken = []
        while missing and self._offset < 0:
            packet = next(packets, None)
            if packet is None:
                break
            taken.append(packet)
            missing.discard(packet.stream_index)
            if self._start_of(packet) >= 0:
                break
        return taken

    def _lead(self, first: list[Any], tick: Fraction) -> Fraction:
        """See the class; the smallest multiple of `tick` that moves all heard sound to 0 or later.

        Padding needs no time of its own where the output says that it is to be skipped: by the
        edit list of mp4, or by the codec delay of Matroska if the blob has it too.
        """
        earliest = Fraction(0)
        seen = set()
        for packet in first:
            if packet.stream_index in seen:
                continue
            seen.add(packet.stream_index)
            stream = self._container.streams[packet.stream_index]
            hidden = skipped_samples(packet)[0]
            if self._output.format.name == _MP4:
                hidden = hidden or _padding(stream.metadata.get(PADDING_TAG, "0"))
            heard = self._start_of(packet) + Fraction(hidden, stream.codec_context.sample_rate or 1)
            if heard < -TICK_SECONDS:
                earliest = min(earliest, heard)
        return -(earliest // tick) * tick

    def _start_of(self, packet: Any) -> Fraction:
        return Fraction(packet.pts * packet.time_base + self._offset)

    def feed(self, until_seconds: Fraction | None) -> None:
        """Write the packets that start before `until_seconds`; None for all remaining ones.

        Args:
            until_seconds: on the clock of the pictures, without the lead.

        Raises:
            UsageError: the packets are damaged, or the output does not take them.
        """
        try:
            while (packet := self._pending) is not None:
                if until_seconds is not None and self._start_of(packet) >= until_seconds:
                    return
                self._copy(packet)
                self._pending = next(self._packets, None)
        except (ValueError, OverflowError) as error:
            raise UsageError(
                f"the audio cannot be copied into the output: {reason_of(error)}; choose "
                "another format"
            ) from error

    def _copy(self, packet: Any) -> None:
        copy = self._copies[packet.stream_index]
        start = self._start_of(packet)
        # The blob ticks in milliseconds: whole packets that follow one another tell more.
        if copy.end is not None and abs(start - copy.end) <= TICK_SECONDS:
            start = copy.end
        samples = num_samples(copy.source, packet)
        copy.end = None
        if samples is not None:
            copy.length = Fraction(samples, copy.rate)
            copy.end = start + copy.length
        elif packet.duration:
            copy.length = Fraction(packet.duration * packet.time_base)
        heard = copy.length
        if samples is not None:
            heard -= Fraction(min(skipped_samples(packet)[1], samples), copy.rate)
        packet.time_base = Fraction(1, copy.rate)
        packet.pts = packet.dts = round((start + self.lead) * copy.rate)
        packet.duration = round(heard * copy.rate)
        packet.stream = copy.stream
        self._output.mux(packet)

    def close(self) -> None:
        """Close the blob."""
        self._container.close()


def _padding(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,10}", text, re.ASCII):
        raise UsageError(
            f"the audio's tag {PADDING_TAG} is {text[:20]!r}; it must be an integer from 0 to "
            "9999999999: get the file again"
        )
    return int(text)
