"""Files that FFmpeg reads, through PyAV: mp4, mkv, y4m, bare .264 streams and many more."""

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from freegvc._own_files import why_no_video
from freegvc._video.audio import read_audio
from freegvc._video.clock import Timeline, make_timeline, nominal_rate
from freegvc._video.colour import BT709, UNSPECIFIED, Colour, resolve, yuv_to_rgb
from freegvc._video.decoding import Decoding
from freegvc._video.ffmpeg import ffmpeg_name, is_cover, reason_of
from freegvc._video.frame_source import Frame, FrameSource
from freegvc._video.layout import crop_of, missing_bytes
from freegvc._video.orientation import orientation_of, upright
from freegvc._video.planes import is_grey, is_rgb, native_planes
from freegvc._video.rate import Rate, parse_rate
from freegvc._video.stated_colour import AS_TAGGED, StatedColour
from freegvc._video.strict import warn_or_refuse
from freegvc._video.y4m import matrix_of_y4m
from freegvc.errors import UsageError, VideoReadError

_LIMITED_RANGE, _FULL_RANGE = 1, 2


class ContainerSource(FrameSource):
    """The first video stream of a file, upright, cropped, in its own colour.

    Each frame is converted with its own matrix and range where it has them, else the stream's.
    Display rotation, mirroring and the container's cropping are applied.

    Args:
        path: the file.
        fps: frames per second at which the frames are shown, whatever the file states; None for
            its own clock, or 25 if it has none.
        strict: whether what is an InputWarning otherwise is an error.
        deinterlace: None refuses interlaced frames, True deinterlaces them, False takes them as
            whole pictures.
        stated: the colour as the user knows it, in place of the tags.

    Raises:
        VideoReadError: the file cannot be read, or has no frames.
        UnsupportedVideoError: interlaced, or above 1000 frames per second, and as `resolve` and
            `native_planes` raise it.
    """

    def __init__(
        self,
        path: Path,
        fps: Rate | None,
        *,
        strict: bool = False,
        deinterlace: bool | None = None,
        stated: StatedColour = AS_TAGGED,
    ) -> None:
        import av

        self._path = path
        self._strict = strict
        self._deinterlace = deinterlace
        self._stated = stated
        self._colours: dict[tuple[int, ...], Colour] = {}
        self._measured: Timeline | None = None
        own_rate = None if fps is None else parse_rate(fps)
        missing = missing_bytes(path) if path.is_file() else 0
        self._is_cut = missing > 0
        try:
            self._container = self._reopen()
        except (OSError, ValueError, av.error.FFmpegError) as error:
            if (kind := why_no_video(path)) is not None:
                raise VideoReadError(f"{path} {kind}") from error
            cut = f"; it is cut short, {missing} bytes are missing at its end" if missing else ""
            raise VideoReadError(
                f"{path} cannot be read as a video: {reason_of(error)}{cut}"
            ) from error
        try:
            self._open(own_rate)
            if missing:
                what = f"is cut short: {missing} bytes are missing at its end"
                warn_or_refuse(path, what, strict=strict)
        except BaseException:
            self.close()
            raise

    def _reopen(self) -> Any:
        import av

        return av.open(ffmpeg_name(self._path), metadata_errors="ignore")

    def _open(self, own_rate: Fraction | None) -> None:
        stream = _video_stream(self._container)
        if stream is None:
            raise VideoReadError(f"{self._path} has no video stream")
        stream.thread_type = "AUTO"
        self._stream = stream
        self._is_mp4 = "mp4" in self._container.format.name
        self._decoding = Decoding(self._container, stream, str(self._path), self._deinterlace)
        # The first frame has colour and rotation even where the header lacks them.
        self._first = self._next(0)
        if self._first is None:
            raise VideoReadError(f"{self._path} has no frames")
        self._coded_size = (self._first.width, self._first.height)
        self._tick = Fraction(stream.time_base or Fraction(1, 1000))
        if self._decoding.pts:
            self.first_shown_seconds = self._decoding.pts[0] * self._tick
        self._has_own_rate = own_rate is not None
        self._set_rate(own_rate)
        self.has_audio = bool(self._container.streams.audio)
        self.pixel_aspect = Fraction(stream.sample_aspect_ratio or 1)
        self._orientation = orientation_of(self._first, self._path)
        self._crop = crop_of(self._path, *self._coded_size) if self._path.is_file() else None
        self.width, self.height = self._coded_size
        if self._crop is not None:
            self.width -= self._crop.left + self._crop.right
            self.height -= self._crop.top + self._crop.bottom
        if self._orientation.transpose:
            self.width, self.height = self.height, self.width
            self.pixel_aspect = 1 / self.pixel_aspect
        colour = self._colour(self._first)
        tagged = self._first.color_range or self._stream.codec_context.color_range
        if is_grey(self._first.format) and not tagged and self._stated.full_range is None:
            colour = Colour(colour.matrix, colour.primaries, colour.transfer, BT709.full_range)
        if colour.matrix == 0:  # RGB frames are written as Y'CbCr
            colour = Colour(BT709.matrix, colour.primaries, colour.transfer, BT709.full_range)
        self.colour = colour

    def _set_rate(self, own_rate: Fraction | None) -> None:
        """Take the rate from the clock of the packets; the head of a file is often wrong."""
        stream = self._stream
        stated = stream.average_rate or stream.guessed_rate or None
        self._rate_is_stated = True
        self.num_frames = stream.frames or None
        pts = self._shown_pts() if self._path.is_file() else []
        if pts:
            self.num_frames = len(pts)
        if own_rate is not None:
            self.frame_rate = own_rate
            return
        self.frame_rate, self._rate_is_stated = nominal_rate(
            str(self._path), Fraction(stated) if stated else None, pts, self._tick
        )

    def _shown_pts(self) -> list[int]:
        """Those of all packets from the first frame that is shown on, without decoding them."""
        import av

        begin = self._decoding.pts[0] if self._decoding.pts else 0
        pts = []
        try:
            with self._reopen() as container:
                for packet in container.demux(_video_stream(container)):
                    if packet.size and packet.pts is not None and not packet.is_discard:
                        pts.append(packet.pts)
        except (OSError, ValueError, av.error.FFmpegError):
            pass  # where decoding comes to this place, it says what is wrong
        return [here for here in pts if here >= begin]

    def close(self) -> None:
        self._container.close()

    def audio(self) -> bytes | None:
        return read_audio(self._path, self.first_shown_seconds)

    def _count_frames(self) -> int:
        return self._measure().num_frames

    def _duration_seconds(self) -> Fraction:
        return self._measure().duration_seconds

    def _measure(self) -> Timeline:
        """The timeline, found by decoding the file once more if this source is not at its end."""
        import av

        if self._num_read is not None or self._measured is not None:
            return self._timeline()
        index = 0
        try:
            with self._reopen() as container:
                stream = _video_stream(container)
                stream.thread_type = "AUTO"
                decoding = Decoding(container, stream, str(self._path), self._deinterlace)
                while decoding.next_frame() is not None:
                    index += 1
        except (OSError, ValueError, av.error.FFmpegError) as error:
            raise self._undecodable(index, error) from error
        if self._strict:
            self._judge(decoding)
        self._measured = self._timeline_of(decoding)
        return self._measured

    def _judge(self, decoding: Decoding) -> None:
        """Warn about everything that was lost or repaired."""
        wrong = [f"is damaged or incomplete: {loss}" for loss in decoding.losses()]
        broken = self._timeline_of(decoding).broken
        if broken:
            others = f" and at {len(broken) - 1} other frames" if len(broken) > 1 else ""
            wrong.append(
                f"has timestamps that jump back or stand still at frame {broken[0]}{others}: they "
                "were repaired"
            )
        for what in wrong:
            warn_or_refuse(self._path, what, strict=self._strict)

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
            planes, bit_depth = native_planes(frame, str(self._path))
            rgb = yuv_to_rgb(planes, bit_depth, self._colour(frame))
            yield upright(rgb, self._orientation, self._crop)
            index += 1
            frame = self._next(index)
        self._judge(self._decoding)

    def _next(self, index: int) -> Any:
        import av

        try:
            return self._decoding.next_frame()
        except (OSError, ValueError, av.error.FFmpegError) as error:
            raise self._undecodable(index, error) from error

    def _undecodable(self, index: int, error: Exception) -> VideoReadError:
        return VideoReadError(
            f"{self._path} cannot be decoded at frame {index}: {reason_of(error)}; is it damaged?"
        )

    def _colour(self, frame: Any) -> Colour:
        """The frame's tags, each replaced by the stream's where the frame has none."""
        stream = self._stream.codec_context
        label = frame.format.name
        tags = []
        for tag in ("colorspace", "color_primaries", "color_trc"):
            value = int(getattr(frame, tag))
            tags.append(int(getattr(stream, tag)) if value == UNSPECIFIED else value)
        value_range = int(frame.color_range) or int(stream.color_range)
        rgb = is_rgb(frame.format)
        key = (*tags, value_range, label.startswith("yuvj"), rgb, is_grey(frame.format))
        if key not in self._colours:  # so that a guess warns once, not at each frame
            matrix, primaries, transfer = tags
            if rgb:
                matrix = 0
            elif matrix == 0:  # RGB tag on Y'CbCr samples: a mistake of the file
                matrix = UNSPECIFIED
            if self._stated.matrix is not None:
                matrix = self._stated_matrix(self._stated.matrix, rgb=rgb)
            if matrix == UNSPECIFIED and self._path.suffix.lower() == ".y4m":
                matrix = matrix_of_y4m(self._path) or UNSPECIFIED
            if matrix == UNSPECIFIED and is_grey(frame.format):
                matrix = BT709.matrix
            full = value_range == _FULL_RANGE or label.startswith("yuvj")
            if rgb or is_grey(frame.format):
                full = value_range != _LIMITED_RANGE
            if self._stated.full_range is not None:
                full = self._stated.full_range
            self._colours[key] = resolve(matrix, primaries, transfer, full, name=str(self._path))
        return self._colours[key]

    def _timeline(self) -> Timeline:
        if self._measured is None:
            self._measured = self._timeline_of(self._decoding)
        return self._measured

    def _stated_matrix(self, matrix: int, *, rgb: bool) -> int:
        if rgb:
            raise UsageError(
                f"a colour matrix was given for {self._path}, which holds RGB and has none: leave "
                "it out"
            )
        return matrix

    def _timestamps(self) -> tuple[Fraction, ...] | None:
        return self._timeline().timestamps

    def _last_frame_seconds(self) -> Fraction | None:
        return self._timeline().last_frame_seconds

    def _timeline_of(self, decoding: Decoding) -> Timeline:
        """When the frames are shown that were decoded to the end."""
        if self._has_own_rate or decoding.lacks_pts or not decoding.pts:
            return Timeline(decoding.num_frames, self.frame_rate)
        last, is_sure = self._last_ticks(decoding)
        timeline = make_timeline(decoding.pts, self._tick, self.frame_rate, last)
        seconds = timeline.last_frame_seconds
        if seconds is not None and timeline.timestamps is None and not is_sure:
            is_long = seconds * self.frame_rate > Fraction(3, 2)
            return timeline if is_long else replace(timeline, last_frame_seconds=None)
        return timeline

    def _last_ticks(self, decoding: Decoding) -> tuple[int | None, bool]:
        """How long the last frame is shown, where the container says it, and whether it is sure."""
        if self._is_cut:
            return None, False
        stream, last = self._stream, decoding.last_duration
        if self._is_mp4:
            # Durations of its frames are in decoding order, and edit lists may end within a frame.
            if not stream.duration or decoding.losses():
                return None, False
            return (stream.start_time or 0) + stream.duration - max(decoding.pts), False
        if last is not None and not self._rate_is_stated and stream.average_rate:
            is_default = abs(last * self._tick - 1 / stream.average_rate) <= self._tick
            return None if is_default else last, True
        return last, True


def _video_stream(container: Any) -> Any:
    """The first video stream that is no cover, or None."""
    return next((stream for stream in container.streams.video if not is_cover(stream)), None)
