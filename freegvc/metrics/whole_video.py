"""Frames of two videos on disk, for metrics that take a video at once: memory does not grow."""

from __future__ import annotations

import tempfile

import numpy as np

from freegvc.metrics.frames import Frames


class StoredPair:
    """Two videos of one size that are written as they come and read when all is there.

    It takes 6 bytes of the folder of temporary files for each pixel of a frame; `close` frees them.

    Args:
        height, width: of the frames in pixels.
    """

    def __init__(self, height: int, width: int) -> None:
        self._shape = (height, width, 3)
        self._files = [tempfile.TemporaryFile() for _ in range(2)]  # noqa: SIM115  # see `close`
        self._num_frames = 0

    def add(self, reference: Frames, distorted: Frames) -> None:
        """Append frames, uint8 [T, H, W, 3] twice."""
        for file, frames in zip(self._files, (reference, distorted), strict=True):
            file.write(np.ascontiguousarray(frames).data)
        self._num_frames += len(reference)

    def videos(self) -> tuple[Frames, Frames]:
        """Both videos, uint8 [T, H, W, 3], mapped from the files; use them before `close`."""
        for file in self._files:
            file.flush()
        shape = (self._num_frames, *self._shape)
        reference, distorted = (np.memmap(f, np.uint8, "r", shape=shape) for f in self._files)
        return reference, distorted

    def close(self) -> None:
        """Delete the files."""
        for file in self._files:
            file.close()
