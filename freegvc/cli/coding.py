"""compress and decompress."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from freegvc.atomic import check_output
from freegvc.cli.pages import count
from freegvc.cli.parser import add_force, add_raw_video_options, keywords_of
from freegvc.cli.paths import refuse_same_file, say
from freegvc.cli.progress import add_events, show_progress


def declare_compress(parser: argparse.ArgumentParser) -> None:
    """Every keyword of `freegvc.compress`, under its own name and with its own default."""
    from freegvc.codec import compress
    from freegvc.control.targets import DEFAULT_BPP
    from freegvc.priors import known_priors

    parser.add_argument(
        "input", help="a video file, .y4m, .yuv (with --size), or a folder of images"
    )
    parser.add_argument("output", type=Path, help="the .fgvc file to write")
    targets = parser.add_argument_group(
        f"target (at most one; without one: --target-bpp {DEFAULT_BPP})"
    ).add_mutually_exclusive_group()
    targets.add_argument(
        "--stop-step", type=int, metavar="N", help="timestep at which to stop; larger is coarser"
    )
    targets.add_argument(
        "--target-bpp", type=float, metavar="X", help="at most X bits per pixel, audio aside"
    )
    targets.add_argument(
        "--target-bytes", type=int, metavar="N", help="a file of at most N bytes, audio aside"
    )
    targets.add_argument(
        "--target-psnr", type=float, metavar="X", help="at least X dB in every GOP"
    )
    targets.add_argument(
        "--target-ms-ssim", type=float, metavar="X", help="at least X, 0 to 1, in every GOP"
    )
    parser.add_argument(
        "--prior", metavar="NAME", help=f"{', '.join(known_priors())} (default: %(default)s)"
    )
    parser.add_argument("--coder", metavar="NAME", help="channel coder (default: %(default)s)")
    parser.add_argument(
        "--gop-length", type=int, metavar="N", help="frames per GOP (default: %(default)s)"
    )
    parser.add_argument(
        "--overlap", type=int, metavar="N", help="frames two GOPs share (default: %(default)s)"
    )
    parser.add_argument(
        "--gamma",
        type=float,
        metavar="X",
        help="weight of the newer GOP where two overlap (default: %(default)s)",
    )
    parser.add_argument(
        "--audio", choices=("copy", "drop"), help="the input's sound (default: %(default)s)"
    )
    parser.add_argument("--device", help="where the prior runs (default: %(default)s)")
    add_raw_video_options(parser, "INPUT")
    add_force(parser)
    add_events(parser)
    parser.set_defaults(run=_compress, **keywords_of(compress))


def _compress(arguments: argparse.Namespace) -> int:
    from freegvc.codec import compress

    check_output(arguments.output, overwrite=arguments.force)
    refuse_same_file(Path(arguments.input), arguments.output)
    began = time.perf_counter()
    keywords = {name: getattr(arguments, name) for name in keywords_of(compress)}
    with show_progress("compress", arguments.events) as on_event:
        compressed = compress(arguments.input, **keywords, on_event=on_event)
    compressed.save(arguments.output, overwrite=arguments.force)
    seconds = time.perf_counter() - began
    audio = f", of which audio {compressed.audio_bytes}" if compressed.audio_bytes else ""
    say(
        f"{arguments.output}: {compressed.num_bytes} bytes{audio}, {compressed.bpp:.4g} bpp, "
        f"{count(compressed.header.num_gops, 'GOP')}, {seconds:.1f} s"
    )
    return 0


def declare_decompress(parser: argparse.ArgumentParser) -> None:
    """Where to run, and how to write."""
    from freegvc.codec import decode_frames
    from freegvc.priors.loading import DTYPES
    from freegvc.video import open_writer

    parser.add_argument("input", type=Path, help="the .fgvc file")
    parser.add_argument(
        "output", type=Path, help=".mp4, .mkv, .y4m, or a name without suffix: a folder of PNG"
    )
    parser.add_argument("--device", help="where the prior runs (default: %(default)s)")
    parser.add_argument(
        "--dtype", choices=DTYPES, help="arithmetic of the prior (default: the encoder's)"
    )
    parser.add_argument(
        "--codec", metavar="NAME", help="x264 or x265, for .mp4 and .mkv (default: %(default)s)"
    )
    parser.add_argument(
        "--crf", type=int, metavar="N", help="quality of that codec (default: near-lossless)"
    )
    add_force(parser)
    add_events(parser)
    defaults = keywords_of(decode_frames) | keywords_of(open_writer)
    options = ("device", "dtype", "codec", "crf")
    parser.set_defaults(run=_decompress, **{name: defaults[name] for name in options})


def _decompress(arguments: argparse.Namespace) -> int:
    from freegvc.codec import CompressedVideo, decode_frames
    from freegvc.video import Colour, open_writer

    refuse_same_file(arguments.input, arguments.output)
    began = time.perf_counter()
    compressed = CompressedVideo.open(arguments.input)
    header = compressed.header
    output = open_writer(
        arguments.output,
        width=header.width,
        height=header.height,
        frame_rate=header.frame_rate,
        colour=Colour(*header.colour),
        pixel_aspect=header.pixel_aspect,
        codec=arguments.codec,
        crf=arguments.crf,
        timestamps=compressed.timestamps,
        audio=compressed.audio,
        overwrite=arguments.force,
    )
    with show_progress("decompress", arguments.events) as on_event:
        frames = decode_frames(
            compressed, device=arguments.device, dtype=arguments.dtype, on_event=on_event
        )
        with output as writer:
            for frame in frames:
                writer.write(frame)
    seconds = time.perf_counter() - began
    say(
        f"{arguments.output}: {count(header.num_frames, 'frame')} {header.width}x{header.height}, "
        f"{count(header.num_gops, 'GOP')}, {seconds:.1f} s"
    )
    return 0
