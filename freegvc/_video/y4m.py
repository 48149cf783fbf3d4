"""YUV4MPEG2 (.y4m): a text header and uncompressed planes."""

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import BinaryIO

from freegvc._video.colour import rgb_to_yuv
from freegvc._video.frame_source import Frame
from freegvc._video.frame_writer import FrameWriter, OutputSpec
from freegvc._video.rate import MAX_SIDE
from freegvc.errors import UnsupportedVideoError, VideoReadError

_MATRIX = "XCOLORMATRIX="  # our own field: the format has none, and readers ignore unknown ones
_MAX_HEADER = 1024


def matrix_of_y4m(path: Path) -> int | None:
    """The H.273 matrix that a .y4m file of ours states; None if it is someone else's."""
    for field in _header_fields(path):
        number = field.removeprefix(_MATRIX)
        if field.startswith(_MATRIX) and number.isdecimal():
            return int(number)
    return None


def check_y4m(path: Path) -> None:
    """Refuse what FFmpeg says nothing clear about: frames of no size, and mixed interlacing.

    Raises:
        VideoReadError: a side is no number of pixels.
        UnsupportedVideoError: some frames are interlaced.
    """
    for field in _header_fields(path):
        side = field[1:]
        if field[:1] in ("W", "H") and not (side.isdecimal() and 1 <= int(side) <= MAX_SIDE):
            name = "width" if field[0] == "W" else "height"
            raise VideoReadError(
                f"{path}: its header states the {name} {side!r}; it must be in 1..{MAX_SIDE} pixels"
            )
        if field == "Im":
            raise UnsupportedVideoError(
                f"{path}: its header says that some frames are interlaced and others are not (Im): "
                "make all of them whole pictures first"
            )


def _header_fields(path: Path) -> list[str]:
    with path.open("rb") as file:
        header = file.read(_MAX_HEADER).partition(b"\n")[0].decode("ascii", "replace")
    magic, *fields = header.split(" ")
    return fields if magic == "YUV4MPEG2" else []


class Y4mWriter(FrameWriter):
    """8 bits, 4:2:0 with left-sited chroma, or 4:4:4 where a side is odd."""

    _file: BinaryIO

    def __init__(self, spec: OutputSpec) -> None:
        super().__init__(spec)
        self._warn_about_losses(".y4m")

    def _open(self, temporary: Path) -> None:
        self._file = self._stack.enter_context(temporary.open("wb"))
        self._write_header()

    def _write_header(self) -> None:
        spec = self._spec
        chroma = "420mpeg2 XYSCSS=420MPEG2" if spec.subsampling == (2, 2) else "444 XYSCSS=444"
        rate, aspect = spec.frame_rate, spec.pixel_aspect
        header = (
            f"YUV4MPEG2 W{spec.width} H{spec.height} F{rate.numerator}:{rate.denominator} Ip "
            f"A{aspect.numerator}:{aspect.denominator} C{chroma} "
            f"XCOLORRANGE={'FULL' if spec.colour.full_range else 'LIMITED'} "
            f"{_MATRIX}{spec.colour.matrix}\n"
        )
        self._file.write(header.encode("ascii"))

    def _write(self, frame: Frame, index: int) -> None:
        self._file.write(b"FRAME\n")
        for plane in rgb_to_yuv(frame, self._spec.colour, self._spec.subsampling):
            self._file.write(plane.tobytes())


class Y4mStream(Y4mWriter):
    """The same into an open file, such as standard output, frame by frame.

    Args:
        spec: what is written.
        file: takes the bytes; stays open.
    """

    def __init__(self, spec: OutputSpec, file: BinaryIO) -> None:
        super().__init__(spec)
        self._file = file

    def _place(self) -> AbstractContextManager[Path]:
        return nullcontext(self._spec.path)

    def _open(self, temporary: Path) -> None:
        self._write_header()

    def _finish(self) -> None:
        self._file.flush()
