"""The controllers of `Score` and `LikeFirstGop`: each GOP is brought to a score (Algorithm 3)."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Protocol

from freegvc._control.finished_gop import FinishedGop, tail_tensor
from freegvc._control.scoring import Before, GopScorer
from freegvc._control.search import AtBits, AtLimit, AtTimestep, Found, History, search
from freegvc._control.stopping import branch_at_bits, branch_at_timestep
from freegvc._control.surrogate import RatePoint
from freegvc._control.targets import goal_of
from freegvc._warn import warn
from freegvc.errors import JournalError, TargetError, TargetWarning

if TYPE_CHECKING:
    from torch import Tensor

    from freegvc._control.gop_encoder import GopEncoder
    from freegvc._control.targets import LikeFirstGop, Scoring
    from freegvc._trajectory import Sender
    from freegvc._video import Gop
    from freegvc.metrics import Metric

FIRST_BPP = 0.01  # where the very first sample is taken


@dataclass(frozen=True, slots=True)
class _Probe:
    """A scored state: its walk, its point, its score, and the clean latent that was decoded."""

    walk: Sender
    point: RatePoint
    score: float
    latent: Tensor


class ScoreController:
    """Brings every GOP to a score, and remembers what the next one can use.

    Args:
        scoring: how scores are measured and met.
        metric: of single frames.
        target: the wanted score.
        gops: of the stream.
        before: what the GOP before leaves; None if the first GOP comes next.
        history: what that GOP has taught; None if the first GOP comes next.
    """

    def __init__(
        self,
        scoring: Scoring,
        metric: Metric,
        target: float,
        gops: GopEncoder,
        *,
        before: Before | None = None,
        history: History | None = None,
    ) -> None:
        self._scoring = scoring
        self._metric = metric
        self._target = target
        self._goal = goal_of(metric, target, scoring.tolerance)
        self._gops = gops
        self._before = before
        self._history = history
        self._packets: list[bytes] = []

    def add(self, gop: Gop) -> FinishedGop:
        """Bring one GOP to the target, or as near to it as it gets.

        Raises:
            TargetError: the target is missed, and `strict` was asked for.
        """
        trunk = self._gops.start(gop, lambda walk: 0.0)  # a score does not tell how far it is
        before = self._before
        if before is not None and before.gop != gop.index - 1:
            before = None  # the one before is coded elsewhere
        scorer = _scorer(self._scoring, self._metric, self._gops, gop, before)
        probes, found = self._search(trunk, gop, scorer)
        chosen = probes[found.best]
        score = chosen.score
        if not found.reached and self._scoring.probe_frames is not None:
            score, _ = scorer.score(chosen.walk)
        reached = self._goal.holds(self._metric.loss(score))
        if not reached:
            self._say_missed(gop, score, scorer.num_probes)
        points = tuple(probe.point for probe in probes)
        self._history = History(points, chosen.point, chosen.walk.timestep, found.floor, reached)
        finished = self._gops.finish(
            chosen.walk,
            latent=chosen.latent,
            score=score,
            reached=reached,
            num_probes=scorer.num_probes,
            probe_seconds=scorer.seconds,
        )
        self._before = _left(gop, finished, self._gops)
        self._packets.append(finished.packet)
        return _with_history(finished, self._history)

    def restore(self, gop: Gop, finished: FinishedGop) -> None:
        """Take a GOP that an earlier run has brought to the target."""
        self._gops.pass_over(gop, finished)
        self._history = _history_of(finished)
        self._before = _left(gop, finished, self._gops)
        self._packets.append(finished.packet)
        self._gops.on_event(finished.done)

    def finish(self) -> list[bytes]:
        """The packets of all GOPs."""
        return self._packets

    def _search(self, trunk: Sender, gop: Gop, scorer: GopScorer) -> tuple[list[_Probe], Found]:
        """Drive `search`: walk to where it wants to look, decode and score."""
        searching = search(
            self._goal,
            first_bits=FIRST_BPP * gop.frames[..., 0].size,
            max_probes=self._scoring.max_probes or self._gops.max_probes,
            history=self._history,
        )
        probes: list[_Probe] = []
        request = next(searching)
        while True:
            if isinstance(request, AtLimit):
                answer = RatePoint(0.0, self._metric.loss(scorer.limit(trunk)))
            else:
                walk = self._walk_to(request, trunk)
                score, latent = scorer.score(walk, self._is_near)
                answer = RatePoint(walk.bits[-1], self._metric.loss(score))
                probes.append(_Probe(walk, answer, score, latent))
            try:
                request = searching.send(answer)
            except StopIteration as finished:
                return probes, finished.value

    def _walk_to(self, request: AtBits | AtTimestep, trunk: Sender) -> Sender:
        grid = self._gops.grid()
        if isinstance(request, AtBits):
            return branch_at_bits(trunk, grid, request.bits)
        return branch_at_timestep(trunk, grid, request.timestep)

    def _is_near(self, score: float) -> bool:
        return self._goal.holds(self._metric.loss(score))

    def _say_missed(self, gop: Gop, score: float, num_probes: int) -> None:
        message = (
            f"GOP {gop.index} has {self._metric.name} {score:.4g}, but the target is "
            f"{self._target:.4g}: this prior comes no nearer with {num_probes} probes; choose "
            "a target within its reach, or a larger tolerance"
        )
        if self._scoring.strict:
            raise TargetError(message)
        warn(message, TargetWarning)


class Alone(Protocol):
    """A controller that can stop one GOP without the others."""

    def walk_alone(self, gop: Gop) -> Sender:
        """The walk of the first GOP, which stands where the target wants it."""


class LikeFirstGopController:
    """Codes the first GOP to a step or a rate, and all others to the score that it has.

    Args:
        target: how scores are measured and met.
        first: controller of `target.first`.
        gops: of the stream.
    """

    def __init__(self, target: LikeFirstGop, first: Alone, gops: GopEncoder) -> None:
        self._target = target
        self._first = first
        self._gops = gops
        parameters = gops.parameters
        self._metric = target.metric_for(parameters.height, parameters.width)
        self._packets: list[bytes] = []
        self._others: ScoreController | None = None

    def add(self, gop: Gop) -> FinishedGop:
        """Code one GOP; errors as those of `target.first` and `ScoreController.add`."""
        if self._others is not None:
            return self._others.add(gop)
        walk = self._first.walk_alone(gop)
        scorer = _scorer(self._target, self._metric, self._gops, gop, None)
        score, latent = scorer.score(walk)
        point = RatePoint(walk.bits[-1], self._metric.loss(score))
        floor = self._metric.loss(scorer.limit(walk))
        history = History((point,), point, walk.timestep, floor)
        finished = self._gops.finish(
            walk,
            latent=latent,
            score=score,
            reached=True,
            num_probes=scorer.num_probes,
            probe_seconds=scorer.seconds,
        )
        before = _left(gop, finished, self._gops)
        self._others = self._controller_of_others(score, before, history)
        self._packets.append(finished.packet)
        return _with_history(finished, history)

    def restore(self, gop: Gop, finished: FinishedGop) -> None:
        """Take a GOP that an earlier run has coded."""
        if self._others is not None:
            self._others.restore(gop, finished)
            return
        self._gops.pass_over(gop, finished)
        score = finished.done.score
        if score is None:
            raise JournalError(f"GOP {gop.index} was kept without the score that others must have")
        before = _left(gop, finished, self._gops)
        self._others = self._controller_of_others(score, before, _history_of(finished))
        self._packets.append(finished.packet)
        self._gops.on_event(finished.done)

    def _controller_of_others(
        self, score: float, before: Before | None, history: History
    ) -> ScoreController:
        return ScoreController(
            self._target, self._metric, score, self._gops, before=before, history=history
        )

    def finish(self) -> list[bytes]:
        """The packets of all GOPs."""
        return [*self._packets, *(self._others.finish() if self._others else [])]


def _scorer(
    scoring: Scoring, metric: Metric, gops: GopEncoder, gop: Gop, before: Before | None
) -> GopScorer:
    return GopScorer(
        metric,
        pooling=scoring.pooling,
        probe_frames=scoring.probe_frames,
        weights=scoring.weights,
        gops=gops,
        gop=gop,
        before=before,
    )


def _left(gop: Gop, finished: FinishedGop, gops: GopEncoder) -> Before | None:
    """What a GOP leaves to the scores of the next one; None if that is not kept."""
    tail = tail_tensor(finished.tail, gops.prior.device)
    return None if tail is None else Before.of(gop, tail, gops.seams)


def _with_history(finished: FinishedGop, history: History) -> FinishedGop:
    """A finished GOP with what the next one learns from it."""
    return replace(finished, state={"history": asdict(history)})


def _history_of(finished: FinishedGop) -> History:
    kept = finished.state["history"]
    points = tuple(RatePoint(**point) for point in kept["points"])
    return History(**{**kept, "points": points, "chosen": RatePoint(**kept["chosen"])})
