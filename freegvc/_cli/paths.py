"""Paths and messages of the commands that write."""

from __future__ import annotations

import sys
from pathlib import Path

from freegvc.errors import UsageError


def refuse_same_file(source: Path, output: Path) -> None:
    """Refuse to overwrite the input: --force allows replacing an older output only.

    Args:
        source: the input.
        output: the file to write.

    Raises:
        UsageError: both are the same file.
    """
    if output.exists() and source.exists() and source.samefile(output):
        raise UsageError(f"{output} is the input itself: name another output")


def file_bytes(path: Path) -> int:
    """Bytes of a file, or of all files of a folder."""
    if path.is_dir():
        return sum(f.stat().st_size for f in path.iterdir() if f.is_file())
    return path.stat().st_size


def say(message: str) -> None:
    """Print one line on stderr; stdout is for data."""
    print(f"freegvc: {message}", file=sys.stderr)
