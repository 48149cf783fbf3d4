"""What commands that write share."""

from __future__ import annotations

import sys
from pathlib import Path

from freegvc.errors import UsageError


def refuse_same_file(source: Path, output: Path) -> None:
    """--force means an older output, never the input.

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
    """One line for people; stdout is for data."""
    print(f"freegvc: {message}", file=sys.stderr)
