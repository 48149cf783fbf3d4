"""Paths of the commands, `-` for standard input and output, and lines on stderr."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TextIO

from freegvc._atomic import check_output
from freegvc._codec.output_path import check_stream_name, refuse_same_path
from freegvc.errors import FreeGvcError, FreeGvcWarning, UsageError

if TYPE_CHECKING:
    from freegvc._codec.compressed import CompressedVideo

STANDARD = "-"  # "./-" is the file of that name


def refuse_same_file(source: str | Path, output: str | Path) -> None:
    """`refuse_same_path` for the arguments of a command, where `-` is no file."""
    if STANDARD not in (source, output):
        refuse_same_path(source, output)


def refuse_standard(path: Path | None, option: str) -> None:
    """Refuse `-` where neither standard input nor standard output can take the place of a file.

    Raises:
        UsageError: the path is `-`.
    """
    if path is not None and str(path) == STANDARD:
        raise UsageError(f"{option} cannot be -: name a path (./- is one)")


def check_stream_output(source: str, output: str, *, force: bool) -> None:
    """Refuse, before any work, an output that no .fgvc stream can be written to.

    Args:
        source: the input of the command.
        output: the .fgvc file to write, or `-`.
        force: whether an existing file may be replaced.

    Raises:
        UsageError: its name is that of a video or a journal, or as `check_output` raises it.
    """
    if output == STANDARD:
        _refuse_unusable(sys.stdout, "output")
        return
    path = Path(output)
    check_stream_name(path)
    check_output(path, overwrite=force)
    refuse_same_file(source, path)


def save_stream(compressed: CompressedVideo, output: str, *, force: bool) -> None:
    """Write a stream to a file, or to standard output."""
    if output == STANDARD:
        file = binary_output()
        file.write(compressed.data)
        file.flush()
    else:
        compressed.save(Path(output), overwrite=force)


def open_stream(source: str) -> CompressedVideo:
    """Read a stream from a file, or from standard input.

    Raises:
        UsageError: standard input is a terminal, or closed.
        StreamError: it cannot be read or is not a valid stream.
    """
    from freegvc._codec.compressed import CompressedVideo

    if source != STANDARD:
        return CompressedVideo.open(Path(source))
    _refuse_unusable(sys.stdin, "input")
    return CompressedVideo(sys.stdin.buffer.read())


@contextmanager
def readable_video(source: str, *, is_raw: bool) -> Iterator[str]:
    """A path that can be read more than once: of the source, or of a temporary copy.

    Args:
        source: a path, or `-`.
        is_raw: whether what a pipe or standard input gives are the samples of a .yuv file.

    Raises:
        UsageError: standard input is a terminal, or closed.
        VideoReadError: a pipe or standard input cannot be read.
    """
    from freegvc._special_files import PIPE, special_kind
    from freegvc._video.spool import discard, spool_file, spool_pipe

    suffix = ".yuv" if is_raw else ""
    if source == STANDARD:
        _refuse_unusable(sys.stdin, "input")
        copy, name = spool_file(sys.stdin.buffer, suffix), "standard input"
    else:
        try:
            kind = special_kind(Path(source))
        except OSError:  # opening it says what is wrong
            kind = None
        if kind != PIPE:
            yield source
            return
        copy, name = spool_pipe(Path(source), suffix), source
    try:
        with _called(name, copy):
            yield str(copy)
    finally:
        discard(copy)


@contextmanager
def _called(name: str, copy: Path) -> Iterator[None]:
    """Call a copy what the user calls it, in warnings and errors of the block."""
    with warnings.catch_warnings():
        show_copy = warnings.showwarning

        def show(message: Warning | str, *rest: Any, **more: Any) -> None:
            if isinstance(message, FreeGvcWarning):
                message = type(message)(str(message).replace(str(copy), name))
            show_copy(message, *rest, **more)

        # the documented hook of the module
        warnings.showwarning = show
        try:
            yield
        except FreeGvcError as error:
            if str(copy) not in str(error):
                raise
            raise type(error)(str(error).replace(str(copy), name)) from error


def binary_output() -> BinaryIO:
    """Standard output, for bytes.

    Raises:
        UsageError: it is a terminal, or closed.
    """
    _refuse_unusable(sys.stdout, "output")
    return sys.stdout.buffer


def _refuse_unusable(stream: TextIO, which: str) -> None:
    if not (stream.readable() if which == "input" else stream.writable()):
        raise UsageError(f"- is standard {which}, which is closed: use a pipe or a file")
    if stream.isatty():
        raise UsageError(f"- is standard {which}, which is a terminal: use a pipe or a file")


def file_bytes(path: str | Path) -> int:
    """Bytes of a file, or of all files of a folder."""
    path = Path(path)
    if path.is_dir():
        return sum(f.stat().st_size for f in path.iterdir() if f.is_file())
    return path.stat().st_size


def printable(text: object) -> str:
    """Text for a terminal: bytes that are not UTF-8 and control characters are escaped."""
    return "".join(c if c.isprintable() else _escaped(c) for c in str(text))


def _escaped(character: str) -> str:
    byte = ord(character) - 0xDC00  # how Python keeps a byte of a name that is not UTF-8
    if 0x80 <= byte <= 0xFF:
        return f"\\x{byte:02x}"
    return character.encode("unicode_escape").decode("ascii")


def say(message: str) -> None:
    """Print one line on stderr; stdout is for data."""
    print(f"freegvc: {printable(message)}", file=sys.stderr)
