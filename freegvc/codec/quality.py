"""Quality control of a stream: each GOP is searched for the wanted score (paper, algorithm 3)."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

from freegvc.codec.scoring import GopScorer
from freegvc.codec.seams import Seams
from freegvc.control import (
    AtBits,
    AtTimestep,
    Found,
    History,
    Path,
    Quality,
    RatePoint,
    goal_of,
    loss_of,
    search,
)
from freegvc.errors import TargetError, TargetWarning

if TYPE_CHECKING:
    from torch import Tensor

    from freegvc.bitstream import Header
    from freegvc.codec.events import OnEvent
    from freegvc.codec.gop_walk import GopWalk
    from freegvc.metrics.metric import Weights
    from freegvc.priors import Prior
    from freegvc.video import Gop

FIRST_BPP = 0.01  # where the very first sample is taken


@dataclass(frozen=True, slots=True)
class Stop:
    """Where a GOP stops.

    Attributes:
        walk: stands there.
        score: of the frames that the GOP shows; None if nobody asked.
        reached: whether the score is within the tolerance of the target; None without a target.
        num_probes: states decoded and scored.
        probe_seconds: spent on that.
    """

    walk: GopWalk
    score: float | None = None
    reached: bool | None = None
    num_probes: int = 0
    probe_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class _Probe:
    walk: GopWalk
    point: RatePoint
    score: float
    tail: Tensor


class QualityControl:
    """Scores GOPs and brings them to a target; remembers what the next one can use.

    Args:
        header: of the stream; its number of frames does not matter.
        prior: of the stream.
        quality: how to score; its metric is named.
        target: wanted score; None if the first GOP sets it, see `measure`.
        weights: folder of the metric's weights, as `freegvc.metrics` takes it.
        on_event: told of every probe.
    """

    def __init__(
        self,
        header: Header,
        prior: Prior,
        quality: Quality,
        target: float | None,
        *,
        weights: Weights,
        on_event: OnEvent,
    ) -> None:
        assert quality.metric is not None
        self.target = target
        self._metric = quality.metric
        self._quality = quality
        self._seams = Seams(header, prior)
        self._weights, self._device = weights, str(prior.device)
        self._on_event = on_event
        self._tail: Tensor | None = None
        self._history: History | None = None

    def measure(self, walk: GopWalk) -> Stop:
        """Score a GOP as it is; its score becomes the target of the next ones."""
        scorer = self._scorer(walk.gop)
        self.target, self._tail = scorer.score(walk)
        point = RatePoint(walk.num_bits(), loss_of(self._metric, self.target))
        floor = loss_of(self._metric, scorer.limit(walk))
        self._history = History((point,), point, walk.timestep, floor)
        return Stop(walk, self.target, True, scorer.num_probes, scorer.seconds)

    def stop(self, path: Path[GopWalk]) -> Stop:
        """Bring a GOP to the target, or as near to it as it gets.

        Args:
            path: of the GOP; grows as far as it is needed.

        Raises:
            TargetError: the target is not reached, and `strict` was asked for.
        """
        assert self.target is not None
        gop = path.trunk.gop
        scorer = self._scorer(gop)
        probes, found = self._search(path, scorer)
        chosen = probes[found.best]
        score = chosen.score
        if not found.reached and self._quality.probe_frames is not None:
            score, _ = scorer.score(chosen.walk)
        goal = goal_of(self._metric, self.target, self._quality.tolerance)
        reached = goal.holds(loss_of(self._metric, score))
        if not reached:
            self._say_missed(gop, score, scorer.num_probes)
        points = tuple(probe.point for probe in probes)
        self._history = History(points, chosen.point, chosen.walk.timestep, found.floor, reached)
        self._tail = chosen.tail
        return Stop(chosen.walk, score, reached, scorer.num_probes, scorer.seconds)

    def _search(self, path: Path[GopWalk], scorer: GopScorer) -> tuple[list[_Probe], Found]:
        """Drive `freegvc.control.search`: walk to where it wants to look, decode and score."""
        assert self.target is not None
        goal = goal_of(self._metric, self.target, self._quality.tolerance)
        searching = search(
            goal,
            first_bits=FIRST_BPP * path.trunk.gop.frames[..., 0].size,
            max_probes=self._quality.max_probes,
            history=self._history,
        )
        probes: list[_Probe] = []
        answer: RatePoint | None = None
        while True:
            try:
                request = next(searching) if answer is None else searching.send(answer)
            except StopIteration as finished:
                found: Found = finished.value
                return probes, found
            if isinstance(request, AtBits | AtTimestep):
                walk = (
                    path.at_bits(request.bits)
                    if isinstance(request, AtBits)
                    else path.at_timestep(request.timestep)
                )
                score, tail = scorer.score(
                    walk, lambda score: goal.holds(loss_of(self._metric, score))
                )
                answer = RatePoint(walk.num_bits(), loss_of(self._metric, score))
                probes.append(_Probe(walk, answer, score, tail))
            else:
                answer = RatePoint(0.0, loss_of(self._metric, scorer.limit(path.trunk)))

    def _scorer(self, gop: Gop) -> GopScorer:
        return GopScorer(
            self._seams,
            self._quality,
            gop,
            self._tail,
            weights=self._weights,
            device=self._device,
            on_event=self._on_event,
        )

    def _say_missed(self, gop: Gop, score: float, num_probes: int) -> None:
        assert self.target is not None
        message = (
            f"GOP {gop.index} has {self._metric} {score:.4g} where {self.target:.4g} was asked "
            f"for: nearer is not reached by this prior with {num_probes} probes; choose a target "
            "that is, or a larger tolerance"
        )
        if self._quality.strict:
            raise TargetError(message)
        warnings.warn(message, TargetWarning, stacklevel=5)
