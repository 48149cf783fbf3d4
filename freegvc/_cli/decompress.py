"""decompress."""

from __future__ import annotations

import argparse
import time

from freegvc._cli.model_options import add_model_options
from freegvc._cli.pages import count
from freegvc._cli.parser import add_allow_large, add_force, keywords_of
from freegvc._cli.paths import STANDARD, binary_output, open_stream, refuse_same_file, say
from freegvc._cli.progress import (
    add_events,
    refuse_events_with_data,
    show_progress,
    tell,
    tell_done,
)


def declare_decompress(parser: argparse.ArgumentParser) -> None:
    """Where to run, and how to write."""
    from freegvc._video import open_writer
    from freegvc.priors import load_prior

    parser.add_argument("input", help="the .fgvc file, or - for standard input")
    parser.add_argument(
        "output",
        help=".mp4, .mkv, .y4m, a name without suffix: a folder of PNG, or - for .y4m on standard "
        "output",
    )
    file = "the file's"
    add_model_options(parser, default=file, dtype=file, attention=file, vae_tiles=file)
    add_allow_large(parser)
    group = parser.add_argument_group("output")
    group.add_argument(
        "--codec", metavar="NAME", help="x264 or x265, for .mp4 and .mkv (default: %(default)s)"
    )
    group.add_argument(
        "--crf", type=int, metavar="N", help="quality of that codec (default: near-lossless)"
    )
    add_force(group)
    add_events(group)
    writer = {name: keywords_of(open_writer)[name] for name in ("codec", "crf")}
    # None: as the file states
    model = {**dict.fromkeys(keywords_of(load_prior)), "device": "cpu"}
    parser.set_defaults(run=_decompress, prior=None, **model, **writer)


def _decompress(arguments: argparse.Namespace) -> int:
    from freegvc._codec.decoder import decode_frames
    from freegvc._codec.limits import check_limits
    from freegvc._codec.model import load_prior_of
    from freegvc._video import Colour, open_writer
    from freegvc.events import CommandStarted, Event, GopDecoded
    from freegvc.priors import load_prior

    refuse_same_file(arguments.input, arguments.output)
    refuse_events_with_data(arguments)
    to_stdout = arguments.output == STANDARD
    began = time.perf_counter()
    tell(
        arguments.events, CommandStarted("decompress", str(arguments.input), str(arguments.output))
    )
    compressed = open_stream(arguments.input)
    if not arguments.allow_large:
        check_limits(compressed)
    header = compressed.header
    output = open_writer(
        binary_output() if to_stdout else arguments.output,
        width=header.width,
        height=header.height,
        frame_rate=header.frame_rate,
        colour=Colour(*header.colour),
        pixel_aspect=header.pixel_aspect,
        codec=arguments.codec,
        crf=arguments.crf,
        timestamps=compressed.timestamps,
        last_frame_seconds=compressed.last_frame_seconds,
        audio=compressed.audio,
        overwrite=arguments.force,
    )
    drifts: list[float] = []
    with show_progress("decompress", arguments.events) as show:

        def on_event(event: Event) -> None:
            if isinstance(event, GopDecoded):
                drifts.append(event.drift_sigma or 0.0)
            show(event)

        options = {name: getattr(arguments, name) for name in keywords_of(load_prior)}
        prior = load_prior_of(compressed, arguments.prior, **options)
        frames = decode_frames(
            compressed, prior=prior, allow_large=arguments.allow_large, on_event=on_event
        )
        with output as writer:
            for frame in frames:
                writer.write(frame)
    seconds = time.perf_counter() - began
    drift = f", drift up to {max(drifts):.2g} sigma" if max(drifts) > 0.0 else ""
    say(
        f"{arguments.output}: {count(header.num_frames, 'frame')} {header.width}x{header.height}, "
        f"{count(header.num_gops, 'GOP')}{drift}, {seconds:.1f} s"
    )
    tell_done(arguments, "decompress", compressed, seconds)
    return 0
