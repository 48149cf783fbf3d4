"""A folder of pictures, read as a video."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from freegvc._video.frame_source import Frame, FrameSource
from freegvc._video.rate import Rate, parse_rate
from freegvc.errors import UnsupportedVideoError, VideoReadError

_SUFFIXES = (".png", ".jpg", ".jpeg")


class ImageFolderSource(FrameSource):
    """PNG and JPEG files in name order, one for each frame; other files are ignored.

    Alpha is dropped, palettes and grey become RGB, and an EXIF orientation is applied. Names
    sort as text, so number them with leading zeros. The colour is BT.709 for writing.

    Args:
        folder: that holds the pictures.
        fps: frames per second; None for 25.

    Raises:
        VideoReadError: the folder holds no pictures, or the first one cannot be read.
        UsageError: the frame rate is not in (0, 1000].
    """

    num_frames: int

    def __init__(self, folder: Path, fps: Rate | None) -> None:
        self._files = sorted(
            (f for f in folder.iterdir() if f.suffix.lower() in _SUFFIXES), key=lambda f: f.name
        )
        if not self._files:
            raise VideoReadError(
                f"{folder} holds no pictures: it must hold files that end in {', '.join(_SUFFIXES)}"
            )
        self.frame_rate = parse_rate(25 if fps is None else fps)
        self.num_frames = len(self._files)
        self.height, self.width, _ = _read(self._files[0]).shape

    def _count_frames(self) -> int:
        return self.num_frames

    def _frames(self) -> Iterator[Frame]:
        for file in self._files:
            frame = _read(file)
            if frame.shape != (self.height, self.width, 3):
                raise VideoReadError(
                    f"{file} measures {frame.shape[1]}x{frame.shape[0]}, but the first picture of "
                    f"the folder {self.width}x{self.height}: all must have the same size"
                )
            yield frame


def _read(file: Path) -> Frame:
    from PIL import Image, ImageOps

    try:
        with Image.open(file) as image:
            if image.mode.startswith(("I", "F")):
                raise UnsupportedVideoError(
                    f"{file} has more than 8 bits per sample (mode {image.mode}): convert the "
                    "pictures to 8 bits first"
                )
            return np.array(ImageOps.exif_transpose(image).convert("RGB"))
    except (OSError, SyntaxError, ValueError) as error:  # Pillow raises all three on bad files
        raise VideoReadError(f"{file} cannot be read as a picture: {error}") from error
