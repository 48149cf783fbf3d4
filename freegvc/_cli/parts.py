"""--gops of compress, and merge: parts of a video that are coded apart."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from freegvc._atomic import check_output
from freegvc._cli.model_options import prior_options
from freegvc._cli.pages import count
from freegvc._cli.parser import add_force, input_options
from freegvc._cli.paths import STANDARD, check_stream_output, file_bytes, readable_video, say
from freegvc._cli.progress import scores_of, show_progress, tell
from freegvc._cli.resume import telling_what_is_kept
from freegvc._cli.settings_options import settings_from
from freegvc._cli.target_options import target_from
from freegvc.errors import UsageError


def add_gops(group: argparse._ArgumentGroup) -> None:
    """--gops, which makes a part file."""
    group.add_argument(
        "--gops",
        type=_range,
        metavar="A:B",
        help="code the GOPs A up to B, without B, into a part file, which `freegvc merge` joins "
        "with the others; A: to the end",
    )


def _range(text: str) -> range:
    """The GOPs of "A:B"; what is left out is the start or the end."""
    from freegvc._bitstream.header import MAX_GOPS

    start, colon, stop = text.partition(":")
    words = [word for word in (start, stop) if word]
    if not colon or not all(word.isdecimal() for word in words):
        raise argparse.ArgumentTypeError(f"{text!r} is not A:B, such as 10:20")
    gops = range(int(start or 0), int(stop or MAX_GOPS))
    if not gops:
        raise argparse.ArgumentTypeError(f"{text!r} names no GOP: B must be above A")
    return gops


def compress_gops(arguments: argparse.Namespace) -> int:
    """Run compress for some GOPs."""
    for option in ("inputs", "ray", "report"):
        if getattr(arguments, option) is not None:
            name = "out-dir" if option == "inputs" else option
            raise UsageError(f"--gops is of one file that is coded here: leave it or --{name} out")
    if arguments.output == STANDARD:
        raise UsageError("--gops writes a part file, which cannot go to -: name a file")
    output = Path(arguments.output)
    if output.suffix.lower() == ".fgvc":
        raise UsageError(
            f"{output} ends in .fgvc, but a part is no stream: name it "
            f"{output.with_suffix('.part').name}; freegvc merge makes a stream of all parts"
        )
    check_stream_output(arguments.input, arguments.output, force=arguments.force)
    with (
        readable_video(arguments.input, is_raw=arguments.size is not None) as video,
        telling_what_is_kept(arguments.output, resume=arguments.resume),
    ):
        return _compress_part(arguments, video)


def _compress_part(arguments: argparse.Namespace, path: str) -> int:
    from freegvc._codec.parts import compress_part
    from freegvc._video import open_video
    from freegvc.events import CommandDone, CommandStarted, Event
    from freegvc.priors import load_prior

    began = time.perf_counter()
    tell(arguments, CommandStarted("compress", str(arguments.input), str(arguments.output)))
    target = target_from(arguments)
    settings = settings_from(arguments)
    heard: list[Event] = []
    with (
        open_video(path, **input_options(arguments)) as video,
        show_progress("compress", arguments.events) as show,
    ):

        def on_event(event: Event) -> None:
            heard.append(event)
            show(event)

        target.check(video.height, video.width)  # before the model is loaded
        done = compress_part(
            video,
            arguments.output,
            target,
            gops=arguments.gops,
            resume=arguments.resume,
            overwrite=arguments.force,
            settings=settings,
            prior=load_prior(arguments.prior, **prior_options(arguments)),
            audio=arguments.audio,
            on_event=on_event,
        )
        metric = target.metric_for(video.height, video.width)
    seconds, scores = time.perf_counter() - began, scores_of(heard)
    say(
        f"{arguments.output}: GOPs {done.start} to {done.stop - 1}, {count(len(done), 'GOP')}, "
        f"{seconds:.1f} s"
    )
    written = CommandDone(
        "compress",
        str(arguments.output),
        num_bytes=file_bytes(arguments.output),
        bpp=None,
        num_frames=None,
        num_gops=len(done),
        metric=metric.name if scores else None,
        score=sum(scores) / len(scores) if scores else None,
        seconds=seconds,
    )
    tell(arguments, written)
    return 0


def declare_merge(parser: argparse.ArgumentParser) -> None:
    """Parts and the stream."""
    parser.add_argument("parts", nargs="+", metavar="PART", help="a file of compress --gops")
    parser.add_argument("output", help="the .fgvc file to write")
    add_force(parser)
    parser.set_defaults(run=_merge)


def _merge(arguments: argparse.Namespace) -> int:
    from freegvc._codec.parts import merge
    from freegvc._codec.record_file import is_record_file

    if arguments.output == STANDARD:
        raise UsageError("the output cannot be -: name a .fgvc file (./- is one)")
    if is_record_file(Path(arguments.output)):
        raise UsageError(
            f"{arguments.output} is a part, which merge does not replace: after the parts, name "
            "the .fgvc file to write"
        )
    for part in arguments.parts:
        check_stream_output(part, arguments.output, force=arguments.force)
    check_output(Path(arguments.output), overwrite=arguments.force)
    merged = merge(arguments.parts)
    merged.save(arguments.output, overwrite=arguments.force)
    say(
        f"{arguments.output}: {count(merged.num_bytes, 'byte')}, {merged.bpp:.4g} bpp, "
        f"{count(merged.header.num_gops, 'GOP')} of {count(len(arguments.parts), 'part')}"
    )
    return 0
