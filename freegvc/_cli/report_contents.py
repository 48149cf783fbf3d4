"""The numbers of a report: scores of the decoded stream, and the events of the run by GOP."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from freegvc._control.targets import goal_of
from freegvc.events import Event, GopDecoded, GopDone, ProbeDone
from freegvc.metrics import pool

if TYPE_CHECKING:
    from freegvc._codec.compressed import CompressedVideo
    from freegvc._control.targets import Target
    from freegvc.metrics import Metric
    from freegvc.metrics.scoring import Frame, OnPair
    from freegvc.priors import Prior

EventT = TypeVar("EventT", bound=Event)


@dataclass(frozen=True, slots=True)
class GopReport:
    """One GOP of a run.

    Attributes:
        frames: those that it shows in the decoded video.
        num_pixels: of all frames that it covers, overlap included.
        bits: of its packet.
        stop_step: timestep at which its walk stops.
        score: pooled over `frames`.
        reached: whether the search met its target; None if there was no target.
        probes: (bits, score) of each state that was decoded and scored, in order.
        limit: score of the latent itself, which no walk surpasses; None if it was not measured.
    """

    frames: range
    num_pixels: int
    bits: int
    stop_step: int
    score: float
    reached: bool | None
    probes: tuple[tuple[float, float], ...]
    limit: float | None


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that the pictures show.

    Attributes:
        title: of all pictures.
        metric: of all scores.
        pooling: of the frames of a GOP.
        per_frame: score of each frame.
        gops: in order.
        target: the target score, and the best and the worst score within the tolerance; None
            without a target.
    """

    title: str
    metric: Metric
    pooling: str
    per_frame: tuple[float, ...]
    gops: tuple[GopReport, ...]
    target: tuple[float, float, float] | None


def make_report(
    title: str,
    compressed: CompressedVideo,
    events: Sequence[Event],
    reference: Iterable[Frame],
    target: Target,
    prior: Prior,
    on_pair: OnPair = lambda index, a, b: None,
) -> Report:
    """Decode a finished stream, score its frames, and sort the events by GOP.

    Args:
        title: of the pictures.
        compressed: the stream.
        events: of the run that made it.
        reference: the original frames, uint8 [H, W, 3]; read once.
        target, prior: of the run.
        on_pair: called with the index of each frame, its original and the decoded frame.

    Raises:
        StreamError, PriorError, MetricUnavailableError: as decoding and scoring raise them.
    """
    from freegvc._codec.decoder import decode_frames
    from freegvc.metrics.scoring import score_frames

    height, width = compressed.header.height, compressed.header.width
    metric = target.metric_for(height, width)
    heard: list[Event] = []
    frames = decode_frames(compressed, prior=prior, allow_large=True, on_event=heard.append)
    scores = score_frames(
        reference,
        frames,
        on_pair,
        metrics=(metric,),
        weights=target.weights,
        device=str(prior.device),
    )
    per_frame = scores.per_frame.get(metric.name) or []  # none where all frames share one score
    done = {event.gop: event for event in _of_type(GopDone, events)}
    gops = []
    for info, decoded in zip(compressed.gops, _of_type(GopDecoded, heard), strict=True):
        shown = range(decoded.first_frame, decoded.first_frame + decoded.num_frames)
        probes = [probe for probe in _of_type(ProbeDone, events) if probe.gop == info.index]
        limits = [probe.score for probe in probes if probe.bits is None]
        gops.append(
            GopReport(
                frames=shown,
                num_pixels=info.num_frames * height * width,
                bits=info.bits,
                stop_step=info.stop_step,
                score=_gop_score(metric, target, per_frame, shown, done[info.index]),
                reached=done[info.index].reached,
                probes=tuple((float(p.bits), p.score) for p in probes if p.bits is not None),
                limit=limits[-1] if limits else None,
            )
        )
    wanted = target.wanted_score(done[0].score)
    near = None if wanted is None else near_enough(metric, wanted, target.tolerance)
    return Report(title, metric, target.pooling, tuple(per_frame), tuple(gops), near)


def _gop_score(
    metric: Metric, target: Target, per_frame: Sequence[float], shown: range, done: GopDone
) -> float:
    """Of the shown frames; where they share one score, that of the GOP's last probe."""
    if metric.is_single:
        return math.nan if done.score is None else done.score
    return pool(
        per_frame[shown.start : shown.stop],
        target.pooling,
        higher_is_better=metric.higher_is_better,
    )


def near_enough(
    metric: Metric, target: float, tolerance: float | None
) -> tuple[float, float, float]:
    """A target score, and the best and the worst score within its tolerance.

    Args:
        metric: the metric of the scores.
        target: a score.
        tolerance: largest difference; None for the metric's own.
    """
    goal = goal_of(metric, target, tolerance)
    return target, metric.score(goal.low), metric.score(goal.high)


def _of_type(kind: type[EventT], events: Sequence[Event]) -> list[EventT]:
    return [event for event in events if isinstance(event, kind)]
