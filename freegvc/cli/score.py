"""score: a video or a stream against its original."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from freegvc.cli.parser import add_force, add_raw_video_options
from freegvc.cli.paths import file_bytes, say

if TYPE_CHECKING:
    from freegvc.cli.scoring import Frame, OnPair
    from freegvc.codec import CompressedVideo

ALL = "all"


def declare_score(parser: argparse.ArgumentParser) -> None:
    """Two files, what to measure, and how to print."""
    from freegvc.cli.scoring import DEFAULT_METRICS
    from freegvc.metrics import METRIC_NAMES, WEIGHTS_VARIABLE

    parser.add_argument("reference", type=Path, help="the original: any video that compress takes")
    parser.add_argument("distorted", type=Path, help="any video, or a .fgvc file, which is decoded")
    parser.add_argument(
        "--metrics",
        metavar="NAMES",
        default=",".join(DEFAULT_METRICS),
        help=f"separated by commas, of {', '.join(METRIC_NAMES)}; or {ALL} of them that work here "
        "(default: %(default)s)",
    )
    parser.add_argument(
        "--metric-weights",
        type=Path,
        metavar="DIR",
        help=f"folder of the networks' safetensors (default: {WEIGHTS_VARIABLE}, then torch's "
        "cache, then a download)",
    )
    parser.add_argument("--device", default="cpu", help="where networks run (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="with the scores of each frame")
    parser.add_argument(
        "--worst",
        type=int,
        default=3,
        metavar="N",
        help="how many of the worst frames to list (default: %(default)s)",
    )
    parser.add_argument(
        "--plot", type=Path, metavar="FILE.png", help="draw the score of each frame"
    )
    parser.add_argument(
        "--prior",
        metavar="NAME",
        help="of a .fgvc file, such as a model's folder (default: its own)",
    )
    add_force(parser)
    add_raw_video_options(parser, "a video")
    parser.set_defaults(run=_score)


def _score(arguments: argparse.Namespace) -> int:
    from freegvc.cli.score_page import Report, document, page
    from freegvc.cli.scoring import score_frames
    from freegvc.video import open_video

    if arguments.plot is not None:
        from freegvc.cli.score_plot import check_plot

        check_plot(arguments.plot, overwrite=arguments.force)
    metrics = _metrics(arguments.metrics, arguments.metric_weights, arguments.device)
    reference, distorted = arguments.reference, arguments.distorted
    options = {name: getattr(arguments, name) for name in ("size", "fps", "pix_fmt")}
    # options for neither go to the reference, whose reader says that they do not fit
    are_raw = [path.suffix.lower() == ".yuv" for path in (reference, distorted)]
    first = options if are_raw[0] or not are_raw[1] else {}
    with (
        open_video(reference, **first) as references,
        _open_distorted(
            distorted, options if are_raw[1] else {}, arguments.device, arguments.prior
        ) as opened,
    ):
        frames, compressed, on_pair, gops = opened
        scores = score_frames(
            references,
            frames,
            on_pair,
            metrics=metrics,
            weights=arguments.metric_weights,
            device=arguments.device,
        )
    num_bytes, audio_bytes = file_bytes(distorted), None
    bpp = 8.0 * num_bytes / scores.num_pixels
    if compressed is not None:
        bpp, audio_bytes = compressed.bpp, compressed.audio_bytes
    report = Report(reference, distorted, metrics, scores, num_bytes, audio_bytes, bpp, tuple(gops))
    if arguments.plot is not None:
        from freegvc.cli.score_plot import save_score_plot

        save_score_plot(arguments.plot, report, overwrite=arguments.force)
    if arguments.json:
        print(json.dumps(document(report, arguments.worst), indent=2, allow_nan=False))
    else:
        print(page(report, arguments.worst))
    return 0


def _metrics(asked: str, weights: Path | None, device: str) -> tuple[str, ...]:
    """The metrics to compute; whatever one of them lacks is said before any work begins.

    Raises:
        UsageError: a name that is no metric.
        MetricUnavailableError: a metric asked for by name does not work here.
    """
    from freegvc.errors import MetricUnavailableError
    from freegvc.metrics import METRIC_NAMES, check_metric

    if asked != ALL:
        names = tuple(dict.fromkeys(name.strip() for name in asked.split(",")))
        for name in names:
            check_metric(name, weights=weights, device=device)
        return names
    working = []
    for name in METRIC_NAMES:
        try:
            check_metric(name, weights=weights, device=device)
        except MetricUnavailableError as error:
            say(f"score: without {name}: {error}")
        else:
            working.append(name)
    return tuple(working)


@contextmanager
def _open_distorted(
    path: Path, options: dict[str, Any], device: str, prior: str | None
) -> Iterator[tuple[Iterator[Frame], CompressedVideo | None, OnPair, list[range]]]:
    """Frames of a video or of a stream, the stream, and what shows how far the work is.

    The last is filled while frames are read: those that each GOP of a stream shows.
    """
    gops: list[range] = []
    if path.suffix.lower() == ".fgvc":
        from freegvc.cli.progress import show_progress
        from freegvc.codec import CompressedVideo, Event, GopDecoded, decode_frames

        compressed = CompressedVideo.open(path)
        with show_progress("score", None) as show:

            def on_event(event: Event) -> None:
                if isinstance(event, GopDecoded):
                    gops.append(range(event.first_frame, event.first_frame + event.num_frames))
                show(event)

            frames = decode_frames(compressed, prior=prior, device=device, on_event=on_event)
            yield frames, compressed, lambda index, a, b: None, gops
    else:
        from freegvc.video import open_video

        with open_video(path, **options) as source:
            yield iter(source), None, _FrameCount(), gops


class _FrameCount:
    """Says now and then how many frames are done."""

    def __init__(self) -> None:
        self._last = time.monotonic()

    def __call__(self, index: int, a: Frame, b: Frame) -> None:
        from freegvc.cli.progress import LINE_INTERVAL_SECONDS

        now = time.monotonic()
        if now - self._last >= LINE_INTERVAL_SECONDS:
            self._last = now
            say(f"score: {index} frames done")
