"""Frames, one after the other."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from fractions import Fraction
from types import TracebackType

import numpy as np
import numpy.typing as npt

from freegvc.errors import UsageError
from freegvc.video.colour import BT709, Colour

Frame = npt.NDArray[np.uint8]


class FrameSource(ABC):
    """A video that is read once, from front to back, in memory independent of its length.

    width, height: of the upright picture, in pixels.
    frame_rate: frames per second; nominal where `timestamps()` is not None.
    colour: the tags with which to write the video again; never matrix 0.
    pixel_aspect: width over height of one pixel.
    num_frames: what the container states, or None; exact after the last frame was read.

    Iterate once: frames are uint8 [height, width, 3], full-range RGB, in presentation order;
    reading raises VideoReadError. Use it as a context manager, so that the file is closed.
    """

    width: int
    height: int
    frame_rate: Fraction
    colour: Colour = BT709
    pixel_aspect: Fraction = Fraction(1)
    num_frames: int | None = None

    _started = False
    _finished = False

    def __iter__(self) -> Iterator[Frame]:
        if self._started:
            raise UsageError("a FrameSource is read once: open the video again for a second pass")
        self._started = True
        return self._count()

    def timestamps(self) -> tuple[Fraction, ...] | None:
        """Seconds of each frame, increasing from 0, or None when the rate is constant.

        Constant: each gap is 1/frame_rate within one tick of the container's clock, and the
        whole does not drift by half a frame. Raises UsageError before the last frame was read.
        """
        if not self._finished:
            raise UsageError("timestamps are known only after the last frame was read")
        return self._timestamps()

    def close(self) -> None:  # noqa: B027 (most sources hold nothing open)
        """Release the file. Closing twice does no harm."""

    def __enter__(self) -> "FrameSource":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _count(self) -> Iterator[Frame]:
        count = 0
        for frame in self._frames():
            count += 1
            yield frame
        self.num_frames = count
        self._finished = True

    @abstractmethod
    def _frames(self) -> Iterator[Frame]: ...

    def _timestamps(self) -> tuple[Fraction, ...] | None:
        return None
