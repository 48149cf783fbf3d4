"""Files that FFmpeg reads, through PyAV: mp4, mkv, y4m, bare .264 streams and many more."""

from array import array
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from freegvc._video.audio import read_audio
from freegvc._video.colour import BT709, Colour, resolve, yuv_to_rgb
from freegvc._video.frame_source import Frame, FrameSource
from freegvc._video.planes import is_grey, is_rgb, native_planes
from freegvc._video.rate import Rate, parse_rate
from freegvc._video.stated_colour import AS_TAGGED, StatedColour
from freegvc._video.y4m import matrix_of_y4m
from freegvc.errors import UnsupportedVideoError, UsageError, VideoReadError

_BARE_STREAMS = (".264", ".h264", ".avc", ".265", ".h265", ".hevc")
_UNSPECIFIED = 2
_LIMITED_RANGE, _FULL_RANGE = 1, 2


class ContainerSource(FrameSource):
    """The first video stream of a file, upright, in its own colour.

    Each frame is converted with its own matrix and range where it has them, else the stream's.
    Display rotation and mirroring are applied; interlacing is ignored.

    Args:
        path: the file.
        fps: frames per second of a bare stream; None for 25.
        stated: the colour as the user knows it, in place of the tags.

    Raises:
        UsageError: `fps` for a file that states its rate.
        VideoReadError: the file cannot be read, or has no frames.
        UnsupportedVideoError: as `resolve` and `native_planes` raise it.
    """

    def __init__(self, path: Path, fps: Rate | None, stated: StatedColour = AS_TAGGED) -> None:
        import av

        if fps is not None and path.suffix.lower() not in _BARE_STREAMS:
            raise UsageError(
                f"fps={fps!r} was given for {path}, which states its own rate: leave it out (it "
                f"is for .yuv files, folders, arrays and {', '.join(_BARE_STREAMS)})"
            )
        self._path = path
        self._stated = stated
        self._colours: dict[tuple[int, ...], Colour] = {}
        self._pts = array("q")
        self._lacks_pts = False
        try:
            self._container = av.open(str(path), metadata_errors="ignore")
        except (OSError, ValueError, av.error.FFmpegError) as error:
            raise VideoReadError(f"{path} cannot be read as a video: {error}") from error
        try:
            self._open(fps)
        except BaseException:
            self.close()
            raise

    def _open(self, fps: Rate | None) -> None:
        stream = _video_stream(self._container)
        if stream is None:
            raise VideoReadError(f"{self._path} has no video stream")
        stream.thread_type = "AUTO"
        self._stream = stream
        self._decoder = self._container.decode(stream)
        # The first frame has colour and rotation even where the header lacks them.
        self._first = self._next(0)
        if self._first is None:
            raise VideoReadError(f"{self._path} has no frames")
        self._coded_size = (self._first.width, self._first.height)
        self._tick = Fraction(self._first.time_base or stream.time_base or Fraction(1, 1000))
        rate = stream.average_rate or stream.guessed_rate or 25
        self.frame_rate = parse_rate(rate if fps is None else fps)
        self.num_frames = stream.frames or None
        self.pixel_aspect = Fraction(stream.sample_aspect_ratio or 1)
        self._orientation = _orientation(self._first, self._path)
        self.width, self.height = self._coded_size
        if self._orientation[0]:
            self.width, self.height = self.height, self.width
            self.pixel_aspect = 1 / self.pixel_aspect
        colour = self._colour(self._first)
        tagged = self._first.color_range or self._stream.codec_context.color_range
        if is_grey(self._first.format) and not tagged and self._stated.full_range is None:
            colour = Colour(colour.matrix, colour.primaries, colour.transfer, BT709.full_range)
        if colour.matrix == 0:  # RGB frames are written as Y'CbCr
            colour = Colour(BT709.matrix, colour.primaries, colour.transfer, BT709.full_range)
        self.colour = colour

    def close(self) -> None:
        self._container.close()

    def audio(self) -> bytes | None:
        return read_audio(self._path)

    def _count_frames(self) -> int:
        import av

        count = 0
        try:
            with av.open(str(self._path), metadata_errors="ignore") as container:
                stream = _video_stream(container)
                stream.thread_type = "AUTO"
                for _ in container.decode(stream):
                    count += 1
        except (OSError, ValueError, av.error.FFmpegError) as error:
            raise self._undecodable(count, error) from error
        return count

    def _frames(self) -> Iterator[Frame]:
        frame, index = self._first, 0
        self._first = None  # so that its buffer can be reused
        while frame is not None:
            if (frame.width, frame.height) != self._coded_size:
                raise VideoReadError(
                    f"{self._path} changes its size from {self._coded_size[0]}x"
                    f"{self._coded_size[1]} to {frame.width}x{frame.height} at frame {index}: "
                    "scale it to one size first"
                )
            if frame.pts is None:
                self._lacks_pts = True
            else:
                self._pts.append(frame.pts)
            planes, bit_depth = native_planes(frame, str(self._path))
            yield _upright(yuv_to_rgb(planes, bit_depth, self._colour(frame)), self._orientation)
            index += 1
            frame = self._next(index)

    def _next(self, index: int) -> Any:
        import av

        try:
            return next(self._decoder, None)
        except (OSError, ValueError, av.error.FFmpegError) as error:
            raise self._undecodable(index, error) from error

    def _undecodable(self, index: int, error: Exception) -> VideoReadError:
        return VideoReadError(
            f"{self._path} cannot be decoded at frame {index}: {error}; is it damaged?"
        )

    def _colour(self, frame: Any) -> Colour:
        """The frame's tags, each replaced by the stream's where the frame has none."""
        stream = self._stream.codec_context
        label = frame.format.name
        tags = []
        for tag in ("colorspace", "color_primaries", "color_trc"):
            value = int(getattr(frame, tag))
            tags.append(int(getattr(stream, tag)) if value == _UNSPECIFIED else value)
        value_range = int(frame.color_range) or int(stream.color_range)
        rgb = is_rgb(frame.format)
        key = (*tags, value_range, label.startswith("yuvj"), rgb, is_grey(frame.format))
        if key not in self._colours:  # so that a guess warns once, not at each frame
            matrix, primaries, transfer = tags
            if rgb:
                matrix = 0
            elif matrix == 0:  # RGB tag on Y'CbCr samples: a mistake of the file
                matrix = _UNSPECIFIED
            if self._stated.matrix is not None:
                matrix = self._stated_matrix(self._stated.matrix, rgb=rgb)
            if matrix == _UNSPECIFIED and self._path.suffix.lower() == ".y4m":
                matrix = matrix_of_y4m(self._path) or _UNSPECIFIED
            if matrix == _UNSPECIFIED and is_grey(frame.format):
                matrix = BT709.matrix
            full = value_range == _FULL_RANGE or label.startswith("yuvj")
            if rgb or is_grey(frame.format):
                full = value_range != _LIMITED_RANGE
            if self._stated.full_range is not None:
                full = self._stated.full_range
            self._colours[key] = resolve(matrix, primaries, transfer, full, name=str(self._path))
        return self._colours[key]

    def _stated_matrix(self, matrix: int, *, rgb: bool) -> int:
        if rgb:
            raise UsageError(
                f"a colour matrix was given for {self._path}, which holds RGB and has none: leave "
                "it out"
            )
        return matrix

    def _timestamps(self) -> tuple[Fraction, ...] | None:
        if self._lacks_pts:
            return None
        period = 1 / self.frame_rate
        ticks = [0]
        constant = True
        for before, here in zip(self._pts, self._pts[1:], strict=False):
            constant = constant and abs((here - before) * self._tick - period) <= self._tick
            # Broken files repeat timestamps, but these must increase.
            ticks.append(max(here - self._pts[0], ticks[-1] + 1))
        drift = abs(ticks[-1] * self._tick - (len(ticks) - 1) * period)
        if constant and drift < period / 2:
            return None
        return tuple(tick * self._tick for tick in ticks)


def _video_stream(container: Any) -> Any:
    """The first video stream that is not cover art, or None."""
    for stream in container.streams.video:
        if "attached_pic" not in str(stream.disposition).lower():
            return stream
    return None


def _orientation(frame: Any, path: Path) -> tuple[bool, bool, bool]:
    """(transpose, flip columns, flip rows) that make the picture upright."""
    matrix = next((bytes(d) for d in frame.side_data if d.type.name == "DISPLAYMATRIX"), None)
    if matrix is None:
        return False, False, False
    # Rows (a b u) (c d v) (x y w): a point moves to (a x + c y, b x + d y).
    values = np.frombuffer(matrix, np.int32)
    a, b, c, d = (int(values[i]) for i in (0, 1, 3, 4))
    if b == c == 0 and a and d:
        return False, a < 0, d < 0
    if a == d == 0 and b and c:
        return True, c < 0, b < 0
    raise UnsupportedVideoError(
        f"{path} is rotated by {frame.rotation} degrees for display, which is not a multiple of "
        "90: rotate it first"
    )


def _upright(frame: Frame, orientation: tuple[bool, bool, bool]) -> Frame:
    transpose, flip_columns, flip_rows = orientation
    if transpose:
        frame = frame.swapaxes(0, 1)
    if flip_columns:
        frame = frame[:, ::-1]
    if flip_rows:
        frame = frame[::-1]
    return np.ascontiguousarray(frame)
