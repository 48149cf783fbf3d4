"""Scores of a GOP while it is coded: of the frames that it will show in the decoded file."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from freegvc import events
from freegvc.metrics import pool

if TYPE_CHECKING:
    from os import PathLike

    from torch import Tensor

    from freegvc._control.gop_encoder import GopEncoder
    from freegvc._trajectory import Seams, Sender
    from freegvc._video import Gop
    from freegvc.metrics import Metric

IsNear = Callable[[float], bool]


@dataclass(frozen=True, slots=True)
class Before:
    """What a GOP leaves to the scores of the next one.

    Attributes:
        gop: its index.
        tail: `Seams.tail` of it.
        frames: uint8 [T, H, W, 3], its last frames in the source, which the next one shows.
    """

    gop: int
    tail: Tensor
    frames: npt.NDArray[np.uint8]

    @classmethod
    def of(cls, gop: Gop, tail: Tensor, seams: Seams) -> Before:
        """What this GOP leaves."""
        first = gop.advance - seams.num_early
        return cls(gop.index, tail, gop.frames[first : gop.advance].copy())


class GopScorer:
    """Decodes and scores the states of one GOP's walk: each time is a probe.

    Args:
        metric: of single frames.
        pooling: how the scores of the frames become one.
        probe_frames: how many frames a probe scores; None for all.
        weights: folder of the metric's safetensors, as `freegvc.metrics` takes it.
        gops: of the stream.
        gop: the frames.
        before: what the GOP before leaves; None for the first, or to score this one alone.

    Attributes:
        num_probes: probes so far.
        seconds: spent on them.
    """

    def __init__(
        self,
        metric: Metric,
        *,
        pooling: str,
        probe_frames: int | None,
        weights: str | PathLike[str] | None,
        gops: GopEncoder,
        gop: Gop,
        before: Before | None,
    ) -> None:
        self._metric = metric
        self._pooling, self._probe_frames = pooling, probe_frames
        self._weights, self._device = weights, str(gops.prior.device)
        self._seams, self._silent = gops.seams, gops.silent
        self._gop = gop
        self._tail = None if before is None else before.tail
        self._on_event = gops.on_event
        shown = gops.seams.shown(gop.index, gop.advance, is_last=gop.is_last)
        if before is None:
            shown = range(max(shown.start, 0), shown.stop)
        self._shown = shown
        self._reference = gop.frames[max(shown.start, 0) : shown.stop]
        if shown.start < 0 and before is not None:
            self._reference = np.concatenate([before.frames, self._reference])
        self._offset = 0.0  # of all frames' score over that of the sampled ones
        self.num_probes = 0
        self.seconds = 0.0

    def score(self, walk: Sender, is_near: IsNear | None = None) -> tuple[float, Tensor]:
        """Score of a walk that stops where it stands.

        Args:
            walk: of this GOP.
            is_near: where a probe looks at few frames, whether their score calls for one over all
                frames; None: always over all.

        Returns:
            The score, and the clean latent that was decoded for it.
        """
        latent = walk.reconstruct(self._silent)
        return self._probe(latent, walk.num_steps, walk.bits[-1], is_near), latent

    def limit(self, walk: Sender) -> float:
        """Score of the latent itself, over all frames: no walk does better."""
        return self._probe(walk.walk.whole(walk.latent), 0, None, None)

    def _probe(
        self, latent: Tensor, num_steps: int, bits: int | None, is_near: IsNear | None
    ) -> float:
        began = time.perf_counter()
        self._on_event(events.ProbeStarted(self._gop.index, num_steps, bits))
        decoded = self._seams.frames(latent, self._tail, self._shown)
        count = self._probe_frames
        if is_near is None or count is None or count >= len(self._shown):
            score = self._measure(decoded, None)
        else:
            sampled = self._measure(decoded, count)
            score = sampled + self._offset
            if is_near(score):
                score = self._measure(decoded, None)
                self._offset = score - sampled
        self.num_probes += 1
        self.seconds += time.perf_counter() - began
        self._on_event(events.ProbeDone(self._gop.index, num_steps, bits, self._metric.name, score))
        return score

    def _measure(self, decoded: np.ndarray, count: int | None) -> float:
        """Pooled score of all shown frames, or of `count` of them."""
        reference = self._reference
        if count is not None:
            chosen = ((np.arange(count) + 0.5) * len(reference) / count).astype(int)
            reference, decoded = reference[chosen], decoded[chosen]
        scores = self._metric(reference, decoded, weights=self._weights, device=self._device)
        return pool(scores, self._pooling, higher_is_better=self._metric.higher_is_better)
