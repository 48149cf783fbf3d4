"""A folder of PNG files, complete or absent."""

import re
from contextlib import AbstractContextManager
from functools import partial
from io import BytesIO
from pathlib import Path

from freegvc._atomic import atomic_folder, check_parent, refuse_special, warn_of_leftovers
from freegvc._video.frame_source import Frame
from freegvc._video.frame_writer import FrameWriter, OutputSpec
from freegvc.errors import OutputExistsError

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
        check = partial(check_folder, overwrite=self._spec.overwrite)
        return atomic_folder(self._spec.path, check)

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
    check_parent(path.resolve())
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
