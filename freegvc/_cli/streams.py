"""info, verify and truncate: the commands that read a stream and need no model."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from fractions import Fraction
from typing import TYPE_CHECKING

from freegvc._cli.pages import count, stream_page
from freegvc._cli.parser import add_allow_large, add_force
from freegvc._cli.paths import check_stream_output, open_stream, printable, save_stream, say
from freegvc.errors import CorruptStreamError

if TYPE_CHECKING:
    from freegvc._codec.compressed import CompressedVideo


def declare_info(parser: argparse.ArgumentParser) -> None:
    """A page, or the same as JSON."""
    parser.add_argument("file", help="the .fgvc file, or - for standard input")
    parser.add_argument(
        "--json", action="store_true", help="print JSON, named as in freegvc.CompressedVideo"
    )
    parser.set_defaults(run=_info)


def _info(arguments: argparse.Namespace) -> int:
    compressed = open_stream(arguments.file)
    if not arguments.json:
        print(stream_page(printable(arguments.file), compressed))
        return 0
    document = {
        "num_bytes": compressed.num_bytes,
        "audio_bytes": compressed.audio_bytes,
        "bpp": compressed.bpp,
        "overlap_overhead": compressed.overlap_overhead,
        "prompt": compressed.prompt,
        "header": {**asdict(compressed.header), "num_gops": compressed.header.num_gops},
        "gops": [asdict(gop) for gop in compressed.gops],
    }
    print(json.dumps(document, indent=2, default=_plain, allow_nan=False))
    return 0


def _plain(value: object) -> str:
    """Fractions as "30000/1001" and bytes in hexadecimal: JSON has neither type."""
    if isinstance(value, Fraction):
        return str(value)
    if isinstance(value, bytes):
        return value.hex()
    raise TypeError(f"{type(value).__name__} has no form in JSON")


def declare_verify(parser: argparse.ArgumentParser) -> None:
    """Structure alone, or with a full decode."""
    parser.add_argument("file", help="the .fgvc file, or - for standard input")
    parser.add_argument(
        "--decode", action="store_true", help="decode all of it as well, which needs the prior"
    )
    add_allow_large(parser)
    parser.set_defaults(run=_verify)


def _verify(arguments: argparse.Namespace) -> int:
    compressed = open_stream(arguments.file)
    header = compressed.header
    num_steps = sum(gop.num_steps for gop in compressed.gops)  # this decodes every packet
    if arguments.decode:
        _check_decode(compressed, allow_large=arguments.allow_large)
    print(
        f"ok {printable(arguments.file)}: {count(compressed.num_bytes, 'byte')}, "
        f"{count(header.num_gops, 'GOP')}, {count(num_steps, 'step')}, "
        f"{count(header.num_frames, 'frame')} {header.width}x{header.height}"
        f"{', decoded' if arguments.decode else ''}"
    )
    return 0


def _check_decode(compressed: CompressedVideo, *, allow_large: bool) -> None:
    """Decode all frames; their number and size must be the header's."""
    from freegvc._cli.progress import show_progress
    from freegvc._codec.decoder import decode_frames

    header = compressed.header
    stated = (header.num_frames, header.height, header.width)
    num_frames = 0
    with show_progress("verify", None) as on_event:
        for frame in decode_frames(compressed, allow_large=allow_large, on_event=on_event):
            num_frames += 1
            decoded = (num_frames, *frame.shape[:2])
            if decoded[1:] != stated[1:] or num_frames > stated[0]:
                break
    if decoded != stated:
        raise CorruptStreamError(
            f"the decoded video has (frames, height, width) {decoded}, but the header states "
            f"{stated}"
        )


def declare_truncate(parser: argparse.ArgumentParser) -> None:
    """A smaller file at a rate, a size or a step."""
    parser.add_argument("input", help="the .fgvc file, or - for standard input")
    parser.add_argument("output", help="the smaller .fgvc file to write, or - for standard output")
    targets = parser.add_argument_group("target (exactly one)").add_mutually_exclusive_group(
        required=True
    )
    targets.add_argument(
        "--stop-step", type=int, metavar="N", help="stop each GOP at timestep N or a noisier one"
    )
    targets.add_argument(
        "--target-bpp", type=float, metavar="X", help="at most X bits per pixel, audio aside"
    )
    targets.add_argument(
        "--target-kbps",
        type=float,
        metavar="X",
        help="at most X thousand bits per second, audio aside",
    )
    targets.add_argument(
        "--target-bytes", type=int, metavar="N", help="a file of at most N bytes, audio aside"
    )
    add_force(parser)
    parser.set_defaults(run=_truncate)


def _truncate(arguments: argparse.Namespace) -> int:
    from freegvc._codec.limits import check_limits, refusal_as_warning

    check_stream_output(arguments.input, arguments.output, force=arguments.force)
    before = open_stream(arguments.input)
    after = before.truncate(
        stop_step=arguments.stop_step,
        bpp=arguments.target_bpp,
        kbps=arguments.target_kbps,
        num_bytes=arguments.target_bytes,
    )
    with refusal_as_warning():
        check_limits(after)
    save_stream(after, arguments.output, force=arguments.force)
    say(
        f"{arguments.output}: {count(after.num_bytes, 'byte')} of {before.num_bytes}, "
        f"{after.bpp:.4g} of {before.bpp:.4g} bpp"
    )
    return 0
