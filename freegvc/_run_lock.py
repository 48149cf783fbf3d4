"""A lock on what a run keeps, so that no second run goes on with the same."""

from __future__ import annotations

import os
from pathlib import Path
from types import ModuleType

from freegvc.errors import UsageError

fcntl: ModuleType | None
try:
    import fcntl
except ImportError:  # Windows, where nothing keeps two processes from one file
    fcntl = None


def lock(descriptor: int, path: Path) -> None:
    """Lock an open file or folder until its descriptor is closed.

    Args:
        descriptor: of the file or folder.
        path: its name.

    Raises:
        UsageError: another run has locked it, or had, and has ended with it since it was opened.
    """
    if fcntl is None:
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise UsageError(
            f"{path} belongs to a run that is still at work: wait for it, or end it"
        ) from None
    except OSError:  # a network file system without locks
        return
    if not _is_at(path, descriptor):  # what is written to it now would be lost
        raise UsageError(
            f"{path} was finished or removed by another run just now: give the same command again"
        )


def _is_at(path: Path, descriptor: int) -> bool:
    """Whether an open file or folder has this name still."""
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False
