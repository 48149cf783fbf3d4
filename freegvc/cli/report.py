"""--report DIR: the control log of a run, and three pictures of it.

    events.ndjson   every event of the run, as --events ndjson prints them
    scores.png      the score of each frame, with the borders of the GOPs
    curves.png      the states that were scored, and a power law through those of each GOP
    bits.png        the bits of each GOP

The scores are measured here, on the frames that a decoder gets from the finished stream.
"""

from __future__ import annotations

import argparse
import json
import math
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from freegvc.atomic import atomic_path, check_output
from freegvc.cli.pages import count
from freegvc.codec.events import Event, GopDecoded, GopDone, ProbeDone
from freegvc.control import FirstGopTarget, Quality, QualityTarget, goal_of
from freegvc.errors import UsageError

if TYPE_CHECKING:
    from freegvc.cli.scoring import Frame
    from freegvc.codec import CompressedVideo
    from freegvc.control import Target

EventT = TypeVar("EventT", bound=Event)

LOG = "events.ndjson"
PICTURES = ("scores.png", "curves.png", "bits.png")


@dataclass(frozen=True, slots=True)
class GopReport:
    """What happened to one GOP.

    Attributes:
        frames: those that it shows in the decoded video.
        num_pixels: of all frames that it covers, overlap included.
        bits: of its packet.
        stop_step: where its walk stops.
        score: pooled over `frames`.
        reached: whether the search met its target; None if there was none.
        probes: (bits, score) of each state that was decoded and scored, in order.
        limit: score of the latent itself, which no walk surpasses; None if nobody looked.
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
        title: of all of them.
        metric: name of what is scored.
        pooling: of the frames of a GOP.
        per_frame: score of each frame.
        gops: in order.
        target: the wanted score, and the ends of what is near enough; None without a target.
    """

    title: str
    metric: str
    pooling: str
    per_frame: tuple[float, ...]
    gops: tuple[GopReport, ...]
    target: tuple[float, float, float] | None


def check_report(folder: Path, *, overwrite: bool) -> None:
    """Refuse, before any work, a report that could not be written.

    Args:
        folder: where it will be; made if it is missing.
        overwrite: whether an older report may go.

    Raises:
        OutputExistsError: one of its files exists and `overwrite` is false.
        UsageError: matplotlib is missing, or `folder` cannot be a folder.
    """
    if find_spec("matplotlib") is None:
        raise UsageError("--report needs matplotlib: pip install 'freegvc[bench]'")
    if not folder.exists():
        if not folder.parent.is_dir():
            raise UsageError(f"{folder.parent} is not a folder, so no report can be put there")
        return
    if not folder.is_dir():
        raise UsageError(f"--report writes a folder, and {folder} is a file: name another")
    for name in (LOG, *PICTURES):
        check_output(folder / name, overwrite=overwrite)


def report_run(
    arguments: argparse.Namespace, compressed: CompressedVideo, events: Sequence[Event]
) -> None:
    """Report a run of `freegvc compress`.

    Args:
        arguments: of the command.
        compressed: what came of it.
        events: of the run, in order.

    Raises:
        FreeGvcError: as `check_report`, decoding and scoring do.
    """
    from freegvc.cli.parser import keywords_of
    from freegvc.codec import decode_frames
    from freegvc.control import make_target
    from freegvc.video import ColourWarning, open_video

    given = vars(arguments)
    target = make_target(**{name: given[name] for name in keywords_of(make_target)})
    name, gops = Path(arguments.output).name, count(compressed.header.num_gops, "GOP")
    raw = {name: given[name] for name in ("size", "fps", "pix_fmt")}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ColourWarning)  # it was said when the video was compressed
        reference = open_video(arguments.input, **raw)
    with reference as frames:
        report = make_report(
            f"{name}  ·  {compressed.bpp:.4g} bpp, {gops}",
            compressed,
            events,
            frames,
            target,
            weights=arguments.metric_weights,
            decoding={name: given[name] for name in keywords_of(decode_frames)},
        )
    save_report(arguments.report, report, events, overwrite=arguments.force)


def save_report(folder: Path, report: Report, events: Sequence[Event], *, overwrite: bool) -> None:
    """Write the four files; nothing is written before all of them are made.

    Args:
        folder: made if it is missing.
        report: what the pictures show.
        events: of the run, in order.
        overwrite: whether an older report may go.

    Raises:
        OutputExistsError, UsageError: as `check_report`.
    """
    from freegvc.cli.report_plots import draw_bits, draw_curves, draw_scores

    check_report(folder, overwrite=overwrite)
    lines = [json.dumps(event.as_dict(), allow_nan=False) + "\n" for event in events]
    files = {LOG: "".join(lines).encode()}
    drawers: Iterable[Callable[[Report], bytes]] = (draw_scores, draw_curves, draw_bits)
    files |= {name: draw(report) for name, draw in zip(PICTURES, drawers, strict=True)}
    folder.mkdir(exist_ok=True)
    for name, data in files.items():
        with atomic_path(folder / name, overwrite=overwrite) as temporary:
            temporary.write_bytes(data)


def make_report(
    title: str,
    compressed: CompressedVideo,
    events: Sequence[Event],
    reference: Iterable[Frame],
    target: Target,
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
        target: what the run was asked for.
        weights: folder of the metrics' weights.
        decoding: keywords of `freegvc.codec.decode_frames`, such as `device`.

    Raises:
        StreamError, PriorError, MetricUnavailableError: as decoding and scoring do.
    """
    from freegvc.cli.scoring import score_frames
    from freegvc.codec import decode_frames
    from freegvc.codec.gop_coder import metric_of
    from freegvc.control import default_metric
    from freegvc.metrics import METRICS, pool

    size = compressed.header.height, compressed.header.width
    metric = metric_of(target, *size) or default_metric(*size)
    quality = _quality_of(target)
    heard: list[Event] = []
    frames = decode_frames(compressed, **decoding, on_event=heard.append)
    scores = score_frames(
        reference, frames, metrics=(metric,), weights=weights, device=decoding.get("device", "cpu")
    )
    per_frame = scores.per_frame[metric]
    assert per_frame is not None  # the metric suits frames of this size
    done = {event.gop: event for event in events if isinstance(event, GopDone)}
    gops = []
    for info, decoded in zip(compressed.gops, _of_type(GopDecoded, heard), strict=True):
        shown = range(decoded.first_frame, decoded.first_frame + decoded.num_frames)
        probes = [probe for probe in _of_type(ProbeDone, events) if probe.gop == info.index]
        limits = [probe.score for probe in probes if probe.bits is None]
        gops.append(
            GopReport(
                frames=shown,
                num_pixels=info.num_frames * size[0] * size[1],
                bits=info.bits,
                stop_step=info.stop_step,
                score=pool(
                    per_frame[shown.start : shown.stop],
                    quality.pooling,
                    higher_is_better=METRICS[metric].higher_is_better,
                ),
                reached=done[info.index].reached,
                probes=tuple((float(p.bits), p.score) for p in probes if p.bits is not None),
                limit=limits[-1] if limits else None,
            )
        )
    wanted = target.score if isinstance(target, QualityTarget) else None
    if isinstance(target, FirstGopTarget):
        wanted = done[0].score
    near = None if wanted is None else near_enough(metric, wanted, quality.tolerance)
    return Report(title, metric, quality.pooling, tuple(per_frame), tuple(gops), near)


def near_enough(metric: str, wanted: float, tolerance: float | None) -> tuple[float, float, float]:
    """A wanted score, and the two ends of what a search takes for it."""
    goal = goal_of(metric, wanted, tolerance)
    return wanted, score_of(metric, goal.low), score_of(metric, goal.high)


def score_of(metric: str, loss: float) -> float:
    """The score of which `freegvc.control.loss_of` gives the loss."""
    from freegvc.metrics import METRICS

    if metric == "psnr":
        return -10.0 * math.log10(loss)
    return 1.0 - loss if METRICS[metric].higher_is_better else loss


def _quality_of(target: Target) -> Quality:
    return target.quality if isinstance(target, QualityTarget | FirstGopTarget) else Quality()


def _of_type(kind: type[EventT], events: Sequence[Event]) -> list[EventT]:
    return [event for event in events if isinstance(event, kind)]
