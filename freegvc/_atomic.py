"""Output files and folders that are complete or absent."""

import errno
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from freegvc._sibling_names import (
    short_stem,
    short_suffix,
    temporary_sibling,
    visible_sibling,
)
from freegvc._special_files import special_kind
from freegvc._warn import warn
from freegvc.errors import LeftoverWarning, OutputExistsError, UsageError


def check_output(path: Path, *, overwrite: bool) -> None:
    """Refuse an output file that cannot or must not be written; name what a killed run left.

    Args:
        path: the file.
        overwrite: whether an existing file may be replaced. Only a regular file ever is.

    Raises:
        OutputExistsError: `path` exists and `overwrite` is false.
        UsageError: `path` is a folder, a device, a pipe or a socket, or the folder that should hold
            it is missing or cannot be written.
    """
    warn_of_leftovers(_target(path, overwrite=overwrite))


def _target(path: Path, *, overwrite: bool) -> Path:
    """The file to write: `path`, or what it points to if it is a symlink."""
    refuse_special(path, "a file")
    try:
        target = Path(os.path.realpath(path)) if path.is_symlink() else path
        is_dir, exists, is_link = target.is_dir(), target.exists(), target.is_symlink()
    except OSError as error:
        raise UsageError(
            f"{path} cannot be written: {error.strerror}; name another file"
        ) from error
    if is_dir:
        raise UsageError(f"{path} is a folder: name a file")
    if is_link:
        raise UsageError(f"{path} is a symlink that points to itself: name another file")
    if exists and not overwrite:
        raise _exists(path)
    check_parent(target)
    return target


def _exists(path: Path) -> OutputExistsError:
    return OutputExistsError(
        f"{path} exists: choose another name, or allow overwriting (--force, overwrite=True)"
    )


def check_parent(path: Path) -> None:
    """Refuse an output whose folder is missing, or can hold no new file.

    Args:
        path: of the output, resolved.

    Raises:
        UsageError: it is so.
    """
    folder = path.parent
    if not folder.is_dir():
        raise UsageError(f"{folder} is not a folder, so {path.name} cannot be made there")
    try:  # permissions say nothing of /proc, nor to root
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        if error.errno != errno.ENOSPC:  # another file may go meanwhile
            raise UsageError(
                f"{path.name} cannot be made in {folder} ({error.strerror}): name another folder"
            ) from error


def refuse_special(path: Path, instead: str) -> None:
    """Refuse to replace a device, a pipe or a socket.

    Args:
        path: of an output.
        instead: what it should be, such as "a file".

    Raises:
        UsageError: it is one of these, or the system cannot tell.
    """
    try:
        kind = special_kind(path)
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}: name another") from error
    if kind is not None:
        raise UsageError(f"{path} is {kind}, which is never replaced: name {instead}")


def warn_of_leftovers(path: Path) -> None:
    """Name the temporary files of runs that were killed while they wrote `path`."""
    stem, suffix = re.escape(short_stem(path)), re.escape(short_suffix(path))
    name = re.compile(rf"\.{stem}\.[0-9a-f]{{8}}\.tmp{suffix}", re.DOTALL)
    left = sorted(file.name for file in path.parent.iterdir() if name.fullmatch(file.name))
    if left:
        warn(
            f"{path.parent} holds {', '.join(left)}, which a run that wrote {path.name} left when "
            "it was killed: delete it, unless such a run is still at work",
            LeftoverWarning,
        )


@contextmanager
def atomic_path(path: Path, *, overwrite: bool) -> Iterator[Path]:
    """Yield a temporary path in the folder of `path`; rename it to `path` on success.

    If the body raises, the temporary file is removed, and an older file at `path` stays as it was.
    If `path` is a symlink, the file that it points to is written.

    Args:
        path: the file to write.
        overwrite: whether an existing file may be replaced.

    Raises:
        OutputExistsError, UsageError: as `check_output`, before anything is written.
        OutputExistsError: what is at `path` came while the body ran. The new file is kept under a
            name that the message tells.
    """
    target = _target(path, overwrite=overwrite)
    temporary = temporary_sibling(target)
    try:
        with naming(path, temporary):
            yield temporary
            with _keeping(temporary, target):
                _put_file_in_place(temporary, target, overwrite=overwrite)
    finally:
        temporary.unlink(missing_ok=True)


def _put_file_in_place(file: Path, path: Path, *, overwrite: bool) -> None:
    """Rename a file; without `overwrite` nothing is replaced, however late it came."""
    _target(path, overwrite=overwrite)
    if not overwrite:
        try:
            os.link(file, path)  # a rename would replace
        except FileExistsError:
            raise _exists(path) from None
        except OSError:  # a file system without hard links
            pass
        else:
            file.unlink()
            return
    file.replace(path)


@contextmanager
def atomic_folder(path: Path, check: Callable[[Path], None]) -> Iterator[Path]:
    """`atomic_path` for a folder.

    Args:
        path: the folder to make.
        check: as for `put_in_place`; asked before anything is written, too.

    Raises:
        UsageError: as `check` raises it.
        OutputExistsError: as for `atomic_path`.
    """
    path = path.resolve()  # "." has no name from which to make a sibling's
    check(path)
    temporary = temporary_sibling(path)
    try:
        with naming(path, temporary):
            temporary.mkdir()
            yield temporary
            with _keeping(temporary, path):
                put_in_place(temporary, path, check)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def put_in_place(folder: Path, path: Path, check: Callable[[Path], None]) -> None:
    """Rename a folder to `path`, and delete an older one there once it is in place.

    Args:
        folder: whole, and beside `path`.
        path: resolved.
        check: refuses a path where something is that must not be replaced, by a UsageError.
    """
    is_there = path.exists()  # what comes after the check is not empty, and stops the rename
    check(path)
    aside = temporary_sibling(path)
    try:
        if is_there:
            path.rename(aside)
            check(aside)  # for what came into it since
        folder.rename(path)
    except BaseException as error:
        if aside.exists() and not path.exists():
            aside.rename(path)
        if isinstance(error, OSError):
            check(path)
        raise
    shutil.rmtree(aside, ignore_errors=True)


@contextmanager
def _keeping(temporary: Path, path: Path) -> Iterator[None]:
    """Give a whole output a name of its own where the block finds that it may not take `path`."""
    try:
        yield
    except UsageError as error:
        kept = visible_sibling(path)
        temporary.rename(kept)
        raise came_meanwhile(path, f"what the run made is {kept}; rename one of the two") from error


def came_meanwhile(path: Path, advice: str) -> OutputExistsError:
    """The error for an output that was free when a run began, and is not when it ends."""
    return OutputExistsError(
        f"{path} came into being or changed while this run was at work, and is not replaced: "
        f"{advice}"
    )


def write_durably(path: Path, data: bytes) -> None:
    """Write a file whose bytes are on the disk when this returns."""
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


@contextmanager
def naming(path: Path, temporary: Path) -> Iterator[None]:
    """Raise an OSError of the block anew, with the name of the output, not the temporary one.

    PyAV's errors become plain ones by it.
    """
    try:
        yield
    except OSError as error:
        named = error.filename
        if named is None or str(named).startswith(str(temporary)):
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise
