"""A folder of PNG files that is kept if it does not become complete, and gone on with."""

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from itertools import count
from pathlib import Path

from freegvc._atomic import came_meanwhile, naming, put_in_place, refuse_special, write_durably
from freegvc._run_lock import lock
from freegvc._sibling_names import name_beside
from freegvc._video.frame_source import Frame
from freegvc._video.png import PLAN, check_folder, file_name, png_bytes
from freegvc.errors import JournalMismatchError, OutputExistsError, UsageError

_TEMPORARY = re.compile(r"\.f\d{5,}\.png\.tmp")


class PartialFolder:
    """Frames on their way to a folder.

    Attributes:
        path: where they are while the folder is not complete.
        num_frames: how many there are, those of an earlier run included.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.num_frames = next(n for n in count() if not (path / file_name(n)).exists())

    def write(self, frame: Frame) -> None:
        """Add the next frame, uint8 [H, W, 3]; it is whole on the disk when this returns."""
        temporary = self.path / f".{file_name(self.num_frames)}.tmp"
        write_durably(temporary, png_bytes(frame))
        temporary.replace(self.path / file_name(self.num_frames))
        self.num_frames += 1


def partial_path(path: Path) -> Path:
    """Where the frames of a folder are kept while it is made."""
    return name_beside(path, ".partial")


@contextmanager
def partial_folder(
    path: Path, plan: str, *, resume: bool, overwrite: bool
) -> Iterator[PartialFolder]:
    """A folder to write frames to, which gets its name when the block ends without an exception.

    After an exception its frames stay where they are, unless there is none.

    Args:
        path: the folder to make.
        plan: what the frames are of; equal plans give equal frames.
        resume: go on with the frames of an earlier run if there are any.
        overwrite: whether an existing folder of frames may be replaced.

    Raises:
        OutputExistsError: the folder exists and `overwrite` is false, be it only in the end, or
            frames of an earlier run do and `resume` is.
        JournalMismatchError: these are of another plan.
        UsageError: another run writes to it.
    """
    path, check = path.resolve(), partial(check_folder, overwrite=overwrite)
    refuse_special(path, "a folder")
    kept = partial_path(path)
    if resume and not kept.exists():
        _take_back(path, kept, plan)
    check(path)
    if kept.is_symlink() or (kept.exists() and not kept.is_dir()):
        raise OutputExistsError(
            f"{kept} is no folder, but frames are kept there until {path.name} is complete: "
            "move it, or name another output"
        )
    if kept.exists() and not resume:
        raise OutputExistsError(
            f"{kept} holds the frames of a run that did not end: go on with them (--resume), or "
            "remove it to start anew"
        )
    with naming(path, kept), _locked(kept):
        folder = PartialFolder(kept)
        try:
            _check_plan(folder, plan)
            yield folder
            try:
                put_in_place(kept, path, check)
            except UsageError as error:
                advice = f"{kept} holds all frames; move {path.name}, and go on (--resume)"
                raise came_meanwhile(path, advice) from error
            (path / PLAN).unlink()
        finally:
            if kept.exists() and not _others(kept):  # not one frame
                shutil.rmtree(kept)


def _take_back(path: Path, kept: Path, plan: str) -> None:
    """Let a run end that was killed when its folder had its name, but its plan in it, too."""

    def has_plan() -> bool:
        file = path / PLAN
        return file.is_file() and file.read_bytes() == plan.encode()

    if has_plan():
        with _locked(path):
            if has_plan():  # else that run is at work, and has just removed it
                path.rename(kept)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Make a folder, or take the one that is there, for this run alone."""
    folder.mkdir(exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        lock(descriptor, folder)
        yield
    finally:
        os.close(descriptor)


def _others(folder: Path) -> list[str]:
    """What is neither the plan nor a frame that a kill left half written."""
    names = [file.name for file in folder.iterdir()]
    return [name for name in names if name != PLAN and not _TEMPORARY.fullmatch(name)]


def _check_plan(folder: PartialFolder, plan: str) -> None:
    """Refuse frames of another plan, and write the plan where there are none yet."""
    file = folder.path / PLAN
    if folder.num_frames == 0:
        others = _others(folder.path)
        if others:
            raise OutputExistsError(
                f"{folder.path} holds other files, such as {others[0]}: name another output"
            )
        write_durably(file, plan.encode())
    elif not file.exists() or file.read_bytes() != plan.encode():
        raise JournalMismatchError(
            f"{folder.path} holds frames of another stream, part or arithmetic: give what that run "
            "was given, or remove the folder to start anew"
        )
