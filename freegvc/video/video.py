"""A video held in memory."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from os import PathLike
from typing import Any

import numpy as np
import numpy.typing as npt

from freegvc.errors import UsageError, VideoReadError
from freegvc.video.colour import BT709, Colour
from freegvc.video.rate import Rate, parse_rate

Frames = npt.NDArray[np.uint8]

_NEEDED = "needed is uint8 [T, H, W, 3] with at least one frame and one pixel, RGB 0..255"


@dataclass(frozen=True, eq=False, repr=False)
class Video:
    """Frames and what is needed to show them.

    frames: uint8 [T, H, W, 3], R'G'B' 0..255 (full range), upright.
    frame_rate: frames per second; nominal where timestamps are given.
    timestamps: seconds of each frame, increasing from 0, when the rate varies; else None.
    colour: the tags (and the Y'CbCr matrix) with which the video is written.
    pixel_aspect: width over height of one pixel.
    audio: a Matroska file with the audio streams alone, or None.

    Raises VideoReadError for frames of another dtype or shape, or another number of timestamps.
    """

    frames: Frames
    frame_rate: Fraction
    timestamps: tuple[Fraction, ...] | None = None
    colour: Colour = BT709
    pixel_aspect: Fraction = Fraction(1)
    audio: bytes | None = None

    def __post_init__(self) -> None:
        check_frames(self.frames)
        if self.timestamps is not None:
            check_timestamps(self.timestamps)
            if len(self.timestamps) != len(self.frames):
                raise VideoReadError(
                    f"{len(self.timestamps)} timestamps for {len(self.frames)} frames: "
                    "give one for each frame, or None for a constant rate"
                )

    @classmethod
    def from_array(cls, frames: Any, frame_rate: Rate = 25) -> "Video":
        """Wrap a NumPy array or torch tensor, uint8 [T, H, W, 3], RGB 0..255.

        Raises VideoReadError for anything else, UsageError for an impossible frame rate.
        """
        return cls(as_frames(frames), parse_rate(frame_rate))

    @property
    def width(self) -> int:
        """Pixels per row."""
        return int(self.frames.shape[2])

    @property
    def height(self) -> int:
        """Rows."""
        return int(self.frames.shape[1])

    @property
    def num_frames(self) -> int:
        """Frames."""
        return int(self.frames.shape[0])

    @property
    def duration_seconds(self) -> float:
        """From the start of the first frame to the end of the last, in seconds."""
        if self.timestamps is None:
            return float(self.num_frames / self.frame_rate)
        return float(self.timestamps[-1] + 1 / self.frame_rate)

    def save(
        self,
        path: str | PathLike[str],
        *,
        codec: str = "x264",
        crf: int | None = None,
        overwrite: bool = False,
    ) -> None:
        """Write the video; the suffix of `path` chooses the format (see `open_writer`)."""
        from freegvc.video.writer import open_writer

        with open_writer(
            path,
            width=self.width,
            height=self.height,
            frame_rate=self.frame_rate,
            colour=self.colour,
            pixel_aspect=self.pixel_aspect,
            codec=codec,
            crf=crf,
            timestamps=self.timestamps,
            audio=self.audio,
            overwrite=overwrite,
        ) as writer:
            for frame in self.frames:
                writer.write(frame)

    def __repr__(self) -> str:
        variable = "variable, about " if self.timestamps is not None else ""
        audio = ", audio" if self.audio is not None else ""
        return (
            f"<Video {self.width}x{self.height}, {self.num_frames} frames, "
            f"{variable}{float(self.frame_rate):g} fps{audio}>"
        )


def as_frames(frames: Any) -> Frames:
    """Return `frames` (NumPy array or torch tensor) as uint8 [T, H, W, 3], without copying.

    Raises VideoReadError for another type, dtype or shape.
    """
    if hasattr(frames, "detach"):
        frames = frames.detach().cpu().numpy()
    check_frames(frames)
    result: Frames = frames
    return result


def check_frames(frames: Any) -> None:
    """Raise VideoReadError unless `frames` is a NumPy array, uint8 [T, H, W, 3], not empty."""
    if not isinstance(frames, np.ndarray):
        raise VideoReadError(f"frames are a {type(frames).__name__}: {_NEEDED}")
    if frames.dtype != np.uint8:
        raise VideoReadError(
            f"frames have dtype {frames.dtype}: {_NEEDED}; scale floats with "
            "(x * 255).round().clip(0, 255) first"
        )
    if frames.ndim != 4 or frames.shape[3] != 3 or 0 in frames.shape:
        raise VideoReadError(f"frames have shape {list(frames.shape)}: {_NEEDED}")


def check_timestamps(timestamps: Sequence[Fraction]) -> None:
    """Raise UsageError unless `timestamps` start at or after 0 and increase."""
    previous = None
    for index, seconds in enumerate(timestamps):
        if seconds < 0 or (previous is not None and seconds <= previous):
            raise UsageError(
                f"timestamp {index} is {float(seconds):g} s after "
                f"{'nothing' if previous is None else f'{float(previous):g} s'}: timestamps must "
                "start at or after 0 and increase"
            )
        previous = seconds
