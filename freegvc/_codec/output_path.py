"""Paths that nothing is written to: an input itself, and names of other files than streams."""

from __future__ import annotations

import os
from pathlib import Path

from freegvc.errors import UsageError

_VIDEO_SUFFIXES = frozenset(
    {".mp4", ".m4v", ".mov", ".3gp", ".mkv", ".webm", ".avi", ".flv", ".wmv", ".ogv", ".mxf"}
    | {".mpg", ".mpeg", ".vob", ".ts", ".mts", ".m2ts", ".264", ".h264", ".265", ".h265", ".hevc"}
    | {".ivf", ".av1", ".y4m", ".yuv", ".gif", ".apng", ".png", ".webp", ".jpg", ".jpeg"}
)


def refuse_same_path(source: str | os.PathLike[str], output: str | os.PathLike[str]) -> None:
    """Refuse to overwrite the input, which no option allows.

    Args:
        source: the input.
        output: the file to write.

    Raises:
        UsageError: both are the same file, or `output` would be a picture of the input folder.
    """
    try:
        same = Path(source).samefile(output)
    except OSError:  # one of them does not exist
        same = False
    if same:
        raise UsageError(f"{output} is the input itself: name another output")
    if _is_picture_of(Path(source), Path(output)):
        raise UsageError(
            f"{output} would be one of the pictures of the input {source}: name an output outside "
            "of that folder"
        )


def _is_picture_of(folder: Path, output: Path) -> bool:
    try:
        is_folder = folder.is_dir()
    except OSError:  # opening it says what is wrong
        is_folder = False
    if not is_folder:
        return False
    from freegvc._video.pictures import PICTURE_SUFFIXES  # not for streams, which need no NumPy

    target = Path(os.path.realpath(output))
    return target.suffix.lower() in PICTURE_SUFFIXES and target.parent == folder.resolve()


def check_new_stream(path: Path, video: object) -> None:
    """Refuse, before any work, to write a stream over its own video or under another kind of name.

    Args:
        path: of the stream.
        video: the input; only a path can be the same.

    Raises:
        UsageError: as `check_stream_name` and `refuse_same_path`.
    """
    check_stream_name(path)
    if isinstance(video, str | os.PathLike):
        refuse_same_path(video, path)


def check_stream_name(path: Path) -> None:
    """Refuse a name that says that a file is something else than a .fgvc stream.

    Raises:
        UsageError: it is that of a video, a picture or a journal.
    """
    if path.suffix.lower() in _VIDEO_SUFFIXES:
        raise UsageError(
            f"{path} ends in {path.suffix}, but a .fgvc stream is written: name it "
            f"{path.with_suffix('.fgvc').name}; freegvc decompress makes videos of it"
        )
    if path.suffix.lower() == ".journal":  # so that not even an overwrite replaces one
        raise UsageError(
            f"{path} ends in .journal, as what a run keeps beside its output: name another file"
        )
