"""score: a video or a stream against its original."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from freegvc._cli.parser import (
    add_allow_large,
    add_force,
    add_input_options,
    add_metric_weights,
)
from freegvc._cli.paths import STANDARD, file_bytes, printable, readable_video, say
from freegvc._cli.progress import FrameCount
from freegvc._cli.ray_options import add_ray, ray_workers
from freegvc._cli.reading import is_raw, reading_of
from freegvc.errors import UsageError

if TYPE_CHECKING:
    from freegvc._cli.score_page import Report
    from freegvc._codec.compressed import CompressedVideo
    from freegvc._page.recorder import PairRecorder
    from freegvc._video import FrameSource
    from freegvc.cluster import Workers
    from freegvc.metrics.scoring import Frame, OnPair

ALL = "all"


def declare_score(parser: argparse.ArgumentParser) -> None:
    """Two files, what to compute, and how to print it."""
    parser.add_argument("reference", help="the original: any video that compress takes")
    parser.add_argument("distorted", help="any video, or a .fgvc file, which is decoded")
    add_metric_options(parser)
    output = parser.add_argument_group("the output")
    output.add_argument(
        "--json", action="store_true", help="print JSON, with the scores of each frame"
    )
    output.add_argument(
        "--worst",
        type=int,
        default=3,
        metavar="N",
        help="how many of the worst frames to list (default: %(default)s)",
    )
    output.add_argument(
        "--plot", type=Path, metavar="FILE.png", help="draw the score of each frame"
    )
    output.add_argument(
        "--page",
        type=Path,
        metavar="FILE.html",
        help="a page that plays both in step, as freegvc view makes it",
    )
    add_force(output)
    streams = parser.add_argument_group("decoding a .fgvc file")
    streams.add_argument(
        "--prior",
        metavar="NAME",
        help="a prior's name, or the folder of a model (default: its own)",
    )
    add_allow_large(streams)
    add_ray(parser)
    add_input_options(parser, "a video")
    parser.set_defaults(run=_score)


def add_metric_options(parser: argparse.ArgumentParser, none: str | None = None) -> None:
    """Which metrics, and what they need.

    Args:
        parser: of the command.
        none: the word for no metric at all, where the command takes one.
    """
    from freegvc.metrics import METRIC_NAMES
    from freegvc.metrics.scoring import DEFAULT_METRICS

    scores = parser.add_argument_group("the scores")
    scores.add_argument(
        "--metrics",
        metavar="NAMES",
        default=",".join(DEFAULT_METRICS),
        help=f"separated by commas: {', '.join(METRIC_NAMES)}; or {ALL}, which means those that "
        "work on this machine, after downloads of their networks"
        + (f"; or {none}" if none else "")
        + " (default: %(default)s)",
    )
    add_metric_weights(scores)
    scores.add_argument("--device", default="cpu", help="where networks run (default: %(default)s)")


def _score(arguments: argparse.Namespace) -> int:
    from freegvc._codec.score import is_stream

    if arguments.reference == arguments.distorted == STANDARD:
        raise UsageError("standard input is read once: only one of the two videos can be -")
    # a pipe holds raw samples if --size is given and no file is raw
    names = (arguments.reference, arguments.distorted)
    raw_pipe = arguments.size is not None and not any(map(is_raw, names))
    with (
        readable_video(arguments.reference, is_raw=raw_pipe) as reference,
        readable_video(arguments.distorted, is_raw=raw_pipe) as distorted,
    ):
        if arguments.ray is not None and not is_stream(distorted):
            raise UsageError(f"--ray decodes .fgvc files, but {distorted} is none: leave --ray out")
        with ray_workers(arguments) as workers:
            return _score_files(arguments, reference, distorted, workers)


def _score_files(
    arguments: argparse.Namespace, reference: str, distorted: str, workers: Workers | None
) -> int:
    from freegvc._cli.progress import show_progress
    from freegvc._cli.score_page import Report, document, page
    from freegvc._codec.compressed import CompressedVideo
    from freegvc._codec.score import is_stream, score
    from freegvc.events import Event, GopDecoded, ignore

    inputs = (arguments.reference, arguments.distorted)
    if arguments.plot is not None:
        from freegvc._cli.score_plot import check_plot

        check_plot(arguments.plot, inputs, overwrite=arguments.force)
    recorder = None
    if arguments.page is not None:
        from freegvc._cli.page_file import check_page
        from freegvc._page.recorder import PairRecorder

        if workers is not None:
            raise UsageError("--page keeps frames while they are scored here: leave --ray out")
        check_page(arguments.page, "--page", inputs, overwrite=arguments.force)
        recorder = PairRecorder()
    metrics = metrics_of(arguments.metrics, arguments.metric_weights, arguments.device)
    is_decoded = is_stream(distorted)
    gops: list[range] = []  # the frames that each GOP of a stream shows
    with (
        _open_both(arguments, reference, distorted, is_decoded=is_decoded) as (references, frames),
        show_progress("score", None) if is_decoded else nullcontext(ignore) as show,
    ):

        def on_event(event: Event) -> None:
            if isinstance(event, GopDecoded):
                gops.append(range(event.first_frame, event.first_frame + event.num_frames))
            show(event)

        common: dict[str, Any] = {
            "metrics": metrics,
            "weights": arguments.metric_weights,
            "device": arguments.device,
            "prior": arguments.prior,
            "allow_large": arguments.allow_large,
            "on_event": on_event,
        }
        if workers is None:
            on_pair = _both(None if is_decoded else FrameCount("score"), recorder)
            scores = score(references, frames, on_pair=on_pair, **common)
        else:
            from freegvc import cluster

            scores = cluster.score(references, frames, workers=workers, **common)
    num_bytes, audio_bytes = file_bytes(distorted), None
    bpp = 8.0 * num_bytes / scores.num_pixels
    if isinstance(frames, CompressedVideo):
        bpp, audio_bytes = frames.bpp, frames.audio_bytes
    names = (Path(arguments.reference), Path(arguments.distorted))
    report = Report(*names, metrics, scores, num_bytes, audio_bytes, bpp, tuple(gops))
    # first, as there may be nothing to plot
    if arguments.json:
        print(json.dumps(document(report, arguments.worst), indent=2, allow_nan=False), flush=True)
    else:
        print(page(report, arguments.worst), flush=True)
    if arguments.plot is not None:
        from freegvc._cli.score_plot import save_score_plot

        save_score_plot(arguments.plot, report, overwrite=arguments.force)
    if recorder is not None:
        _save_page(arguments, report, recorder, references.frame_rate, frames)
    return 0


def metrics_of(names: str, weights: Path | None, device: str) -> tuple[str, ...]:
    """The metrics to compute, checked before any work begins.

    Raises:
        UsageError: a name is not that of a metric.
        MetricUnavailableError: a metric that was named does not work on this machine.
    """
    from freegvc.errors import MetricUnavailableError
    from freegvc.metrics import METRIC_NAMES, check_metric

    if names != ALL:
        chosen = tuple(dict.fromkeys(name.strip() for name in names.split(",")))
        for name in chosen:
            check_metric(name, weights=weights, device=device)
        return chosen
    working = []
    for name in METRIC_NAMES:
        try:
            check_metric(name, weights=weights, device=device)
        except MetricUnavailableError as error:
            say(f"without {name}: {error}")
        else:
            working.append(name)
    return tuple(working)


@contextmanager
def _open_both(
    arguments: argparse.Namespace, reference: str, distorted: str, *, is_decoded: bool
) -> Iterator[tuple[FrameSource, FrameSource | CompressedVideo]]:
    """Both videos; options that describe a format go to the one that is raw, if one is."""
    from freegvc._codec.compressed import CompressedVideo
    from freegvc._video import open_video

    reading = reading_of(arguments, (reference, distorted))
    with open_video(reference, **reading[0]) as references:
        if is_decoded:
            yield references, CompressedVideo.open(distorted)
            return
        with open_video(distorted, **reading[1]) as frames:
            yield references, frames


def _both(counted: FrameCount | None, recorder: PairRecorder | None) -> OnPair:
    """Show how far scoring is, where no events of a stream do, and record the pairs for a page."""

    def on_pair(index: int, a: Frame, b: Frame) -> None:
        if counted is not None:
            counted(index)
        if recorder is not None:
            recorder(index, a, b)

    return on_pair


def _save_page(
    arguments: argparse.Namespace,
    report: Report,
    recorder: PairRecorder,
    frame_rate: Fraction,
    frames: FrameSource | CompressedVideo,
) -> None:
    from freegvc._cli.page_file import recorded_versions, save_page, viewed_gops
    from freegvc._codec.compressed import CompressedVideo
    from freegvc._page.view import ViewedGop

    names = [printable(path.name) for path in (report.reference, report.distorted)]
    source_bytes = file_bytes(report.reference) if report.reference.exists() else None
    source_bpp = None if source_bytes is None else 8.0 * source_bytes / report.scores.num_pixels
    part, gops = range(recorder.num_frames), list[ViewedGop]()
    if isinstance(frames, CompressedVideo):
        for number, shown in enumerate(report.gops):
            gops += viewed_gops(frames, number, shown, part)
    versions = recorded_versions(
        recorder,
        (names[0], names[1]),
        ((source_bytes, source_bpp), (report.num_bytes, report.bpp)),
        report.scores.per_frame,
        gops,
    )
    save_page(
        arguments.page,
        versions,
        title=" · ".join(names),
        frame_rate=frame_rate,
        metrics=[report.scores.metrics[name] for name in versions[1].scores],
        remark=recorder.remark,
        overwrite=arguments.force,
    )
