"""Scores of a GOP while it is coded: of the frames that it will show in the decoded file."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from freegvc.codec import events
from freegvc.codec.seams import Seams

if TYPE_CHECKING:
    from torch import Tensor

    from freegvc.codec.events import OnEvent
    from freegvc.codec.gop_walk import GopWalk
    from freegvc.control import Quality
    from freegvc.metrics.metric import Weights
    from freegvc.video import Gop

IsNear = Callable[[float], bool]


class GopScorer:
    """Decodes and scores the states of one GOP's walk.

    Args:
        seams: of the stream.
        quality: its metric is named.
        weights: folder of the metric's weights, as `freegvc.metrics` takes it.
        device: where the metric's network runs.
        gop: the frames.
        tail: what `Seams.tail` gave of the GOP before; None for the first.
        on_event: told of every probe.

    Attributes:
        num_probes: decodes so far.
        seconds: spent on decoding and scoring them.
    """

    def __init__(
        self,
        seams: Seams,
        quality: Quality,
        gop: Gop,
        tail: Tensor | None,
        *,
        weights: Weights,
        device: str,
        on_event: OnEvent,
    ) -> None:
        assert quality.metric is not None
        self._seams = seams
        self._quality = quality
        self._metric = quality.metric
        self._gop = gop
        self._tail = tail
        self._weights, self._device = weights, device
        self._on_event = on_event
        self._shown = seams.shown(gop.index, len(gop.frames), is_last=gop.is_last)
        self._offset = 0.0  # of all frames' score over that of the sample
        self.num_probes = 0
        self.seconds = 0.0

    def score(self, walk: GopWalk, is_near: IsNear | None = None) -> tuple[float, Tensor]:
        """Score of a walk that stops where it stands.

        Args:
            walk: of this GOP.
            is_near: where `probe_frames` has a probe look at few frames, whether their score calls
                for one over all frames; None: always over all.

        Returns:
            The score, and what the next GOP would be fused with.
        """
        latent = walk.reconstruct()
        score = self._probe(latent, walk.num_steps, walk.num_bits(), is_near)
        return score, self._seams.tail(latent).clone()

    def limit(self, walk: GopWalk) -> float:
        """Score of the latent itself, over all frames: no walk does better."""
        return self._probe(walk.latent, 0, None, None)

    def _probe(
        self, latent: Tensor, num_steps: int, bits: int | None, is_near: IsNear | None
    ) -> float:
        began = time.perf_counter()
        self._on_event(events.ProbeStarted(self._gop.index, num_steps, bits))
        decoded = self._seams.frames(latent, self._tail, self._shown)
        count = self._quality.probe_frames
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
        done = events.ProbeDone(self._gop.index, num_steps, bits, self._metric, score)
        self._on_event(done)
        return score

    def _measure(self, decoded: np.ndarray, count: int | None) -> float:
        """Pooled score of all shown frames, or of `count` of them."""
        from freegvc.metrics import METRICS, pool

        reference = self._gop.frames[self._shown.start : self._shown.stop]
        if count is not None:
            chosen = ((np.arange(count) + 0.5) * len(reference) / count).astype(int)
            reference, decoded = reference[chosen], decoded[chosen]
        metric = METRICS[self._metric]
        scores = metric(reference, decoded, weights=self._weights, device=self._device)
        return pool(scores, self._quality.pooling, higher_is_better=metric.higher_is_better)
