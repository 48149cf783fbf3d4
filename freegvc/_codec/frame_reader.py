"""Single frames of a stream, decoded when they are asked for."""

from __future__ import annotations

from collections.abc import Iterator
from os import PathLike
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from freegvc._codec.decoder import CompressedInput, open_compressed, warn_of_drift
from freegvc._codec.gop_decoder import DecodedGop, GopDecoder
from freegvc._codec.limits import check_limits
from freegvc._codec.model import prior_to_decode

if TYPE_CHECKING:
    from freegvc._codec.compressed import CompressedVideo
    from freegvc.priors import Prior

Frames = npt.NDArray[np.uint8]


class FrameReader:
    """The frames of a stream as a sequence: `frames[100]`, `frames[-1]`, `frames[10:20]`.

    A frame takes its GOP and, where GOPs overlap, the latents of the one before; if GOPs are
    chained, those of all before. The GOP of the last frame is kept, so frames in order cost what
    `decompress` costs.

    Args:
        compressed, prior, device, allow_large: as for `decompress`.

    Attributes:
        stream: the stream.

    Raises:
        StreamError, LargeStreamError, PriorError, UsageError: as `decompress`.
    """

    def __init__(
        self,
        compressed: CompressedInput,
        *,
        prior: str | PathLike[str] | Prior | None = None,
        device: str | None = None,
        allow_large: bool = False,
    ) -> None:
        self.stream: CompressedVideo = open_compressed(compressed)
        if not allow_large:
            check_limits(self.stream)
        model = prior_to_decode(self.stream, prior, device, allow_large=allow_large)
        self._decoder = GopDecoder(self.stream, model)
        self._gop: DecodedGop | None = None

    def __len__(self) -> int:
        return self.stream.header.num_frames

    def __getitem__(self, index: int | slice) -> Frames:
        """A frame, uint8 [H, W, 3], or frames, uint8 [T, H, W, 3].

        Raises:
            IndexError: the video does not have the frame.
        """
        chosen = range(len(self))[index]
        if isinstance(chosen, int):
            return self._frame(chosen).copy()
        header = self.stream.header
        frames = np.empty((len(chosen), header.height, header.width, 3), np.uint8)
        for place, frame in enumerate(chosen):
            frames[place] = self._frame(frame)
        return frames

    def __iter__(self) -> Iterator[Frames]:
        return (self[k] for k in range(len(self)))

    def _frame(self, index: int) -> Frames:
        gop = self._gop
        if gop is None or not gop.first_frame <= index < gop.first_frame + len(gop.frames):
            (k,) = self._decoder.gops_of(range(index, index + 1))
            gop = self._gop = self._decoder.decode(k)
            warn_of_drift({k: gop.drift_sigma or 0.0})
        frame: Frames = gop.frames[index - gop.first_frame]
        return frame
