"""Names of files as FFmpeg takes them."""

from os import PathLike
from pathlib import Path


def ffmpeg_name(path: str | PathLike[str]) -> str:
    """The absolute path: in a relative one FFmpeg takes what stands before a colon for a protocol.

    Args:
        path: of a local file, whatever its name is.
    """
    return str(Path(path).absolute())
