"""sweep: a rate-quality curve, for which the video is encoded once."""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from freegvc._atomic import atomic_path, check_output
from freegvc._cli.cut_options import (
    add_coding,
    check_source_options,
    encoding_prior,
    named_settings,
    rates_in,
)
from freegvc._cli.model_options import decoding_prior
from freegvc._cli.pages import count
from freegvc._cli.parser import add_force, add_metric_weights, input_options
from freegvc._cli.paths import readable_video, refuse_same_file, refuse_standard, say
from freegvc._cli.score import ALL, metrics_of
from freegvc.errors import UsageError

if TYPE_CHECKING:
    from freegvc._codec.compressed import CompressedVideo
    from freegvc._codec.sweep import SweepPoint
    from freegvc.events import OnEvent
    from freegvc.priors import Prior

_FORMATS = (".csv", ".json")


def declare_sweep(parser: argparse.ArgumentParser) -> None:
    """A video, the rates, what to score, and where the table goes."""
    from freegvc.metrics import METRIC_NAMES
    from freegvc.metrics.scoring import DEFAULT_METRICS

    parser.add_argument("input", help="any video that compress takes, or a .fgvc file to cut")
    parser.add_argument(
        "--rates",
        type=rates_in,
        required=True,
        metavar="X,X,...",
        help="bits per pixel, audio aside, such as 0.004,0.008,0.016; at most so many each",
    )
    scores = parser.add_argument_group("the scores")
    scores.add_argument(
        "--metrics",
        metavar="NAMES",
        help=f"separated by commas: {', '.join(METRIC_NAMES)}; or {ALL}, which means those that "
        "work on this machine, after downloads of their networks (default: "
        f"{','.join(DEFAULT_METRICS)})",
    )
    scores.add_argument(
        "--reference",
        metavar="FILE",
        help="the original of a .fgvc file; without it, nothing is scored",
    )
    add_metric_weights(scores)
    output = parser.add_argument_group("output (CSV on standard output, unless said otherwise)")
    output.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="write the table to a .csv or .json file"
    )
    output.add_argument("--json", action="store_true", help="print JSON, which says more")
    output.add_argument("--plot", type=Path, metavar="FILE.png", help="draw a curve of each score")
    add_force(output)
    add_coding(parser)
    parser.set_defaults(run=_sweep)


def _sweep(arguments: argparse.Namespace) -> int:
    from freegvc._codec.score import is_stream

    is_cut = is_stream(arguments.input)
    _check(arguments, is_cut=is_cut)
    original = arguments.reference if is_cut else arguments.input
    if original is None:
        return _sweep_file(arguments, None, is_cut=is_cut)
    with readable_video(original, is_raw=arguments.size is not None) as readable:
        return _sweep_file(arguments, readable, is_cut=is_cut)


def _check(arguments: argparse.Namespace, *, is_cut: bool) -> None:
    """Refuse, before any work, options that conflict and outputs that cannot be written."""
    output, plot = arguments.output, arguments.plot
    inputs = [name for name in (arguments.input, arguments.reference) if name is not None]
    if output is not None:
        refuse_standard(output, "--output")
        if arguments.json:
            raise UsageError("--json prints on standard output: leave it out, or --output")
        if output.suffix.lower() not in _FORMATS:
            raise UsageError(f"--output is {output.name}, but must end in .csv or .json")
        check_output(output, overwrite=arguments.force)
        for source in inputs:
            refuse_same_file(source, output)
    check_source_options(arguments)
    if plot is not None:
        from freegvc._cli.score_plot import check_plot

        if is_cut and arguments.reference is None:
            raise UsageError("--plot draws scores, which need the original: add --reference")
        check_plot(plot, inputs, overwrite=arguments.force)


def _sweep_file(arguments: argparse.Namespace, original: str | None, *, is_cut: bool) -> int:
    from freegvc._cli.progress import show_progress
    from freegvc._cli.sweep_table import Table, as_csv, as_json, line
    from freegvc._codec.compressed import CompressedVideo
    from freegvc._codec.sweep import sweep_points
    from freegvc._video import open_video
    from freegvc.metrics.scoring import DEFAULT_METRICS

    metrics: tuple[str, ...] | None = None
    if arguments.metrics is not None:
        metrics = metrics_of(arguments.metrics, arguments.metric_weights, arguments.device)
    stream = CompressedVideo.open(arguments.input) if is_cut else None
    seconds: dict[str, float] = {}

    @contextmanager
    def show(work: str) -> Iterator[OnEvent]:
        began = time.perf_counter()
        with show_progress(work, None) as on_event:
            yield on_event
        seconds[work] = time.perf_counter() - began

    names = () if original is None else metrics or DEFAULT_METRICS
    points: list[SweepPoint] = []
    with (
        nullcontext()
        if original is None
        else open_video(original, **input_options(arguments)) as source
    ):
        for point in sweep_points(
            source if stream is None else stream,
            show,
            rates=arguments.rates,
            metrics=metrics,
            reference=source if stream is not None else None,
            weights=arguments.metric_weights,
            settings=named_settings(arguments),
            prior=_prior(arguments, stream, is_scored=source is not None),
            allow_large=arguments.allow_large,
        ):
            points.append(point)
            say(f"sweep: {line(point, names)}")
    if "encode" in seconds:
        rest = sum(seconds.values()) - seconds["encode"]
        say(f"sweep: {seconds['encode']:.1f} s to encode once, {rest:.1f} s to decode and score")
    table = Table(arguments.input, points, names, seconds.get("encode"))
    is_json = arguments.json or (arguments.output and arguments.output.suffix.lower() == ".json")
    text = as_json(table) if is_json else as_csv(table)
    # before the plot, for which there may be nothing
    if arguments.output is None:
        print(text, end="", flush=True)
    else:
        with atomic_path(arguments.output, overwrite=arguments.force) as temporary:
            temporary.write_text(text, encoding="utf-8")
        say(f"{arguments.output}: {count(len(points), 'rate')}")
    if arguments.plot is not None:
        from freegvc._cli.sweep_plot import save_sweep_plot

        save_sweep_plot(arguments.plot, table, overwrite=arguments.force)
    return 0


def _prior(
    arguments: argparse.Namespace, stream: CompressedVideo | None, *, is_scored: bool
) -> Prior | None:
    """The loaded prior; None where nothing is encoded or decoded."""
    if stream is None:
        return encoding_prior(arguments)
    return decoding_prior(arguments, stream) if is_scored else None
