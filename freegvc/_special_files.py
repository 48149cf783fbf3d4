"""Paths that are neither files nor folders: pipes, devices, sockets, and addresses."""

import os
import re
import stat
import time
from collections.abc import Iterator
from os import PathLike
from pathlib import Path

_KINDS = {
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a character device",
    stat.S_IFBLK: "a block device",
}
PIPE = _KINDS[stat.S_IFIFO]

_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_WAIT_SECONDS = 10.0  # for a program that opens the other end of a pipe
_CHUNK_BYTES = 1 << 20


def special_kind(path: Path) -> str | None:
    """What a path is, such as "a pipe"; None for a file, a folder, or nothing. Follows symlinks.

    Raises:
        OSError: the system cannot tell, for example because the name is too long.
    """
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return None
    return _KINDS.get(stat.S_IFMT(mode))


def why_no_path(path: str | PathLike[str]) -> str | None:
    """Why a name cannot be that of a file to read, and what to do; None if it can.

    It is empty, which Path takes for the working folder, or it is an address.
    """
    name = os.fsdecode(path)
    if not name or "\0" in name:
        return f"{name!r} is no path: give the name of a file"
    if _ADDRESS.match(name) and not Path(name).exists():
        return (
            f"{name} is an address, and freegvc reads local files only: download it first, or give "
            "the path without the scheme"
        )
    return None


def read_pipe(path: Path) -> Iterator[bytes]:
    """The bytes of a named pipe, to its end.

    Raises:
        TimeoutError: no program has opened the pipe for writing after ten seconds.
        OSError: it cannot be read.
    """
    # Without O_NONBLOCK, opening a pipe to which no program writes never returns.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb", buffering=0) as file:
        first = _first_bytes(descriptor)
        os.set_blocking(descriptor, True)
        yield first
        while data := file.read(_CHUNK_BYTES):
            yield data


def _first_bytes(descriptor: int) -> bytes:
    deadline = time.monotonic() + _WAIT_SECONDS
    while time.monotonic() < deadline:
        try:
            data = os.read(descriptor, _CHUNK_BYTES)
        except BlockingIOError:  # a program has opened it, and writes later
            return b""
        if data:
            return data
        time.sleep(0.02)
    raise TimeoutError(f"no program has written to it in {_WAIT_SECONDS:g} seconds")
