"""The numbers of a report: scores of the decoded stream, and the events of the run by GOP."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from freegvc.codec.events import Event, GopDecoded, GopDone, ProbeDone
from freegvc.metrics import METRICS, default_metric, pool

if TYPE_CHECKING:
    from freegvc.codec import CompressedVideo
    from freegvc.metrics import Metric
    from freegvc.metrics.scoring import Frame

EventT = TypeVar("EventT", bound=Event)

FIRST_GOP = "first-gop"


@dataclass(frozen=True, slots=True)
class Aim:
    """The score that a run was to reach, if any, and how it is measured.

    Attributes:
        metric: None for the default of the frames' size.
        pooling: of the frames of a GOP.
        score: target of every GOP; None without a target, or if the first GOP sets it.
        tolerance: largest difference from the target; None for the metric's own.
        like_first_gop: whether the score of the first GOP is the target of all others.
    """

    metric: Metric | None = None
    pooling: str = "mean"
    score: float | None = None
    tolerance: float | None = None
    like_first_gop: bool = False


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


def aim_of(options: Mapping[str, Any]) -> Aim:
    """The aim of a run.

    Args:
        options: of `freegvc compress`, by name, such as {"target_lpips": 0.3, "pooling": "p95"}.
    """
    scores = {name: options.get(f"target_{name}") for name in METRICS}
    targets = {name: score for name, score in scores.items() if score is not None}
    name, score = next(iter(targets.items()), (options.get("metric"), None))
    return Aim(
        METRICS[name] if name else None,
        options.get("pooling") or "mean",
        score,
        options.get("tolerance"),
        options.get("target") == FIRST_GOP,
    )


def make_report(
    title: str,
    compressed: CompressedVideo,
    events: Sequence[Event],
    reference: Iterable[Frame],
    aim: Aim,
    *,
    weights: Path | None,
    decoding: Mapping[str, Any],
) -> Report:
    """Decode a finished stream, score its frames, and sort the events by GOP.

    Args:
        title: of the pictures.
        compressed: the stream.
        events: of the run that made it.
        reference: the original frames, uint8 [H, W, 3]; read once.
        aim: of the run.
        weights: folder of the metrics' weights.
        decoding: keywords of `freegvc.codec.decode_frames`, such as `device`.

    Raises:
        StreamError, PriorError, MetricUnavailableError: as decoding and scoring raise them.
    """
    from freegvc.codec import decode_frames
    from freegvc.metrics.scoring import score_frames

    height, width = compressed.header.height, compressed.header.width
    metric = aim.metric or default_metric(height, width)
    heard: list[Event] = []
    frames = decode_frames(compressed, **decoding, on_event=heard.append)
    scores = score_frames(
        reference, frames, metrics=(metric,), weights=weights, device=decoding.get("device", "cpu")
    )
    per_frame = scores.per_frame[metric.name] or []
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
                score=pool(
                    per_frame[shown.start : shown.stop],
                    aim.pooling,
                    higher_is_better=metric.higher_is_better,
                ),
                reached=done[info.index].reached,
                probes=tuple((float(p.bits), p.score) for p in probes if p.bits is not None),
                limit=limits[-1] if limits else None,
            )
        )
    target = done[0].score if aim.like_first_gop else aim.score
    near = None if target is None else near_enough(metric, target, aim.tolerance)
    return Report(title, metric, aim.pooling, tuple(per_frame), tuple(gops), near)


def near_enough(
    metric: Metric, target: float, tolerance: float | None
) -> tuple[float, float, float]:
    """A target score, and the best and the worst score within its tolerance.

    Args:
        metric: whose scale it is.
        target: on that scale.
        tolerance: largest difference; None for the metric's own.
    """
    reach = metric.tolerance if tolerance is None else tolerance
    losses = sorted(metric.loss(target + sign * reach) for sign in (-1, 1))
    return target, metric.score(max(losses[0], 0.0)), metric.score(losses[1])


def _of_type(kind: type[EventT], events: Sequence[Event]) -> list[EventT]:
    return [event for event in events if isinstance(event, kind)]
