"""strip: one frame at growing rates, for which the video is encoded once (paper, Fig. 4)."""

from __future__ import annotations

import argparse
import itertools
import warnings
from collections.abc import Sequence
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
from freegvc._cli.paths import open_stream, readable_video, refuse_same_file, refuse_standard, say
from freegvc.errors import TargetWarning, UsageError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from freegvc._codec.compressed import CompressedVideo
    from freegvc.priors import Prior

    Frame = npt.NDArray[np.uint8]

_NUM_RATES = 5  # unless they are named


def declare_strip(parser: argparse.ArgumentParser) -> None:
    """A video, which frame, and the rates."""
    parser.add_argument("input", help="any video that compress takes, or a .fgvc file to cut")
    parser.add_argument("output", type=Path, help="the .png file to write")
    parser.add_argument(
        "--frame", type=int, metavar="N", help="which frame, counted from 0 (default: the middle)"
    )
    parser.add_argument(
        "--rates",
        type=rates_in,
        metavar="X,X,...",
        help="bits per pixel of the whole video, audio aside, such as 0.004,0.008,0.016; at most "
        f"so many each (default: the prior's own, or the stream's, halved up to {_NUM_RATES - 1} "
        "times)",
    )
    parser.add_argument(
        "--reference",
        metavar="FILE",
        help="the original of a .fgvc file; without it, only decoded frames are shown",
    )
    add_metric_weights(parser)
    add_force(parser)
    add_coding(parser)
    parser.set_defaults(run=_strip)


def _strip(arguments: argparse.Namespace) -> int:
    from freegvc._codec.score import is_stream
    from freegvc._codec.sweep import ascending

    output: Path = arguments.output
    refuse_standard(output, "the output")
    if output.suffix.lower() != ".png":
        raise UsageError(f"{output} does not end in .png: name a .png file")
    check_output(output, overwrite=arguments.force)
    for source in (arguments.input, arguments.reference):
        if source is not None:
            refuse_same_file(source, output)
    check_source_options(arguments)
    rates = None if arguments.rates is None else ascending(arguments.rates)
    if is_stream(arguments.input):
        return _strip_stream(arguments, rates)
    with readable_video(arguments.input, is_raw=arguments.size is not None) as readable:
        return _strip_video(arguments, readable, rates)


def _strip_stream(arguments: argparse.Namespace, rates: Sequence[float] | None) -> int:
    stream = open_stream(arguments.input)
    header = stream.header
    index = _chosen(arguments.frame, header.num_frames)
    original = None
    if arguments.reference is not None:
        with readable_video(arguments.reference, is_raw=arguments.size is not None) as readable:
            original = _original(arguments, readable, index)
        if original.shape[:2] != (header.height, header.width):
            raise UsageError(
                f"{arguments.reference} has frames of {original.shape[1]}x{original.shape[0]}, but "
                f"{arguments.input} of {header.width}x{header.height}: give the original of it"
            )
    prior = decoding_prior(arguments, stream)
    return _save(arguments, stream, rates, prior, index, original)


def _strip_video(
    arguments: argparse.Namespace, readable: str, rates: Sequence[float] | None
) -> int:
    from freegvc._cli.progress import show_progress
    from freegvc._codec.encoder import compress
    from freegvc._control.targets import Rate
    from freegvc._video import open_video

    with open_video(readable, **input_options(arguments)) as source:
        index = _chosen(arguments.frame, source.count_frames())
        original = _original(arguments, readable, index)
        prior = encoding_prior(arguments)
        with show_progress("strip", None) as on_event:
            whole = compress(
                source,
                None if rates is None else Rate(bpp=rates[-1]),
                settings=named_settings(arguments),
                prior=prior,
                audio="drop",
                on_event=on_event,
            )
    return _save(arguments, whole, rates, prior, index, original)


def _chosen(frame: int | None, num_frames: int) -> int:
    """The frame to show.

    Raises:
        UsageError: the video does not have it.
    """
    if frame is None:
        return num_frames // 2
    if not 0 <= frame < num_frames:
        raise UsageError(
            f"--frame is {frame}, but must be in 0..{num_frames - 1}, the frames of the video"
        )
    return frame


def _original(arguments: argparse.Namespace, readable: str, index: int) -> Frame:
    """A frame of the original, uint8 [H, W, 3].

    Raises:
        UsageError: the original has fewer frames.
    """
    from freegvc._video import open_video

    with open_video(readable, **input_options(arguments)) as source:
        for frame in itertools.islice(source, index, None):
            return frame
        number = source.num_frames
    raise UsageError(f"{arguments.reference} has {number} frames, and no frame {index}")


def _save(
    arguments: argparse.Namespace,
    whole: CompressedVideo,
    rates: Sequence[float] | None,
    prior: Prior,
    index: int,
    original: Frame | None,
) -> int:
    """Cut, decode the frame from each cut, and write the picture."""
    from freegvc._cli.strip_picture import Cell, strip_picture
    from freegvc._codec.frame_reader import FrameReader

    cells = []
    for cut in _streams(whole, rates):
        reader = FrameReader(cut, prior=prior, allow_large=True)  # the whole was checked, or made
        cells.append(Cell(reader[index], f"{cut.bpp:.4f} bpp", count(cut.num_bytes, "byte")))
        say(f"strip: {count(cut.num_bytes, 'byte')}, {cut.bpp:.4g} bpp")
    number = count(len(cells), "rate")
    if original is not None:
        cells.append(Cell(original, "original", ""))
    with atomic_path(arguments.output, overwrite=arguments.force) as temporary:
        strip_picture(cells).save(temporary)
    say(f"{arguments.output}: frame {index} of {whole.header.num_frames} at {number}")
    return 0


def _streams(whole: CompressedVideo, rates: Sequence[float] | None) -> list[CompressedVideo]:
    """The stream at each rate, by growing size; rates that give the same stream count once."""
    from freegvc._codec.sweep import cut_to_rates

    if rates is not None:
        cuts = [cut for _, cut in cut_to_rates(whole, rates)]
    else:
        halves = [whole.bpp / 2**k for k in reversed(range(_NUM_RATES))]
        with warnings.catch_warnings():
            # nobody asked for these rates: those that are too low are left out silently
            warnings.simplefilter("ignore", TargetWarning)
            cuts = [cut for _, cut in cut_to_rates(whole, halves)]
    return list({cut.data: cut for cut in cuts}.values())
