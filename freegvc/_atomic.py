"""Output files that are complete or absent."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from freegvc.errors import OutputExistsError, UsageError


def temporary_sibling(path: Path) -> Path:
    """An unused hidden name beside `path`, with its suffix (libraries choose formats by suffix)."""
    return path.with_name(f".{path.stem}.{secrets.token_hex(4)}.tmp{path.suffix}")


def check_output(path: Path, *, overwrite: bool) -> None:
    """Refuse an output file that cannot or must not be written.

    Args:
        path: the file.
        overwrite: whether an existing file may be replaced.

    Raises:
        OutputExistsError: `path` exists and `overwrite` is false.
        UsageError: `path` is a folder, or the folder that should hold it is missing.
    """
    if path.is_dir():
        raise UsageError(f"{path} is a folder: name a file")
    if path.exists() and not overwrite:
        raise OutputExistsError(
            f"{path} exists: choose another name, or allow overwriting (--force, overwrite=True)"
        )
    if not path.parent.is_dir():
        raise UsageError(f"{path.parent} is not a folder, so {path.name} cannot be written there")


@contextmanager
def atomic_path(path: Path, *, overwrite: bool) -> Iterator[Path]:
    """Yield a temporary path in the folder of `path`; rename it to `path` on success.

    If the body raises, the temporary file is removed, and an older file at `path` stays as it was.

    Args:
        path: the file to write.
        overwrite: whether an existing file may be replaced.

    Raises:
        OutputExistsError, UsageError: as `check_output`, before anything is written.
    """
    check_output(path, overwrite=overwrite)
    temporary = temporary_sibling(path)
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
