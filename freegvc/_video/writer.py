"""Writing a video: the suffix chooses the format, and the output is complete or absent."""

import os
import re
from collections.abc import Sequence
from contextlib import AbstractContextManager
from fractions import Fraction
from os import PathLike
from pathlib import Path
from typing import BinaryIO

from freegvc._atomic import check_output
from freegvc._numbers import whole_number
from freegvc._video.colour import BT709, WRITABLE_MATRICES, Colour
from freegvc._video.frame_writer import FrameWriter, OutputSpec
from freegvc._video.rate import Rate, parse_rate
from freegvc._video.timestamps import check_last_frame, check_timestamps
from freegvc.errors import UsageError

_CONTAINERS = {".mp4": "mp4", ".mkv": "matroska"}
_CODECS = ("x264", "x265")
_HIGHEST_CRF = 51
# ".avi" is a format; the ends of "take.2", "v1.0" and "Mr. Bean" are parts of a folder's name
_LIKE_A_FORMAT = re.compile(r"\.(26[1-6]|(?=\d*[a-z])[a-z0-9]{1,5})", re.IGNORECASE)


def open_writer(
    path: str | PathLike[str] | BinaryIO,
    *,
    width: int,
    height: int,
    frame_rate: Rate,
    colour: Colour = BT709,
    pixel_aspect: Fraction | int = 1,
    codec: str | None = None,
    crf: int | None = None,
    timestamps: Sequence[Fraction] | None = None,
    last_frame_seconds: Fraction | None = None,
    audio: bytes | None = None,
    overwrite: bool = False,
) -> AbstractContextManager[FrameWriter]:
    """Open a video for writing.

    The suffix of `path` chooses the format:
    - .mp4, .mkv: 8-bit H.264 or H.265, 4:2:0, or 4:4:4 where a side is odd, with colour tags, pixel
      aspect, timestamps (.mkv rounds them to milliseconds) and audio;
    - .y4m: uncompressed 4:2:0, or 4:4:4 where a side is odd. It cannot name a matrix;
    - no suffix, a folder, or a name that ends in a slash: f00000.png and so on, lossless RGB. What
      does not look like a suffix is none: "take.2" is a folder, "a.b.c" is refused.
    .y4m and PNG hold no audio and no timestamps: both are left out, with an OutputWarning.

    The output is written beside `path` and moved there when the `with` block ends without an
    exception; otherwise nothing remains and an older output stays as it was. An existing folder
    is replaced only if it is empty or holds only PNG files that freegvc wrote.

    Args:
        path: the file or folder to write, or an open binary file, which gets .y4m and stays open.
        width, height: of a frame in pixels.
        frame_rate: frames per second, as `parse_rate` takes it; nominal if there are timestamps.
        colour: tags and Y'CbCr matrix.
        pixel_aspect: width over height of one pixel.
        codec: "x264" or "x265", for .mp4 and .mkv; None for "x264".
        crf: quality of that codec, 0 (best) to 51. The default of 4 is near-lossless, above 45 dB
            luma PSNR on camera footage.
        timestamps: seconds of each frame, increasing; None for a constant rate.
        last_frame_seconds: how long the last frame is shown; None for 1/frame_rate.
        audio: a Matroska file as `read_audio` returns it, which is copied.
        overwrite: whether an existing output may be replaced.

    Returns:
        A writer for a `with` block; its `.write(frame)` takes uint8 [height, width, 3], full-range
        RGB.

    Raises:
        OutputExistsError: the output exists and `overwrite` is false; raised before anything is
            written.
        UsageError: arguments do not fit the format, such as audio of a codec that it cannot hold,
            or a codec for .y4m. Within the block: a frame has another dtype or size, no frame was
            written, or the number of frames is not that of the timestamps.
    """
    if not isinstance(path, str | PathLike) and not callable(getattr(path, "write", None)):
        raise UsageError(f"output is {path!r}, but must be a path or an open file")
    file, path = (None, os.fsdecode(path)) if isinstance(path, str | PathLike) else (path, "-")
    target = Path(path)
    spec = OutputSpec(
        path=target,
        width=width,
        height=height,
        frame_rate=parse_rate(frame_rate),
        colour=colour,
        pixel_aspect=Fraction(pixel_aspect),
        timestamps=None if timestamps is None else tuple(timestamps),
        last_frame_seconds=last_frame_seconds,
        audio=audio,
        overwrite=overwrite,
    )
    _check(spec, codec, crf)
    suffix = target.suffix.lower()
    if file is not None or is_folder(path) or suffix == ".y4m":
        _refuse_codec(path, codec=codec, crf=crf)
    if file is not None:
        from freegvc._video.y4m import Y4mStream

        return Y4mStream(spec, file)
    if is_folder(path):
        from freegvc._video.png import PngWriter

        return PngWriter(spec)
    if suffix == ".y4m":
        from freegvc._video.y4m import Y4mWriter

        check_output(target, overwrite=overwrite)
        return Y4mWriter(spec)
    if suffix in _CONTAINERS:
        from freegvc._video.audio_feed import check_audio
        from freegvc._video.encoder import EncodedWriter

        check_output(target, overwrite=overwrite)
        if audio is not None:
            check_audio(audio, _CONTAINERS[suffix])
        return EncodedWriter(spec, _CONTAINERS[suffix], codec or _CODECS[0], crf)
    raise UsageError(
        f"{target} ends in {suffix}: choose {', '.join(_CONTAINERS)}, .y4m, or a name without "
        "suffix (or with a slash at its end) for a folder of PNG files"
    )


def is_folder(path: str) -> bool:
    """Whether an output is a folder of PNG files."""
    if path.endswith(("/", os.sep)):
        return True
    target = Path(path)
    return target.is_dir() or not _LIKE_A_FORMAT.fullmatch(target.suffix)


def _refuse_codec(path: str, **options: object) -> None:
    given = [name for name, value in options.items() if value is not None]
    if given:
        raise UsageError(
            f"{' and '.join(given)} cannot be given for {path}, which no codec encodes: leave "
            f"{'it' if len(given) == 1 else 'both'} out, or name a file that ends in "
            f"{' or '.join(_CONTAINERS)}"
        )


def _check(spec: OutputSpec, codec: str | None, crf: int | None) -> None:
    if spec.width < 1 or spec.height < 1:
        raise UsageError(f"size {spec.width}x{spec.height}: both sides must be at least 1")
    if spec.pixel_aspect <= 0:
        raise UsageError(f"pixel aspect {spec.pixel_aspect}: it must be above 0")
    if spec.colour.matrix == 0:
        raise UsageError("colour matrix 0 (RGB): videos are written as Y'CbCr; use BT709")
    if spec.colour.matrix not in WRITABLE_MATRICES:
        raise UsageError(
            f"colour matrix {spec.colour.matrix} (H.273) cannot be written; freegvc writes "
            f"{', '.join(map(str, WRITABLE_MATRICES))}"
        )
    if codec is not None and codec not in _CODECS:
        raise UsageError(f"codec {codec!r}: it must be {' or '.join(_CODECS)}")
    if crf is not None and not 0 <= whole_number("crf", crf) <= _HIGHEST_CRF:
        raise UsageError(f"crf {crf}: it must be from 0 (best) to {_HIGHEST_CRF}")
    check_last_frame(spec.last_frame_seconds)
    if spec.timestamps is not None:
        check_timestamps(spec.timestamps)
