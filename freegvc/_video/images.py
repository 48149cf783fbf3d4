"""Pictures as a video: an animation, a single picture, or a folder of them."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import islice, pairwise
from pathlib import Path

from freegvc._video.frame_source import Frame, FrameSource
from freegvc._video.layout import missing_bytes
from freegvc._video.pictures import PICTURE_SUFFIXES, lacks_its_end, open_picture, read_frames
from freegvc._video.rate import HIGHEST_RATE, Rate, parse_rate
from freegvc._video.strict import warn_or_refuse
from freegvc._video.timestamps import duration_seconds
from freegvc.errors import UnsupportedVideoError, VideoReadError

_DEFAULT_RATE = 25
# Pictures that are not read; a folder that holds some is likely to mean them as frames.
_OTHER_PICTURES = (
    *(".tif", ".tiff", ".exr", ".hdr", ".dpx", ".tga", ".heic", ".heif", ".avif", ".jp2", ".jxl"),
    *(".ppm", ".pgm", ".pnm", ".pfm", ".svg", ".dng", ".cr2", ".nef", ".arw", ".psd"),
)
_DIGITS = re.compile(r"([0-9]+)")


class AnimationSource(FrameSource):
    """A picture, or an animation (GIF, WebP, APNG) with the durations of its frames.

    Alpha is dropped, palettes and grey become RGB, and an EXIF orientation is applied. The colour
    is BT.709 for writing.

    Args:
        path: the file.
        fps: frames per second, which replaces the durations; None for those, or 25.
        strict: whether what is an InputWarning otherwise is an error.

    Raises:
        VideoReadError: the file cannot be read.
    """

    num_frames: int

    def __init__(self, path: Path, fps: Rate | None, *, strict: bool = False) -> None:
        self._picture = open_picture(path)
        self.width, self.height = self._picture.width, self._picture.height
        stated = len(self._picture.indices)
        seconds = self._durations()
        self.num_frames = len(seconds)
        if self.num_frames < stated:
            what = f"is damaged: only {self.num_frames} of {stated} frames can be read"
            warn_or_refuse(path, what, strict=strict)
        elif missing := missing_bytes(path):
            what = f"is cut short: {missing} bytes are missing at its end"
            warn_or_refuse(path, what, strict=strict)
        elif lacks_its_end(path):
            warn_or_refuse(path, "is cut short: the mark of its end is missing", strict=strict)
        self._stamps: tuple[Fraction, ...] | None = None
        self._last_seconds: Fraction | None = None
        self.frame_rate = parse_rate(_DEFAULT_RATE if fps is None else fps)
        known = [duration for duration in seconds if duration is not None]
        if fps is None and len(known) == len(seconds) > 1:
            self._keep(known)

    def _durations(self) -> list[Fraction | None]:
        """Those of all frames up to the first that cannot be read."""
        seconds: list[Fraction | None] = []
        try:
            for _, duration in read_frames(self._picture):
                seconds.append(duration)
        except VideoReadError:
            if not seconds:
                raise
        return seconds

    def _keep(self, seconds: list[Fraction]) -> None:
        """Show each frame as long as the file says."""
        *others, last = seconds
        mean = sum(seconds, Fraction(0)) / len(seconds)
        period = others[0] if len(set(others)) == 1 else mean
        self.frame_rate = 1 / period
        if self.frame_rate > HIGHEST_RATE:
            raise UnsupportedVideoError(
                f"{self._picture.path} has {float(self.frame_rate):g} frames per second: at most "
                f"{HIGHEST_RATE} are supported; say how fast to show it, for example --fps 25"
            )
        if len(set(others)) > 1:
            starts = [Fraction(0)]
            for duration in others:
                starts.append(starts[-1] + duration)
            self._stamps = tuple(starts)
        self._last_seconds = None if last == period else last

    def _count_frames(self) -> int:
        return self.num_frames

    def _duration_seconds(self) -> Fraction:
        return duration_seconds(self.num_frames, self.frame_rate, self._stamps, self._last_seconds)

    def _timestamps(self) -> tuple[Fraction, ...] | None:
        return self._stamps

    def _last_frame_seconds(self) -> Fraction | None:
        return self._last_seconds

    def _frames(self) -> Iterator[Frame]:
        for frame, _ in islice(read_frames(self._picture), self.num_frames):
            yield frame


class ImageFolderSource(FrameSource):
    """The pictures of a folder, one for each frame, in the order of the numbers in their names.

    Hidden files and files of other kinds are ignored. Missing numbers, several types, and pictures
    of types that cannot be read give a warning. The colour is BT.709 for writing.

    Args:
        folder: that holds the pictures.
        fps: frames per second; None for 25.
        strict: whether what is an InputWarning otherwise is an error.

    Raises:
        VideoReadError: the folder holds no pictures, or one cannot be read.
        UsageError: the frame rate is not in (0, 1000].
    """

    num_frames: int

    def __init__(self, folder: Path, fps: Rate | None, *, strict: bool = False) -> None:
        files = [f for f in folder.iterdir() if not f.name.startswith(".") and f.is_file()]
        self._files = sorted(
            (f for f in files if f.suffix.lower() in PICTURE_SUFFIXES), key=_natural
        )
        if not self._files:
            raise VideoReadError(
                f"{folder} holds no pictures: it must hold files that end in "
                f"{', '.join(PICTURE_SUFFIXES)}"
            )
        self.frame_rate = parse_rate(_DEFAULT_RATE if fps is None else fps)
        self.num_frames = len(self._files)
        self._check_sizes()
        others = [f for f in files if f.suffix.lower() in _OTHER_PICTURES]
        for what in (_left_out(others), _types(self._files), _gaps(self._files)):
            if what:
                warn_or_refuse(folder, what, strict=strict)

    def _check_sizes(self) -> None:
        for index, file in enumerate(self._files):
            picture = open_picture(file)
            if len(picture.indices) > 1:
                raise VideoReadError(
                    f"{file} is an animation of {len(picture.indices)} frames: give it alone, or "
                    "take it out of the folder"
                )
            if not index:
                self.height, self.width = picture.height, picture.width
            elif (picture.width, picture.height) != (self.width, self.height):
                raise VideoReadError(
                    f"{file} measures {picture.width}x{picture.height}, but the first picture of "
                    f"the folder {self.width}x{self.height}: all must have the same size"
                )

    def _count_frames(self) -> int:
        return self.num_frames

    def _frames(self) -> Iterator[Frame]:
        for file in self._files:
            frame, _ = next(read_frames(open_picture(file)))
            if frame.shape != (self.height, self.width, 3):
                raise VideoReadError(f"{file} was changed while the folder was read")
            yield frame


def _natural(file: Path) -> tuple[list[tuple[int, str]], str]:
    """A key that sorts numbers by their values: frame2 before frame10."""
    parts = _DIGITS.split(file.stem)
    # texts stand at even places, numbers at odd ones
    return [(int(p), "") if i % 2 else (0, p) for i, p in enumerate(parts)], file.name


def _left_out(files: Sequence[Path]) -> str:
    if not files:
        return ""
    return (
        f"holds {len(files)} pictures of types that are not read, such as "
        f"{min(f.name for f in files)}: they are left out; convert them to PNG"
    )


def _types(files: Sequence[Path]) -> str:
    kinds = Counter(f.suffix.lower() for f in files)
    if len(kinds) < 2:
        return ""
    counts = ", ".join(f"{number} {kind}" for kind, number in kinds.most_common())
    return f"holds pictures of several types ({counts}): all are read, in the order of their names"


def _gaps(files: Sequence[Path]) -> str:
    """Numbers that are missing in the names; empty where the names do not count frames."""
    patterns, numbers = set(), []
    for file in files:
        parts = _DIGITS.split(file.stem)
        if len(parts) < 3:
            return ""
        numbers.append(int(parts[-2]))
        patterns.add((*parts[:-2], parts[-1]))
    if len(patterns) > 1 or len(numbers) < 2:
        return ""
    usual = min(b - a for a, b in pairwise(numbers))
    if usual < 1:
        return ""
    holes = [(a, b) for a, b in pairwise(numbers) if b - a > usual]
    missing = sum((b - a - 1) // usual for a, b in holes)
    if not missing:
        return ""
    before, after = holes[0]
    more = f", and at {len(holes) - 1} other places" if len(holes) > 1 else ""
    return (
        f"has gaps in its numbers: {missing} are missing, between {before} and {after}{more}; the "
        "pictures are shown without a pause"
    )
