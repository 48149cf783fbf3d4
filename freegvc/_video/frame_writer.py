"""The base of all writers: checks of frames, and an output that is complete or absent."""

from abc import ABC, abstractmethod
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType

import numpy as np

from freegvc._atomic import atomic_path
from freegvc._video.colour import Colour
from freegvc._video.frame_source import Frame
from freegvc._warn import warn
from freegvc.errors import OutputWarning, UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputSpec:
    """The arguments of `open_writer` that every format needs, checked; units as there."""

    path: Path
    width: int
    height: int
    frame_rate: Fraction
    colour: Colour
    pixel_aspect: Fraction
    timestamps: tuple[Fraction, ...] | None
    last_frame_seconds: Fraction | None = None
    audio: bytes | None
    overwrite: bool

    @property
    def subsampling(self) -> tuple[int, int]:
        """(horizontal, vertical) chroma factors: 4:2:0, or 4:4:4 where a side is odd.

        Encoders do not agree on odd sizes in 4:2:0.
        """
        return (1, 1) if self.width % 2 or self.height % 2 else (2, 2)


class FrameWriter(ABC):
    """Writes frames to one output; open it with `open_writer`, and use it in a `with` block."""

    def __init__(self, spec: OutputSpec) -> None:
        self._spec = spec
        self._count = 0
        self._stack = ExitStack()
        self._entered = False

    def write(self, frame: Frame) -> None:
        """Append one frame.

        Args:
            frame: uint8 [height, width, 3], full-range RGB.

        Raises:
            UsageError: another dtype or shape, more frames than timestamps, or a call outside the
                `with` block.
        """
        spec = self._spec
        if not self._entered:
            raise UsageError("write frames inside the with block of open_writer")
        shape = (spec.height, spec.width, 3)
        if not isinstance(frame, np.ndarray) or frame.dtype != np.uint8 or frame.shape != shape:
            got = f"{getattr(frame, 'dtype', type(frame).__name__)} {getattr(frame, 'shape', '')}"
            raise UsageError(f"frame {self._count} is {got}: it must be uint8 {shape}")
        if spec.timestamps is not None and self._count == len(spec.timestamps):
            raise UsageError(f"more frames than the {len(spec.timestamps)} timestamps given")
        self._write(frame, self._count)
        self._count += 1

    def __enter__(self) -> "FrameWriter":
        temporary = self._stack.enter_context(self._place())
        try:
            self._open(temporary)
        except BaseException as error:
            self._abort()
            self._stack.__exit__(type(error), error, error.__traceback__)
            raise
        self._entered = True
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._entered = False
        if error is not None:
            self._abort()
            self._stack.__exit__(kind, error, trace)
            return
        try:
            self._check_count()
            self._finish()
        except BaseException as failure:
            self._abort()
            self._stack.__exit__(type(failure), failure, failure.__traceback__)
            raise
        self._stack.close()

    def _check_count(self) -> None:
        if not self._count:
            raise UsageError(f"no frame was written to {self._spec.path}, so there is no output")
        stamps = self._spec.timestamps
        if stamps is not None and self._count != len(stamps):
            raise UsageError(
                f"{self._count} frames were written, but {len(stamps)} timestamps given"
            )

    def _warn_about_losses(self, what: str) -> None:
        lost = [n for n in ("audio", "timestamps") if getattr(self._spec, n) is not None]
        if self._spec.last_frame_seconds is not None:
            lost.append("duration of the last frame")
        if lost:
            warn(
                f"{what} holds no {' and no '.join(lost)}: left out; write .mkv to keep them",
                OutputWarning,
            )

    def _place(self) -> AbstractContextManager[Path]:
        return atomic_path(self._spec.path, overwrite=self._spec.overwrite)

    @abstractmethod
    def _open(self, temporary: Path) -> None: ...

    @abstractmethod
    def _write(self, frame: Frame, index: int) -> None: ...

    def _finish(self) -> None:  # noqa: B027 (some formats need no end)
        """Complete the file, after the last frame."""

    def _abort(self) -> None:  # noqa: B027 (some formats hold nothing that `_stack` does not close)
        """Release the file after a failure; must not raise."""
