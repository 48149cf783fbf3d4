"""Names of files as FFmpeg takes them, and what it says of streams and errors."""

from os import PathLike
from pathlib import Path
from typing import Any


def ffmpeg_name(path: str | PathLike[str]) -> str:
    """The absolute path: in a relative one FFmpeg takes what stands before a colon for a protocol.

    Args:
        path: of a local file, whatever its name is.
    """
    return str(Path(path).absolute())


def reason_of(error: Exception) -> str:
    """What went wrong, without the number and the path that FFmpeg's errors print around it."""
    return getattr(error, "strerror", None) or str(error)


def is_cover(stream: Any) -> bool:
    """Whether a video stream is the cover of an album: one picture, and no video."""
    from av.stream import Disposition

    return bool(stream.disposition & Disposition.attached_pic)
