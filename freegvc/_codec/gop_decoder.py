"""The GOPs of a stream, decoded one by one in any order; none is decoded that is not needed."""

from __future__ import annotations

import time
from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from freegvc._trajectory import Seams, Silent, receive

if TYPE_CHECKING:
    from torch import Tensor

    from freegvc._codec.compressed import CompressedVideo
    from freegvc.priors import Prior

OTHER_DEVICE = "decode on a device with more memory, such as --device cpu"


@dataclass(frozen=True, slots=True)
class DecodedGop:
    """What a GOP shows.

    Attributes:
        first_frame: of the video, that it shows.
        frames: uint8 [T, H, W, 3].
        seconds: by stage, as in `freegvc.events.GopDecoded`.
        drift_sigma: likewise.
    """

    first_frame: int
    frames: npt.NDArray[np.uint8]
    seconds: dict[str, float]
    drift_sigma: float | None


class GopDecoder:
    """Decodes GOPs.

    A GOP is joined to the last latents of the GOP before, whose walk is therefore replayed too,
    without decoding its frames. Chained GOPs need the walks of all GOPs before. GOPs in order need
    nothing twice.

    Args:
        stream: to decode.
        prior: of the stream.
    """

    def __init__(self, stream: CompressedVideo, prior: Prior) -> None:
        self._stream, self._prior = stream, prior
        self._header = stream.header
        self._seams = Seams(stream.header, prior)
        self._last: tuple[int, Tensor] | None = None  # GOP and clean latent

    def decode(self, gop: int) -> DecodedGop:
        """The frames that a GOP shows."""
        from freegvc.priors.out_of_memory import prior_out_of_memory_named

        shown, first = self.shown(gop), self._header.plan.first_frame(gop)
        began = time.perf_counter()
        with prior_out_of_memory_named("decompress", self._prior, OTHER_DEVICE):
            tail = self._tail_before(gop)
            latent, drift = self._walk(gop, tail)
            walked = time.perf_counter()
            within = range(shown.start - first, shown.stop - first)
            frames = self._seams.frames(latent, tail, within)
        self._last = gop, latent
        seconds = {"walk": walked - began, "frames": time.perf_counter() - walked}
        return DecodedGop(shown.start, frames, seconds, drift)

    def latent(self, gop: int) -> Tensor:
        """Clean latent of a GOP before fusion, float32 [C, T', h', w']."""
        return self._walk(gop, self._tail_before(gop) if self._header.chain else None)[0]

    def shown(self, gop: int) -> range:
        """The frames of the video that a GOP shows."""
        plan = self._header.plan
        is_last = gop == plan.num_gops - 1
        within = self._seams.shown(gop, plan.advance(gop), is_last=is_last)
        first = plan.first_frame(gop)
        return range(first + within.start, first + within.stop)

    def gops_of(self, frames: range) -> range:
        """The GOPs that show some frames, one or more, of the video."""
        every = range(self._header.num_gops)

        def gop_of(frame: int) -> int:
            return bisect_right(every, frame, key=lambda gop: self.shown(gop).start) - 1

        return range(gop_of(frames[0]), gop_of(frames[-1]) + 1)

    def _walk(self, gop: int, tail: Tensor | None) -> tuple[Tensor, float | None]:
        """Clean latent and drift of a GOP, given what the GOP before leaves to it."""
        known = tail if self._header.chain else None
        return latent_and_drift(self._stream, self._prior, gop, known)

    def _tail_before(self, gop: int) -> Tensor | None:
        """What the GOP before leaves to a GOP; None where they share nothing."""
        if gop == 0 or not self._seams.need_tails:
            return None
        last, tail = self._last, None
        if last is None or last[0] != gop - 1:
            begin = gop - 1
            if self._header.chain:
                begin = last[0] + 1 if last is not None and last[0] < gop else 0
                tail = self._tail_of(last) if begin and last is not None else None
            for k in range(begin, gop):
                last = k, self._walk(k, tail)[0]
                tail = self._tail_of(last)
            return tail
        return self._tail_of(last)

    def _tail_of(self, last: tuple[int, Tensor]) -> Tensor:
        gop, latent = last
        return self._seams.tail(latent, self._header.plan.advance(gop))


def latent_and_drift(
    stream: CompressedVideo, prior: Prior, gop: int, known: Tensor | None
) -> tuple[Tensor, float | None]:
    """Clean latent of one GOP before fusion, float32 [C, T', h', w'], and its drift in sigma.

    Args:
        stream: of the GOP.
        prior: with the stream's tiles.
        gop: its index.
        known: if GOPs are chained, `Seams.tail` of the GOP before.
    """
    from freegvc._channel.coders import make_coder

    header = stream.header
    packet = stream.packet(gop)
    shape = prior.latent.shape(len(header.gop_frames(gop)), header.height, header.width)
    coder = make_coder(header.coder, prior.device)
    received = receive(prior, packet, coder, shape, key=header.key, gop=gop, known=known)
    return received.walk.finish(received.state, Silent.of(header)), received.drift_sigma
