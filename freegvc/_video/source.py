"""Opening a video from a file, a folder, or memory."""

import os
import weakref
from collections.abc import Iterator
from fractions import Fraction
from functools import partial
from os import PathLike
from pathlib import Path
from typing import Any

from freegvc._special_files import PIPE, special_kind, why_no_path
from freegvc._video.frame_source import Frame, FrameSource
from freegvc._video.pictures import is_picture
from freegvc._video.rate import Rate
from freegvc._video.spool import discard, is_file_object, path_of, spool_file, spool_pipe
from freegvc._video.stated_colour import parse_stated_colour
from freegvc._video.timestamps import duration_seconds
from freegvc._video.video import Video
from freegvc._video.y4m import check_y4m
from freegvc.errors import UsageError, VideoReadError


def open_video(
    source: str | PathLike[str] | Video | FrameSource | Any,
    *,
    size: str | tuple[int, int] | None = None,
    fps: Rate | None = None,
    pix_fmt: str | None = None,
    matrix: str | None = None,
    colour_range: str | None = None,
    strict_input: bool = False,
    deinterlace: bool | None = None,
) -> FrameSource:
    """Open a video for reading, frame by frame.

    Args:
        source: a path, a file object, a `Video`, an array or tensor, uint8 [T, H, W, 3], or an
            opened source, which is returned as it is. A path is a picture or an animation (PNG,
            JPEG, WebP, GIF, APNG, BMP), a folder of pictures, a headerless .yuv file, or anything
            that FFmpeg reads. A file object gives bytes, from its position on; it and a named pipe
            are read once, into a temporary file that goes away with the result.
        size: of a .yuv file in pixels, "416x240" or (416, 240).
        fps: frames per second. By default a file's own clock is kept, and what has none, such as
            .yuv, folders, arrays and bare H.264, gets 25. A rate that is given here replaces that
            of the file: all frames follow at this pace, and sound keeps its own.
        pix_fmt: samples of a .yuv file, for example "yuv420p10le"; by default yuv420p.
        matrix: "bt709", "bt601", "bt2020", "fcc" or "smpte240m", for a file that has no tag or a
            wrong one; by default what the file states, else BT.709 with a ColourWarning.
        colour_range: "limited" or "full", likewise; by default what the file states, else limited,
            and full for grey and RGB, as FFmpeg takes them.
        strict_input: refuse damaged, incomplete or repaired input (every InputWarning is an error).
        deinterlace: True deinterlaces what is marked as interlaced, False takes it as whole
            pictures; by default it is refused.

    Raises:
        UsageError: an option does not fit the source.
        VideoReadError: there is nothing to read.
        UnsupportedVideoError: PQ, HLG, interlaced, more than 1000 frames per second, or a depth
            other than 8 and 10 bits.
    """
    colour = {"matrix": matrix, "colour_range": colour_range}
    parse_stated_colour(**colour)  # refuses unknown words, whatever the source
    if isinstance(source, FrameSource):
        given = {"size": size, "fps": fps, "pix_fmt": pix_fmt, "deinterlace": deinterlace}
        _refuse("an opened video", **given, **colour)
        return source
    options: dict[str, Any] = {
        "size": size,
        "fps": fps,
        "pix_fmt": pix_fmt,
        "strict_input": strict_input,
        "deinterlace": deinterlace,
        **colour,
    }
    if is_file_object(source):
        suffix = ".yuv" if size is not None else ""
        path = path_of(source)
        return (
            _open_copy(spool_file(source, suffix), options)
            if path is None
            else _open(path, options)
        )
    if not isinstance(source, str | PathLike):
        deinterlace = deinterlace or None  # False is what happens anyway
        _refuse("an array", size=size, pix_fmt=pix_fmt, deinterlace=deinterlace, **colour)
        if isinstance(source, Video):
            _refuse("a Video, which has its own rate", fps=fps)
            return VideoSource(source)
        return VideoSource(Video.from_array(source, 25 if fps is None else fps))
    if reason := why_no_path(source):
        raise VideoReadError(reason)
    path = Path(os.fsdecode(source))
    try:
        kind = special_kind(path)
        if kind == PIPE:
            return _open_copy(spool_pipe(path, ".yuv" if size is not None else ""), options)
        if kind is not None:
            raise VideoReadError(f"{path} is {kind}: give a file, a folder of images or a pipe")
        return _open(path, options)
    except OSError as error:  # not permitted, a name that is too long
        raise VideoReadError(f"{path} cannot be read: {error.strerror}") from error


def _open_copy(copy: Path, options: dict[str, Any]) -> FrameSource:
    """Open a temporary copy, which is deleted with the source."""
    try:
        source = _open(copy, options)
    except BaseException:
        discard(copy)
        raise
    weakref.finalize(source, discard, copy)
    return source


def _open(path: Path, options: dict[str, Any]) -> FrameSource:
    source = _source_of(path, options)
    source._opened_by = partial(_open, path, options)
    return source


def _source_of(path: Path, options: dict[str, Any]) -> FrameSource:
    if not path.exists():
        raise VideoReadError(f"{path} does not exist")
    size, fps, pix_fmt = (options[name] for name in ("size", "fps", "pix_fmt"))
    deinterlace = options["deinterlace"]
    colour = {name: options[name] for name in ("matrix", "colour_range")}
    stated = parse_stated_colour(**colour)
    if path.suffix.lower() == ".yuv" and not path.is_dir():
        from freegvc._video.raw import RawSource

        _refuse(f"{path}, which does not say what is interlaced", deinterlace=deinterlace or None)
        return RawSource(path, size, fps, pix_fmt, stated)
    _refuse(f"{path}, which is not a .yuv file", size=size, pix_fmt=pix_fmt)
    if path.is_dir() or is_picture(path):
        _refuse(f"{path}, whose pictures are RGB", **colour)
        _refuse(f"{path}, whose pictures are whole", deinterlace=deinterlace or None)
        from freegvc._video.images import AnimationSource, ImageFolderSource

        opened = ImageFolderSource if path.is_dir() else AnimationSource
        return opened(path, fps, strict=options["strict_input"])
    from freegvc._video.container import ContainerSource

    if path.suffix.lower() == ".y4m":
        check_y4m(path)
    strict = options["strict_input"]
    return ContainerSource(path, fps, strict=strict, deinterlace=deinterlace, stated=stated)


def load_video(
    source: str | PathLike[str],
    *,
    size: str | tuple[int, int] | None = None,
    fps: Rate | None = None,
    pix_fmt: str | None = None,
    matrix: str | None = None,
    colour_range: str | None = None,
    strict_input: bool = False,
    deinterlace: bool | None = None,
) -> Video:
    """Read a whole video, with its audio, into memory; arguments and errors of `open_video`."""
    import numpy as np

    with open_video(
        source,
        size=size,
        fps=fps,
        pix_fmt=pix_fmt,
        matrix=matrix,
        colour_range=colour_range,
        strict_input=strict_input,
        deinterlace=deinterlace,
    ) as frames:
        return Video(
            np.stack(list(frames)),
            frames.frame_rate,
            frames.timestamps(),
            frames.colour,
            frames.pixel_aspect,
            frames.audio(),
            frames.last_frame_seconds(),
        )


class VideoSource(FrameSource):
    """The frames of a Video."""

    def __init__(self, video: Video) -> None:
        self._video = video
        self.width, self.height = video.width, video.height
        self.frame_rate = video.frame_rate
        self.colour = video.colour
        self.pixel_aspect = video.pixel_aspect
        self.num_frames = video.num_frames
        self.has_audio = video.audio is not None
        self._opened_by = partial(VideoSource, video)

    def audio(self) -> bytes | None:
        blob = self._video.audio
        if blob is not None:
            from freegvc._video.audio_section import open_audio

            open_audio(blob).close()  # refuses what is not a Matroska file
        return blob

    def _frames(self) -> Iterator[Frame]:
        yield from self._video.frames

    def _count_frames(self) -> int:
        return self._video.num_frames

    def _duration_seconds(self) -> Fraction:
        video = self._video
        return duration_seconds(
            video.num_frames, video.frame_rate, video.timestamps, video.last_frame_seconds
        )

    def _timestamps(self) -> tuple[Fraction, ...] | None:
        return self._video.timestamps

    def _last_frame_seconds(self) -> Fraction | None:
        return self._video.last_frame_seconds


def _refuse(what: str, **options: object) -> None:
    for option, value in options.items():
        if value is not None:
            raise UsageError(f"{option}={value!r} was given for {what}: leave it out")
