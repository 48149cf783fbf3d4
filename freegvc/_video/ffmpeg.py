"""Names of files as FFmpeg takes them, and what it says of errors."""

from os import PathLike
from pathlib import Path


def ffmpeg_name(path: str | PathLike[str]) -> str:
    """The absolute path: in a relative one FFmpeg takes what stands before a colon for a protocol.

    Args:
        path: of a local file, whatever its name is.
    """
    return str(Path(path).absolute())


def reason_of(error: Exception) -> str:
    """What went wrong, without the number and the path that FFmpeg's errors print around it."""
    return getattr(error, "strerror", None) or str(error)
