"""The frames of a video, one after the other."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from fractions import Fraction
from types import TracebackType

import numpy as np
import numpy.typing as npt

from freegvc._video.colour import BT709, Colour
from freegvc.errors import UsageError

Frame = npt.NDArray[np.uint8]


class FrameSource(ABC):
    """A video that is read once, from front to back, in memory independent of its length.

    Iterate once: frames are uint8 [height, width, 3], full-range RGB, in presentation order;
    reading raises VideoReadError. Use it as a context manager, which closes the file.

    Attributes:
        width, height: of the upright picture in pixels.
        frame_rate: frames per second; nominal where `timestamps()` is not None.
        first_shown_seconds: when the first frame that is really decoded and shown begins, on the
            clock of the container. It is 0 in `timestamps()`, and sound is moved by as much.
        colour: the tags with which to write the video again; never matrix 0.
        pixel_aspect: width over height of one pixel.
        has_audio: whether there is at least one audio track, of whatever codec.
        num_frames: as far as known, or None; exact after the last frame was read.
    """

    width: int
    height: int
    frame_rate: Fraction
    first_shown_seconds: Fraction = Fraction(0)
    colour: Colour = BT709
    pixel_aspect: Fraction = Fraction(1)
    has_audio: bool = False
    num_frames: int | None = None

    _started = False
    _num_read: int | None = None  # frames, after the last one was read
    _opened_by: "Callable[[], FrameSource] | None" = None  # set by `open_video`
    _first_opened: "FrameSource | None" = None  # which may own what this one reads

    def __iter__(self) -> Iterator[Frame]:
        if self._started:
            raise UsageError("a FrameSource is read once: open the video again for a second pass")
        self._started = True
        return self._read()

    def count_frames(self) -> int:
        """The exact number of frames.

        Where neither the source nor a finished pass tells it, the video is opened and decoded a
        second time. A pass in progress continues undisturbed.

        Raises:
            VideoReadError: the video cannot be read to its end.
        """
        return self._count_frames() if self._num_read is None else self._num_read

    def duration_seconds(self) -> Fraction:
        """From the start of the first frame to the end of the last, found like `count_frames`."""
        return self._duration_seconds()

    def timestamps(self) -> tuple[Fraction, ...] | None:
        """Seconds of each frame, increasing from 0, or None when the rate is constant.

        The rate is constant if each gap is 1/frame_rate within one tick of the container's clock,
        and the gaps together do not drift by half a frame.

        Raises:
            UsageError: the last frame was not read yet.
        """
        if self._num_read is None:
            raise UsageError("timestamps are known only after the last frame was read")
        return self._timestamps()

    def last_frame_seconds(self) -> Fraction | None:
        """How long the last frame is shown, or None for 1/frame_rate.

        Raises:
            UsageError: the last frame was not read yet.
        """
        if self._num_read is None:
            raise UsageError("the end of a video is known only after the last frame was read")
        return self._last_frame_seconds()

    def audio(self) -> bytes | None:
        """The audio streams as a Matroska file, copied without re-encoding; None without audio.

        Raises:
            VideoReadError: the audio cannot be read.
            UnsupportedVideoError: Matroska can hold none of the tracks.
        """
        return None

    def reopen(self) -> "FrameSource":
        """The same video from its first frame on, for a further pass.

        Raises:
            UsageError: `open_video` did not open it.
            VideoReadError: it cannot be opened any more.
        """
        if self._opened_by is None:
            raise UsageError(
                f"a {type(self).__name__} is read once, but more than one pass is needed here: "
                "give a path, an array or what open_video returns"
            )
        fresh = self._opened_by()
        fresh._first_opened = self
        return fresh

    def close(self) -> None:  # noqa: B027 (most sources hold no open file)
        """Release the file. A second call has no effect."""

    def __enter__(self) -> "FrameSource":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _read(self) -> Iterator[Frame]:
        count = 0
        for frame in self._frames():
            count += 1
            yield frame
        self.num_frames = self._num_read = count

    @abstractmethod
    def _frames(self) -> Iterator[Frame]: ...

    @abstractmethod
    def _count_frames(self) -> int: ...

    def _duration_seconds(self) -> Fraction:
        return self.count_frames() / self.frame_rate

    def _timestamps(self) -> tuple[Fraction, ...] | None:
        return None

    def _last_frame_seconds(self) -> Fraction | None:
        return None
