"""Opening a video from a file, a folder, or memory."""

from collections.abc import Iterator
from fractions import Fraction
from os import PathLike
from pathlib import Path
from typing import Any

from freegvc._video.frame_source import Frame, FrameSource
from freegvc._video.rate import Rate
from freegvc._video.video import Video
from freegvc.errors import UsageError, VideoReadError


def open_video(
    source: str | PathLike[str] | Video | FrameSource | Any,
    *,
    size: str | tuple[int, int] | None = None,
    fps: Rate | None = None,
    pix_fmt: str | None = None,
) -> FrameSource:
    """Open a video for reading, frame by frame.

    Args:
        source: a path, a `Video`, an array or tensor, uint8 [T, H, W, 3], or an opened source,
            which is returned as it is. A path is a folder of PNG or JPEG files, a headerless .yuv
            file, or anything that FFmpeg reads.
        size: of a .yuv file in pixels, "416x240" or (416, 240).
        fps: frames per second of sources that do not state them: .yuv, folders, arrays, bare H.264
            and H.265 streams; by default 25.
        pix_fmt: samples of a .yuv file, for example "yuv420p10le"; by default yuv420p.

    Raises:
        UsageError: an option does not fit the source.
        VideoReadError: there is nothing to read.
        UnsupportedVideoError: PQ, HLG, or a depth other than 8 and 10 bits.
    """
    if isinstance(source, FrameSource):
        _refuse("an opened video", size=size, fps=fps, pix_fmt=pix_fmt)
        return source
    if not isinstance(source, str | PathLike):
        _refuse("an array", size=size, pix_fmt=pix_fmt)
        if isinstance(source, Video):
            _refuse("a Video, which has its own rate", fps=fps)
            return VideoSource(source)
        return VideoSource(Video.from_array(source, 25 if fps is None else fps))

    path = Path(source)
    if not path.exists():
        raise VideoReadError(f"{path} does not exist")
    if path.suffix.lower() == ".yuv" and not path.is_dir():
        from freegvc._video.raw import RawSource

        return RawSource(path, size, fps, pix_fmt)
    _refuse(f"{path}, which is not a .yuv file", size=size, pix_fmt=pix_fmt)
    if path.is_dir():
        from freegvc._video.images import ImageFolderSource

        return ImageFolderSource(path, fps)
    from freegvc._video.container import ContainerSource

    return ContainerSource(path, fps)


def load_video(
    source: str | PathLike[str],
    *,
    size: str | tuple[int, int] | None = None,
    fps: Rate | None = None,
    pix_fmt: str | None = None,
) -> Video:
    """Read a whole video, with its audio, into memory; arguments and errors of `open_video`."""
    import numpy as np

    with open_video(source, size=size, fps=fps, pix_fmt=pix_fmt) as frames:
        return Video(
            np.stack(list(frames)),
            frames.frame_rate,
            frames.timestamps(),
            frames.colour,
            frames.pixel_aspect,
            frames.audio(),
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

    def _timestamps(self) -> tuple[Fraction, ...] | None:
        return self._video.timestamps


def _refuse(what: str, **options: object) -> None:
    for option, value in options.items():
        if value is not None:
            raise UsageError(f"{option}={value!r} was given for {what}: leave it out")
