"""Sources that can be read only once, copied to a temporary file so that they can be read again."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from freegvc._special_files import PIPE, read_pipe, special_kind
from freegvc.errors import VideoReadError

_CHUNK_BYTES = 1 << 20
# Some readers choose by suffix, which the bytes of a file object do not have.
_MAGICS = {
    b"FGVC": ".fgvc",
    b"YUV4MPEG2": ".y4m",
    b"\x89PNG": ".png",
    b"GIF8": ".gif",
    b"\xff\xd8\xff": ".jpg",
}


def is_file_object(source: object) -> bool:
    """Whether a source has bytes to read: an open file, a BytesIO, a response of urllib."""
    return callable(getattr(source, "read", None))


def path_of(file: Any) -> Path | None:
    """The path of an open file that stands at its first byte; None for any other file object."""
    try:
        path = Path(os.fsdecode(file.name))
        same = os.path.samestat(path.stat(), os.fstat(file.fileno()))
        return path if same and special_kind(path) is None and file.tell() == 0 else None
    except (AttributeError, TypeError, ValueError, OSError):
        return None


def spool_file(file: Any, suffix: str = "") -> Path:
    """Copy the rest of a file object to a temporary file.

    Args:
        file: whose `.read(n)` gives bytes.
        suffix: of the copy; left out, that of the file object's name, or one that fits its bytes.

    Returns:
        The copy, alone in a folder of its own: `discard` deletes both.

    Raises:
        VideoReadError: it cannot be read, it gives text or nothing, or the disk is full.
    """
    name = getattr(file, "name", None)
    what = f"the file object ({type(file).__name__})"
    if name == "<stdin>":
        what = "standard input"
    elif isinstance(name, str):
        suffix = suffix or Path(name).suffix
    return _copy(_chunks(file, what), what, "input", suffix)


def spool_pipe(path: Path, suffix: str = "") -> Path:
    """The same for a named pipe.

    Raises:
        VideoReadError: it cannot be read, no program writes to it, or the disk is full.
    """
    return _copy(read_pipe(path), f"{path} ({PIPE})", path.stem, suffix or path.suffix)


def discard(copy: Path) -> None:
    """Delete a copy with its folder."""
    shutil.rmtree(copy.parent, ignore_errors=True)


def _chunks(file: Any, what: str) -> Iterator[bytes]:
    while data := file.read(_CHUNK_BYTES):
        if not isinstance(data, bytes | bytearray | memoryview):
            raise VideoReadError(
                f"{what} gives {type(data).__name__} and no bytes: open it in binary mode, 'rb'"
            )
        yield bytes(data)


def _copy(chunks: Iterator[bytes], what: str, stem: str, suffix: str) -> Path:
    folder = Path(tempfile.mkdtemp(prefix="freegvc-"))
    try:
        first = b""
        while not first and (data := _next(chunks, what)) is not None:
            first = data
        if not first:
            raise VideoReadError(f"{what} gave no bytes: there is nothing to read")
        copy = folder / f"{stem}{suffix or _suffix_of(first)}"
        with copy.open("wb") as file:
            file.write(first)
            while (data := _next(chunks, what)) is not None:
                file.write(data)
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise VideoReadError(
            f"{what} cannot be copied to {folder.parent}, so that it can be read more than once: "
            f"{error.strerror}; set TMPDIR to a folder with more room"
        ) from error
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return copy


def _next(chunks: Iterator[bytes], what: str) -> bytes | None:
    try:
        return next(chunks, None)
    except VideoReadError:
        raise
    except Exception as error:  # a file object may raise anything
        reason = getattr(error, "strerror", None) or error
        raise VideoReadError(f"{what} cannot be read: {reason}") from error


def _suffix_of(first: bytes) -> str:
    if first[:4] == b"RIFF" and first[8:12] == b"WEBP":
        return ".webp"
    return next((suffix for magic, suffix in _MAGICS.items() if first.startswith(magic)), "")
