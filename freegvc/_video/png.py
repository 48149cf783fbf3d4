"""A folder of PNG files, complete or absent."""

import re
import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from io import BytesIO
from pathlib import Path

from freegvc._atomic import naming, refuse_special, temporary_sibling, warn_of_leftovers
from freegvc._video.frame_source import Frame
from freegvc._video.frame_writer import FrameWriter, OutputSpec
from freegvc.errors import OutputExistsError, UsageError

_OURS = re.compile(r"f\d{5,}\.png")
PLAN = ".freegvc-plan"  # in a folder that is not complete: what its frames are of


class PngWriter(FrameWriter):
    """f00000.png, f00001.png, ...: lossless RGB; rate, colour and pixel aspect are not kept."""

    def __init__(self, spec: OutputSpec) -> None:
        super().__init__(spec)
        check_folder(spec.path, overwrite=spec.overwrite)
        warn_of_leftovers(spec.path.resolve())
        self._warn_about_losses("a folder of PNG files")

    def _place(self) -> AbstractContextManager[Path]:
        return _atomic_folder(self._spec.path, overwrite=self._spec.overwrite)

    def _open(self, temporary: Path) -> None:
        self._folder = temporary

    def _write(self, frame: Frame, index: int) -> None:
        (self._folder / file_name(index)).write_bytes(png_bytes(frame))


def file_name(index: int) -> str:
    """Of a frame."""
    return f"f{index:05d}.png"


def png_bytes(frame: Frame) -> bytes:
    """A frame as a PNG file."""
    from PIL import Image

    buffer = BytesIO()
    # Level 1 is several times faster than the default, for files a few per cent larger.
    Image.fromarray(frame).save(buffer, format="PNG", compress_level=1)
    return buffer.getvalue()


def check_folder(path: Path, *, overwrite: bool) -> None:
    refuse_special(path, "a folder")
    if not path.resolve().parent.is_dir():
        raise UsageError(f"{path.parent} is not a folder, so {path.name} cannot be made there")
    if not path.exists():
        return
    if not path.is_dir():
        raise OutputExistsError(
            f"{path} is a file: name a folder for the PNG files, or a file that ends in .mp4, .mkv "
            "or .y4m"
        )
    others = [f.name for f in path.iterdir() if not _OURS.fullmatch(f.name) and f.name != PLAN]
    if others:  # replacing the folder would delete them
        raise OutputExistsError(
            f"{path} holds other files, such as {others[0]}: name a new folder for the PNG files"
        )
    if any(path.iterdir()) and not overwrite:
        raise OutputExistsError(
            f"{path} already holds frames: choose another name, or allow overwriting (--force, "
            "overwrite=True)"
        )


@contextmanager
def _atomic_folder(path: Path, *, overwrite: bool) -> Iterator[Path]:
    """`atomic_path` for folders: the old one is renamed, and deleted once the new one is there."""
    path = path.resolve()  # "." has no name from which to make a sibling's
    check_folder(path, overwrite=overwrite)
    temporary = temporary_sibling(path)
    try:
        with naming(path, temporary):
            temporary.mkdir()
            yield temporary
            put_in_place(temporary, path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def put_in_place(folder: Path, path: Path) -> None:
    """Rename a folder to `path`, and delete an older one there once it is in place."""
    aside = temporary_sibling(path)
    try:
        if path.exists():
            path.rename(aside)
        folder.rename(path)
    finally:
        if aside.exists() and not path.exists():
            aside.rename(path)
        shutil.rmtree(aside, ignore_errors=True)
