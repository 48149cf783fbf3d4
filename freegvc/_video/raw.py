"""Headerless planar files (.yuv), as the test sequences of the video coding groups come."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from freegvc._video.colour import BT709, UNSPECIFIED, resolve, yuv_to_rgb
from freegvc._video.frame_source import Frame, FrameSource
from freegvc._video.rate import Rate, parse_rate, parse_size
from freegvc._video.stated_colour import AS_TAGGED, StatedColour
from freegvc.errors import UsageError, VideoReadError

# Pixel format: horizontal and vertical chroma factor (0: grey), bits per sample.
_LAYOUTS = {
    "yuv420p": (2, 2, 8),
    "yuv422p": (2, 1, 8),
    "yuv444p": (1, 1, 8),
    "yuv420p10le": (2, 2, 10),
    "yuv422p10le": (2, 1, 10),
    "yuv444p10le": (1, 1, 10),
    "gray": (0, 0, 8),
}


class RawSource(FrameSource):
    """A .yuv file: planes of Y, Cb, Cr, frame after frame.

    Such a file cannot state its colour. Unless the user does, it is BT.709 in limited range, with a
    ColourWarning, or full-range grey. Ten-bit samples are little-endian in 16 bits.

    Args:
        path: the file.
        size: of a frame, as `parse_size` takes it.
        fps: frames per second; None for 25.
        pix_fmt: a key of `_LAYOUTS`; None for yuv420p.
        stated: the colour as the user knows it.

    Raises:
        UsageError: the size is missing, or an option is out of range.
        VideoReadError: the file cannot be read, or its bytes are not a whole number of frames.
    """

    num_frames: int

    def __init__(
        self,
        path: Path,
        size: str | tuple[int, int] | None,
        fps: Rate | None,
        pix_fmt: str | None,
        stated: StatedColour = AS_TAGGED,
    ) -> None:
        if size is None:
            raise UsageError(
                f"{path} has no header that states its size: add the size, for example "
                '--size 416x240 (size="416x240")'
            )
        pix_fmt = pix_fmt or "yuv420p"
        if pix_fmt not in _LAYOUTS:
            raise UsageError(
                f"pixel format {pix_fmt!r} for {path}: it must be one of {', '.join(_LAYOUTS)}"
            )
        self.width, self.height = parse_size(size)
        self.frame_rate = parse_rate(25 if fps is None else fps)
        sub_x, sub_y, self._bit_depth = _LAYOUTS[pix_fmt]
        self._dtype = np.dtype("u1" if self._bit_depth == 8 else "<u2")
        chroma = [(-(-self.height // sub_y), -(-self.width // sub_x))] * 2 if sub_x else []
        self._shapes = [(self.height, self.width), *chroma]
        samples = sum(rows * columns for rows, columns in self._shapes)
        self._frame_bytes = samples * self._dtype.itemsize
        self._path = path
        try:
            file_bytes = path.stat().st_size
        except OSError as error:
            raise VideoReadError(f"{path} cannot be read: {error.strerror}") from error
        self.num_frames, remainder = divmod(file_bytes, self._frame_bytes)
        if remainder or not file_bytes:
            raise VideoReadError(
                f"{path} has {file_bytes} bytes, which is not a whole number of frames: a "
                f"{self.width}x{self.height} {pix_fmt} frame has {self._frame_bytes} bytes, so "
                f"{remainder} bytes remain after {self.num_frames} frames; check the size and the "
                "pixel format"
            )
        grey = not sub_x
        full = grey if stated.full_range is None else stated.full_range
        usual = BT709.matrix if grey else UNSPECIFIED
        matrix = usual if stated.matrix is None else stated.matrix
        self._colour = resolve(matrix, UNSPECIFIED, UNSPECIFIED, full, name=str(path))
        self.colour = BT709 if grey and stated.full_range is None else self._colour

    def _count_frames(self) -> int:
        return self.num_frames

    def _frames(self) -> Iterator[Frame]:
        try:
            with self._path.open("rb") as file:
                while data := file.read(self._frame_bytes):
                    if len(data) < self._frame_bytes:
                        raise VideoReadError(f"{self._path} was shortened while it was read")
                    yield self._convert(np.frombuffer(data, self._dtype))
        except OSError as error:
            raise VideoReadError(f"{self._path} cannot be read: {error.strerror}") from error

    def _convert(self, samples: np.ndarray[tuple[int], np.dtype[np.integer]]) -> Frame:
        if self._bit_depth == 10 and samples.max() > 1023:
            raise VideoReadError(
                f"{self._path} has a sample of {samples.max()}, but 10 bits end at 1023: check "
                "the pixel format"
            )
        planes, start = [], 0
        for rows, columns in self._shapes:
            planes.append(samples[start : start + rows * columns].reshape(rows, columns))
            start += rows * columns
        return yuv_to_rgb(tuple(planes), self._bit_depth, self._colour)
