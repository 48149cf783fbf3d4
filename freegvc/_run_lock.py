"""A lock on what a run keeps, so that no second run goes on with the same."""

from __future__ import annotations

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
        path: its name, for the message.

    Raises:
        UsageError: another run has locked it.
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
