"""What a worker does to a GOP of a stream: its walk, then its frames, given the GOP before."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from freegvc._codec.compressed import CompressedVideo
from freegvc._codec.gop_decoder import OTHER_DEVICE, latent_and_drift
from freegvc._codec.model import prior_to_decode
from freegvc._control.finished_gop import Tail, tail_array, tail_tensor
from freegvc._trajectory import Seams
from freegvc.priors.out_of_memory import prior_out_of_memory_named

if TYPE_CHECKING:
    from freegvc.priors import Prior


@dataclass(frozen=True, slots=True)
class Walked:
    """A GOP whose walk is decoded.

    Attributes:
        latent: clean, float32 [C, T', h', w'], before fusion.
        tail: float32 [C, m', h', w'], what the next GOP is fused with, or knows; None of the last.
        drift_sigma: as in `freegvc.events.GopDecoded`.
        seconds: that it took.
    """

    latent: npt.NDArray[np.float32]
    tail: Tail | None
    drift_sigma: float | None
    seconds: float


@dataclass(frozen=True, slots=True)
class Shown:
    """The frames that a GOP shows.

    Attributes:
        first_frame: index of the first one in the video.
        frames: uint8 [T, H, W, 3].
        seconds: that they took.
    """

    first_frame: int
    frames: npt.NDArray[np.uint8]
    seconds: float


class StreamWorker:
    """Decodes the GOPs of one stream.

    Args:
        data: the stream.
        prior: loaded for it.
        allow_large: as for `decompress`.

    Raises:
        StreamError, PriorError: as `decompress`.
    """

    def __init__(self, data: bytes, prior: Prior, *, allow_large: bool) -> None:
        self._stream = CompressedVideo(data)
        self._prior = prior_to_decode(self._stream, prior, None, allow_large=allow_large)
        self._seams = Seams(self._stream.header, self._prior)

    def walk(self, gop: int, known: Tail | None) -> Walked:
        """Decode a GOP up to its clean latent.

        Args:
            gop: its index.
            known: if GOPs are chained, the tail of the GOP before.
        """
        began, header = time.perf_counter(), self._stream.header
        with prior_out_of_memory_named("decompress", self._prior, OTHER_DEVICE):
            before = tail_tensor(known, self._prior.device)
            latent, drift = latent_and_drift(self._stream, self._prior, gop, before)
            tail = None
            if gop < header.num_gops - 1:
                tail = self._seams.tail(latent, header.plan.advance(gop))
        kept = latent.detach().cpu().numpy()
        return Walked(kept, tail_array(tail), drift, time.perf_counter() - began)

    def frames(self, gop: int, walked: Walked, tail: Tail | None) -> Shown:
        """Decode the frames that a GOP shows.

        Args:
            gop: its index.
            walked: what `walk` made of it.
            tail: of the GOP before.
        """
        began, header = time.perf_counter(), self._stream.header
        is_last = gop == header.num_gops - 1
        shown = self._seams.shown(gop, header.plan.advance(gop), is_last=is_last)
        with prior_out_of_memory_named("decompress", self._prior, OTHER_DEVICE):
            latent = tail_tensor(walked.latent, self._prior.device)
            if latent is None:
                raise TypeError("a walk has no latent")
            before = tail_tensor(tail, self._prior.device)
            frames = self._seams.frames(latent, before, shown)
        first = header.gop_frames(gop).start + shown.start
        return Shown(first, frames, time.perf_counter() - began)
