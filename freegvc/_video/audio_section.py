"""Opening the audio that a stream carries: one Matroska file in memory, and nothing else.

Left to itself, FFmpeg guesses the format from the bytes. It then reads playlists, whose entries are
files of this machine, and session descriptions, which make it listen on the network.
"""

import io
from typing import Any, NoReturn

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
