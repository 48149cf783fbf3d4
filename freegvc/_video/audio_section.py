"""Opening the audio that a stream carries: one Matroska file in memory, and nothing else.

Left to itself, FFmpeg guesses the format from the bytes. It then reads playlists, whose entries are
files of this machine, and session descriptions, which make it listen on the network.
"""

import io
import re
from collections.abc import Iterator
from fractions import Fraction
from typing import Any, NoReturn

from freegvc._video.audio import START_TAG
from freegvc._video.audio_tracks import stated_end
from freegvc._video.ffmpeg import reason_of
from freegvc.errors import UsageError

# "none" is no protocol: an empty list would mean all of them
_OPTIONS = {"protocol_whitelist": "none", "format_whitelist": "matroska,webm"}


def open_audio(blob: bytes) -> Any:
    """Open a Matroska file in memory with FFmpeg's Matroska demuxer.

    Args:
        blob: as `freegvc._video.audio.read_audio` returns it, or the audio section of a stream.

    Returns:
        An av container, which has to be closed. It opens no other file.

    Raises:
        UsageError: the bytes are not a Matroska file, or hold a track of a codec that FFmpeg does
            not know.
    """
    import av

    try:
        container: Any = av.open(
            io.BytesIO(blob),
            format="matroska",
            metadata_errors="ignore",
            container_options=_OPTIONS,
            io_open=_refuse,
        )
    except (ValueError, OSError, av.error.FFmpegError) as error:
        raise UsageError(
            f"the audio of {len(blob)} bytes is not a Matroska file ({reason_of(error)}): "
            "decompress to .y4m or a folder of PNG files, which leave it out, or get the file again"
        ) from error
    for stream in container.streams.audio:
        if stream.codec_context is None:
            container.close()
            raise UsageError(
                f"track {stream.index} of the audio has a codec that FFmpeg does not know: "
                "decompress to .y4m or a folder of PNG files, which leave the audio out"
            )
    return container


def _refuse(url: str, flags: int, options: dict[str, str]) -> NoReturn:
    """What FFmpeg calls to open a second file."""
    raise PermissionError(f"the audio of a stream refers to {url}")


def start_seconds(container: Any) -> Fraction:
    """Seconds at which the first packet starts, 0 or before, as the tag START_MS says.

    Raises:
        UsageError: the tag says something else.
    """
    text = container.metadata.get(START_TAG, "0")
    matches = re.fullmatch(r"-?[0-9]{1,15}(/[1-9][0-9]{0,9})?", text, re.ASCII)
    value = Fraction(text) if matches else Fraction(1)
    if not -(10**10) < value <= 0:
        raise UsageError(
            f"the audio's tag {START_TAG} is {text[:20]!r}; it must be an integer or a ratio from "
            "-9999999999 to 0: get the file again"
        )
    return value / 1000


def read_packets(container: Any, most_bytes: int) -> Iterator[Any]:
    """The packets of all tracks that have a time, with durations where the codec tells none.

    The next packet tells when one ends, so packets come one later than they are read, and the track
    tells when its last one does.

    Args:
        container: of `open_audio`.
        most_bytes: the size of the blob.

    Raises:
        UsageError: the packets have more bytes than the blob.
    """
    held: dict[int, Any] = {}
    for packet in demux_audio(container, most_bytes):
        before = held.get(packet.stream_index)
        held[packet.stream_index] = packet
        if before is not None:
            if not before.duration:
                before.duration = max(packet.pts - before.pts, 0)
            yield before
    for index, last in held.items():
        if not last.duration:
            end = stated_end(container.streams[index])
            if end is not None:
                last.duration = max(round(end / last.time_base) - last.pts, 0)
        yield last


def demux_audio(container: Any, most_bytes: int) -> Iterator[Any]:
    """The packets of the tracks as they stand in the blob; arguments, errors as `read_packets`."""
    num_bytes, streams = 0, list(container.streams.audio)
    for packet in container.demux(streams) if streams else ():
        num_bytes += packet.size
        if num_bytes > most_bytes:  # compressed tracks, a thousand times as large
            raise UsageError(
                f"the audio of {most_bytes} bytes unpacks to more than that; freegvc writes no "
                "compressed tracks: get the file again"
            )
        if packet.size and packet.pts is not None:
            yield packet
