"""A video held in memory."""

from dataclasses import dataclass
from fractions import Fraction
from os import PathLike
from typing import Any

import numpy as np
import numpy.typing as npt

from freegvc._video.colour import BT709, Colour
from freegvc._video.rate import Rate, exact, parse_rate
from freegvc._video.timestamps import check_last_frame, check_timestamps, duration_seconds
from freegvc._video.writer import open_writer
from freegvc.errors import UsageError, VideoReadError

Frames = npt.NDArray[np.uint8]

_NEEDED = "frames must be uint8 [T, H, W, 3], RGB 0..255, with at least one frame and one pixel"


@dataclass(frozen=True, eq=False, repr=False)
class Video:
    """Frames, and how to show them.

    Attributes:
        frames: uint8 [T, H, W, 3], R'G'B' 0..255 (full range), upright.
        frame_rate: frames per second; nominal where there are timestamps.
        timestamps: seconds of each frame, increasing from 0, if the rate varies; else None.
        colour: tags and Y'CbCr matrix with which the video is written.
        pixel_aspect: width over height of one pixel.
        audio: a Matroska file with the audio streams alone, or None.
        last_frame_seconds: how long the last frame is shown; None for 1/frame_rate.

    Numbers may be given as floats or strings, which count as the decimals that they print as.

    Raises:
        VideoReadError: the frames have another dtype or shape, or the number of timestamps is not
            the number of frames.
        UsageError: a number is none, the frame rate is not above 0, the timestamps do not increase
            from 0, or the last frame is shown for 0 s.
    """

    frames: Frames
    frame_rate: Fraction
    timestamps: tuple[Fraction, ...] | None = None
    colour: Colour = BT709
    pixel_aspect: Fraction = Fraction(1)
    audio: bytes | None = None
    last_frame_seconds: Fraction | None = None

    def __post_init__(self) -> None:
        check_frames(self.frames)
        self._convert("frame_rate", exact("frame_rate", self.frame_rate))
        if self.frame_rate <= 0:  # no upper limit: a stream may state any rate
            raise UsageError(f"frame_rate is {self.frame_rate}, but must be above 0")
        self._convert("pixel_aspect", exact("pixel_aspect", self.pixel_aspect))
        if self.last_frame_seconds is not None:
            seconds = exact("last_frame_seconds", self.last_frame_seconds)
            self._convert("last_frame_seconds", seconds)
        check_last_frame(self.last_frame_seconds)
        if self.timestamps is not None:
            seconds_of_frames = tuple(exact("timestamp", seconds) for seconds in self.timestamps)
            self._convert("timestamps", seconds_of_frames)
            check_timestamps(self.timestamps)
            if len(self.timestamps) != len(self.frames):
                raise VideoReadError(
                    f"{len(self.timestamps)} timestamps for {len(self.frames)} frames: "
                    "give one for each frame, or None for a constant rate"
                )

    def _convert(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)

    @classmethod
    def from_array(cls, frames: Any, frame_rate: Rate = 25) -> "Video":
        """Wrap an array without copying it.

        Args:
            frames: NumPy array or torch tensor, uint8 [T, H, W, 3], RGB 0..255.
            frame_rate: frames per second, as `parse_rate` takes it.

        Raises:
            VideoReadError: another type, dtype or shape.
            UsageError: the frame rate is not in (0, 1000].
        """
        return cls(as_frames(frames), parse_rate(frame_rate))

    @property
    def width(self) -> int:
        """Width of a frame in pixels."""
        return int(self.frames.shape[2])

    @property
    def height(self) -> int:
        """Height of a frame in pixels."""
        return int(self.frames.shape[1])

    @property
    def num_frames(self) -> int:
        """Number of frames."""
        return int(self.frames.shape[0])

    @property
    def duration_seconds(self) -> float:
        """From the start of the first frame to the end of the last, in seconds."""
        return float(
            duration_seconds(
                self.num_frames, self.frame_rate, self.timestamps, self.last_frame_seconds
            )
        )

    def save(
        self,
        path: str | PathLike[str],
        *,
        codec: str | None = None,
        crf: int | None = None,
        overwrite: bool = False,
    ) -> None:
        """Write the video to a file or a folder.

        Args:
            path: its suffix chooses the format, as for `open_writer`.
            codec, crf: for .mp4 and .mkv, as for `open_writer`.
            overwrite: whether an existing output may be replaced.

        Raises:
            OutputExistsError: the output exists and `overwrite` is false.
            UsageError: as `open_writer` raises it.
        """
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
            last_frame_seconds=self.last_frame_seconds,
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
    """Frames as a NumPy array, without copying where they are on the CPU.

    Args:
        frames: NumPy array or torch tensor, uint8 [T, H, W, 3].

    Returns:
        uint8 [T, H, W, 3].

    Raises:
        VideoReadError: another type, dtype or shape.
    """
    if hasattr(frames, "detach"):
        frames = _from_tensor(frames)
    check_frames(frames)
    result: Frames = frames
    return result


def _from_tensor(tensor: Any) -> Any:
    """A torch tensor as an array; this file does not import torch."""
    dtype, layout = (str(value).removeprefix("torch.") for value in (tensor.dtype, tensor.layout))
    if dtype != "uint8":
        raise VideoReadError(_other_dtype(dtype))
    if layout != "strided":
        raise VideoReadError(f"frames are a tensor of layout {layout}: call .to_dense() first")
    if tensor.is_meta:
        raise VideoReadError("frames are a tensor on the meta device, which has no values")
    try:
        return tensor.detach().cpu().numpy()
    except (TypeError, ValueError, RuntimeError) as error:
        raise VideoReadError(
            f"frames are a tensor without a NumPy form ({error}): {_NEEDED}"
        ) from (error)


def _other_dtype(dtype: object) -> str:
    return (
        f"frames have dtype {dtype}: {_NEEDED}; scale floats with "
        "(x * 255).round().clip(0, 255) first"
    )


def check_frames(frames: Any) -> None:
    """Refuse what is not a NumPy array, uint8 [T, H, W, 3] with at least one pixel.

    Raises:
        VideoReadError: another type, dtype or shape.
    """
    if not isinstance(frames, np.ndarray):
        raise VideoReadError(f"frames are a {type(frames).__name__}: {_NEEDED}")
    if frames.dtype != np.uint8:
        raise VideoReadError(_other_dtype(frames.dtype))
    if frames.ndim != 4 or frames.shape[3] != 3 or 0 in frames.shape:
        raise VideoReadError(f"frames have shape {list(frames.shape)}: {_NEEDED}")
