"""Single pictures and animations, read through imageio: PNG, JPEG, WebP, GIF, APNG, BMP."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from freegvc._own_files import why_no_video
from freegvc._video.ffmpeg import ffmpeg_name
from freegvc._video.frame_source import Frame
from freegvc._video.orientation import EXIF_ORIENTATIONS, Orientation, upright
from freegvc.errors import FreeGvcError, UnsupportedVideoError, VideoReadError

PICTURE_SUFFIXES = (".png", ".apng", ".jpg", ".jpeg", ".jfif", ".webp", ".gif", ".bmp")

_PNG_MAGIC = b"\x89PNG\r\n\x1a\n"
_PNG_END = b"IEND"
_GIF_END = b"\x3b"
_DEPTH_OFFSET = 24  # of a PNG file: bits per sample
_CHANNELS = {"gray16be": 1, "ya16be": 2, "rgb48be": 3, "rgba64be": 4}
_TAIL_BYTES = 1 << 16
_SHORTEST_DELAY_MS = 20  # of a GIF; as browsers and FFmpeg do, a shorter one is taken as unset
_USUAL_DELAY_MS = 100


@dataclass(frozen=True, slots=True)
class PictureFile:
    """What the head of a file says.

    Attributes:
        path: of the file.
        width, height: of the upright picture.
        orientation: what makes it upright.
        indices: of its frames: one, or more in an animation.
        has_16_bits: whether it is a PNG file with 16 bits per sample.
    """

    path: Path
    width: int
    height: int
    orientation: Orientation
    indices: range
    has_16_bits: bool


def is_picture(path: Path) -> bool:
    """Whether a file is a picture or an animation, by its suffix or its first bytes."""
    if path.suffix.lower() in PICTURE_SUFFIXES:
        return True
    if not path.is_file():  # a pipe is read once
        return False
    with path.open("rb") as file:
        head = file.read(12)
    # a bare stream of Motion JPEG begins like a JPEG file
    is_jpeg = head[:3] == b"\xff\xd8\xff" and not path.suffix
    return is_jpeg or _may_move(head)


def _may_move(head: bytes) -> bool:
    """Whether the first bytes are those of a format that may hold an animation."""
    is_webp = head[:4] == b"RIFF" and head[8:12] == b"WEBP"
    return is_webp or head.startswith(_PNG_MAGIC) or head[:4] == b"GIF8"


def open_picture(path: Path) -> PictureFile:
    """Read the head of a picture.

    Raises:
        VideoReadError: it cannot be read.
        UnsupportedVideoError: it is an animation with 16 bits per sample.
    """
    with path.open("rb") as file:
        head = file.read(_DEPTH_OFFSET + 1)
    is_png = head.startswith(_PNG_MAGIC)
    with _opened(path) as picture:
        orientation = _orientation(picture)
        count, first = 1, 0
        if _may_move(head):
            count = picture.properties(index=...).n_images
            # an APNG may hold a picture for programs that cannot show animations
            first = int(count > 1 and bool(_metadata(picture, 0).get("default_image")))
        height, width = picture.properties(index=0).shape[:2]
    if orientation.transpose:
        height, width = width, height
    has_16_bits = is_png and head[_DEPTH_OFFSET:] == b"\x10"
    if has_16_bits and count - first > 1:
        raise UnsupportedVideoError(
            f"{path} is an animation with 16 bits per sample: convert it to 8 bits first"
        )
    return PictureFile(path, width, height, orientation, range(first, count), has_16_bits)


def read_frames(picture: PictureFile) -> Iterator[tuple[Frame, Fraction | None]]:
    """The frames of a picture, uint8 [H, W, 3], and how many seconds each is shown.

    Alpha is dropped, palettes and grey become RGB, and an EXIF orientation is applied. The seconds
    are None where the file does not state them.

    Raises:
        VideoReadError: a frame cannot be read.
    """
    if picture.has_16_bits:
        yield upright(_read_16_bits(picture.path), picture.orientation), None
        return
    with _opened(picture.path) as file:
        for index in picture.indices:
            with _our_errors(picture.path, index):
                frame = file.read(index=index, mode="RGB")
                delay = _metadata(file, index).get("duration")
                seconds = _seconds(delay, picture.path) if len(picture.indices) > 1 else None
            yield upright(frame, picture.orientation), seconds


def lacks_its_end(path: Path) -> bool:
    """Whether a PNG or GIF file does not have the mark with which it must end."""
    with path.open("rb") as file:
        magic = file.read(8)
        file.seek(max(file.seek(0, 2) - _TAIL_BYTES, 0))
        tail = file.read()
    if magic == _PNG_MAGIC:
        return _PNG_END not in tail
    return magic[:4] == b"GIF8" and _GIF_END not in tail[-64:]


def _seconds(delay_ms: float | None, path: Path) -> Fraction:
    if not delay_ms or (path.suffix.lower() == ".gif" and delay_ms < _SHORTEST_DELAY_MS):
        delay_ms = _USUAL_DELAY_MS
    return Fraction(delay_ms).limit_denominator(65535) / 1000


def _orientation(picture: Any) -> Orientation:
    value = _metadata(picture, 0).get("Orientation")
    return EXIF_ORIENTATIONS.get(value, Orientation()) if isinstance(value, int) else Orientation()


def _metadata(picture: Any, index: int) -> dict[str, Any]:
    found: dict[str, Any] = picture.metadata(index=index, exclude_applied=False)
    return found


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    import imageio.v3 as iio

    # imageio gets a file and not its name: it would take some names for addresses or archives
    with _our_errors(path), path.open("rb") as data, iio.imopen(data, "r", plugin="pillow") as file:
        yield file


@contextmanager
def _our_errors(path: Path, index: int = 0) -> Iterator[None]:
    import warnings

    from imageio.core.request import InitializationError
    from PIL import Image

    where = f" at frame {index}" if index else ""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            yield
    except FreeGvcError:
        raise
    except Exception as error:  # Pillow raises errors of many kinds on damaged files
        cause: object = error.__cause__ or error  # imageio's own text does not say why
        if isinstance(cause, Image.DecompressionBombError):
            raise VideoReadError(f"{path} is too large: {cause}; scale it down first") from error
        if (kind := why_no_video(path)) is not None:
            raise VideoReadError(f"{path} {kind}") from error
        if isinstance(cause, InitializationError):  # whose text names the open file
            cause = "its bytes are those of no kind of picture"
        raise VideoReadError(
            f"{path} cannot be read as a picture{where}: {cause}; is it damaged?"
        ) from error


def _read_16_bits(path: Path) -> Frame:
    """A PNG file with 16 bits per sample, rounded to 8; Pillow would cut colours off instead."""
    import av

    with _our_errors(path), av.open(ffmpeg_name(path), format="png_pipe") as container:
        picture = next(container.decode(video=0))
        channels = _CHANNELS[picture.format.name]
        lines = np.frombuffer(memoryview(picture.planes[0]), ">u2").reshape(picture.height, -1)
        used = lines[:, : picture.width * channels]
        samples = used.reshape(picture.height, picture.width, channels)
        colours = samples[:, :, : 3 if channels > 2 else 1].astype(np.uint32)
        frame = ((colours * 255 + 32767) // 65535).astype(np.uint8)
        return np.ascontiguousarray(np.broadcast_to(frame, (*frame.shape[:2], 3)))
