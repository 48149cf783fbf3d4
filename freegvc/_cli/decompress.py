"""decompress."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from itertools import islice
from typing import TYPE_CHECKING

from freegvc._cli.batch import exists_unfinished, run_batch
from freegvc._cli.model_options import add_model_options, decoding_defaults, prior_options
from freegvc._cli.pages import count
from freegvc._cli.parser import CommandParser, add_allow_large, add_force, keywords_of
from freegvc._cli.part_options import add_part, check_part, chosen_frames
from freegvc._cli.paths import STANDARD, binary_output, open_stream, refuse_same_file, say
from freegvc._cli.picture_folder import picture_folder
from freegvc._cli.progress import (
    add_events,
    refuse_events_with_data,
    show_progress,
    tell,
    tell_done,
)
from freegvc._cli.ray_options import add_ray, ray_workers, without_device
from freegvc._cli.resume import add_resume
from freegvc.errors import UsageError, VideoError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from freegvc._codec.compressed import CompressedVideo
    from freegvc.cluster import Workers
    from freegvc.events import OnEvent

_SUFFIXES = {"mp4": ".mp4", "mkv": ".mkv", "y4m": ".y4m", "png": ""}


def declare_decompress(parser: CommandParser) -> None:
    """Where to run, and how to write."""
    from freegvc._video import open_writer

    group = parser.add_argument_group("output")
    parser.add_names(
        "the .fgvc file, or - for standard input",
        ".mp4, .mkv, .y4m, a name without suffix: a folder of PNG, or - for .y4m on standard "
        "output",
        group,
    )
    group.add_argument(
        "--format",
        choices=tuple(_SUFFIXES),
        help="of the outputs in --out-dir; png: a folder of PNG for each (default: mkv)",
    )
    file = "the file's"
    add_model_options(parser, default=file, dtype=file, attention=file, vae_tiles=file)
    add_ray(parser)
    add_allow_large(parser)
    add_part(parser)
    group.add_argument(
        "--codec", metavar="NAME", help="x264 or x265, for .mp4 and .mkv (default: x264)"
    )
    group.add_argument(
        "--crf", type=int, metavar="N", help="quality of that codec (default: near-lossless)"
    )
    add_force(group)
    add_resume(group, "the finished frames of a folder of PNG")
    add_events(group)
    writer = {name: keywords_of(open_writer)[name] for name in ("codec", "crf")}
    parser.set_defaults(run=_decompress, about=None, **decoding_defaults(), **writer)


def _decompress(arguments: argparse.Namespace) -> int:
    if arguments.inputs is None and arguments.format is not None:
        raise UsageError("--format is of outputs in --out-dir: give one output its suffix")
    check_part(arguments)
    with ray_workers(arguments) as workers:
        decode = _in_this_process(arguments) if workers is None else _on_workers(arguments, workers)
        if arguments.inputs is None:
            return _decompress_one(arguments, decode)
        suffix = _SUFFIXES[arguments.format or "mkv"]
        return run_batch(
            arguments, "decompress", suffix, lambda file: _decompress_one(file, decode), _is_whole
        )


# a function of a stream, the frames that are wanted, and a listener
_Decode = Callable[["CompressedVideo", range, "OnEvent"], Iterator["NDArray[np.uint8]"]]


def _on_workers(arguments: argparse.Namespace, workers: Workers) -> _Decode:
    from freegvc import cluster

    def decode(
        stream: CompressedVideo, part: range, on_event: OnEvent
    ) -> Iterator[NDArray[np.uint8]]:
        frames = cluster.decode_frames(
            stream,
            workers=workers,
            prior=arguments.prior,
            prior_options=without_device(prior_options(arguments)),
            allow_large=arguments.allow_large,
            on_event=on_event,
        )
        return islice(frames, part.start, part.stop)  # what a resumed run needs, of all

    return decode


def _in_this_process(arguments: argparse.Namespace) -> _Decode:
    """Errors of stream and prior are raised at the call."""
    from freegvc._codec.decoder import decode_frames
    from freegvc._codec.kept_prior import KeptPrior

    kept = KeptPrior()

    def decode(
        stream: CompressedVideo, part: range, on_event: OnEvent
    ) -> Iterator[NDArray[np.uint8]]:
        return decode_frames(
            stream,
            frames=part,
            prior=kept.of_stream(stream, arguments.prior, **prior_options(arguments)),
            allow_large=arguments.allow_large,
            on_event=on_event,
        )

    return decode


def _is_whole(arguments: argparse.Namespace) -> bool:
    """Whether the output of a batch is a video of the stream's size and number of frames.

    Raises:
        OutputExistsError: it is not, and may be somebody else's.
    """
    from freegvc._video import open_video

    header = open_stream(arguments.input).header
    try:
        with open_video(arguments.output) as video:
            found = (video.width, video.height, video.count_frames())
    except VideoError:
        raise exists_unfinished(arguments.output) from None
    if found != (header.width, header.height, header.num_frames):
        raise exists_unfinished(arguments.output)
    return True


def _decompress_one(arguments: argparse.Namespace, decode: _Decode) -> int:
    from freegvc._codec.clock import clock_of
    from freegvc._codec.decoder import part_of, sound_of
    from freegvc._codec.limits import check_limits
    from freegvc._video import Colour, is_folder, open_writer
    from freegvc.events import CommandStarted, Event, GopDecoded

    refuse_same_file(arguments.input, arguments.output)
    refuse_events_with_data(arguments)
    to_stdout = arguments.output == STANDARD
    began = time.perf_counter()
    tell(arguments, CommandStarted("decompress", str(arguments.input), str(arguments.output)))
    compressed = open_stream(arguments.input)
    part = part_of(compressed, chosen_frames(arguments, compressed))
    if not arguments.allow_large:
        check_limits(compressed, frames=part)
    header = compressed.header
    timestamps, last_frame_seconds = clock_of(compressed, part)
    output = open_writer(
        binary_output() if to_stdout else arguments.output,
        width=header.width,
        height=header.height,
        frame_rate=header.frame_rate,
        colour=Colour(*header.colour),
        pixel_aspect=header.pixel_aspect,
        codec=arguments.codec,
        crf=arguments.crf,
        timestamps=timestamps,
        last_frame_seconds=last_frame_seconds,
        audio=sound_of(compressed, part),
        overwrite=arguments.force,
    )
    to_pictures = not to_stdout and is_folder(arguments.output)
    if arguments.resume and not to_pictures:
        say(f"{arguments.output} is written anew: only a folder of PNG files is gone on with")
    drifts: list[float] = []
    with show_progress("decompress", arguments.events, arguments.about) as show:

        def on_event(event: Event) -> None:
            if isinstance(event, GopDecoded):
                drifts.append(event.drift_sigma or 0.0)
            show(event)

        if to_pictures:
            with picture_folder(arguments, compressed, part) as folder:
                rest = range(part.start + folder.num_frames, part.stop)
                for frame in decode(compressed, rest, on_event) if rest else ():
                    folder.write(frame)
        else:
            frames = decode(compressed, part, on_event)
            with output as writer:
                for frame in frames:
                    writer.write(frame)
    seconds = time.perf_counter() - began
    drift = f", drift up to {max(drifts):.2g} sigma" if max(drifts, default=0.0) > 0.0 else ""
    say(
        f"{arguments.output}: {count(len(part), 'frame')} {header.width}x{header.height}, "
        f"{count(len(drifts), 'GOP')}{drift}, {seconds:.1f} s"
    )
    tell_done(arguments, "decompress", compressed, seconds)
    return 0
