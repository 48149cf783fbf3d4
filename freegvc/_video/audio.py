"""Audio, copied packet by packet and never re-encoded.

A blob is a Matroska file that holds audio streams alone. Its clock starts at the first video
frame. Matroska cannot express audio that starts earlier, so all of it is moved later and the tag
START_MS holds the true (negative) start.
"""

import io
import re
from collections.abc import Iterator, Mapping
from fractions import Fraction
from os import PathLike
from pathlib import Path
from typing import Any

from freegvc._video.audio_section import open_audio
from freegvc._video.ffmpeg import ffmpeg_name
from freegvc.errors import UsageError, VideoReadError

_START_TAG = "START_MS"
# No random identifiers and no version string: the same packets give the same bytes.
BIT_EXACT = {"fflags": "+bitexact"}


def read_audio(path: str | PathLike[str]) -> bytes | None:
    """Copy the audio streams of a file into a Matroska blob.

    Args:
        path: of a file that FFmpeg reads; folders and .yuv files have no audio.

    Returns:
        The bytes of the Matroska file; None if there is no audio.

    Raises:
        VideoReadError: the file cannot be read.
    """
    import av

    if Path(path).is_dir() or Path(path).suffix.lower() == ".yuv":
        return None
    try:
        with av.open(ffmpeg_name(path), metadata_errors="ignore") as container:
            streams = list(container.streams.audio)
            if not streams:
                return None
            video: Any = next(iter(container.streams.video), None)
            begin = Fraction(0)
            if video is not None and video.start_time is not None:
                begin = video.start_time * video.time_base
            packets = [p for p in container.demux(streams) if p.size and p.pts is not None]
            return _mux(streams, packets, begin) if packets else None
    except (OSError, ValueError, av.error.FFmpegError) as error:
        raise VideoReadError(f"the audio of {path} cannot be copied: {error}") from error


def _mux(streams: list[Any], packets: list[Any], begin: Fraction) -> bytes:
    import av

    start_ms = min((p.pts * p.time_base - begin) * 1000 // 1 for p in packets)
    early_ms = min(start_ms, 0)
    begin += Fraction(early_ms, 1000)
    blob = io.BytesIO()
    with av.open(blob, "w", format="matroska", options=BIT_EXACT) as output:
        if early_ms:
            output.metadata[_START_TAG] = str(early_ms)
        copies = {s.index: output.add_stream_from_template(s) for s in streams}
        for packet in packets:
            shift = round(begin / packet.time_base)
            packet.pts -= shift
            packet.dts = packet.pts if packet.dts is None else packet.dts - shift
            packet.stream = copies[packet.stream_index]
            output.mux(packet)
    return blob.getvalue()


def _start_ms(metadata: Mapping[str, str]) -> int:
    """Milliseconds that the first packet comes before the first frame, 0 or below."""
    text = metadata.get(_START_TAG, "0")
    value = int(text) if re.fullmatch(r"-?[0-9]{1,10}", text, re.ASCII) else 1
    if value > 0:
        raise UsageError(
            f"the audio's tag {_START_TAG} is {text[:20]!r}; it must be an integer from "
            "-9999999999 to 0: get the file again"
        )
    return value


class AudioFeed:
    """Writes the packets of a blob to an output file, interleaved with the pictures.

    Args:
        blob: as `read_audio` returns it.
        output: an av container, open for writing.

    Raises:
        UsageError: the blob is not a Matroska file, or the output cannot hold its audio codec.
    """

    def __init__(self, blob: bytes, output: Any) -> None:
        self._container = open_audio(blob)
        self._most_bytes = len(blob)
        streams = list(self._container.streams.audio)
        if output.format.name == "mp4":
            for stream in streams:
                codec = stream.codec_context.name
                if codec not in output.supported_codecs:
                    self._container.close()
                    raise UsageError(
                        f"the audio is coded as {codec}, which .mp4 cannot hold: write .mkv"
                    )
        self._output = output
        self._copies = {s.index: output.add_stream_from_template(s) for s in streams}
        self._offset = Fraction(_start_ms(self._container.metadata), 1000)
        self._packets = self._read(streams)
        self._pending = next(self._packets, None)

    def _read(self, streams: list[Any]) -> Iterator[Any]:
        if streams:
            num_bytes = 0
            for packet in self._container.demux(streams):
                num_bytes += packet.size
                if num_bytes > self._most_bytes:  # compressed tracks, a thousand times as large
                    raise UsageError(
                        f"the audio of {self._most_bytes} bytes unpacks to more than that; freegvc "
                        "writes no compressed tracks: get the file again"
                    )
                if packet.size and packet.pts is not None:
                    yield packet

    def feed(self, until_seconds: Fraction | None) -> None:
        """Write the packets that start before `until_seconds`; None for all remaining ones.

        Raises:
            UsageError: the packets are damaged, or the output does not take them.
        """
        try:
            self._feed(until_seconds)
        except (ValueError, OverflowError) as error:
            raise UsageError(
                f"the audio cannot be copied into the output: {error}; choose another format"
            ) from error

    def _feed(self, until_seconds: Fraction | None) -> None:
        while (packet := self._pending) is not None:
            if until_seconds is not None:
                start = packet.pts * packet.time_base + self._offset
                if start >= until_seconds:
                    return
            shift = round(self._offset / packet.time_base)
            packet.pts += shift
            packet.dts = packet.pts if packet.dts is None else packet.dts + shift
            packet.stream = self._copies[packet.stream_index]
            self._output.mux(packet)
            self._pending = next(self._packets, None)

    def close(self) -> None:
        """Close the blob."""
        self._container.close()
