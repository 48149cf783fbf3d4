"""thumbnail."""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from freegvc._atomic import atomic_path, check_output
from freegvc._cli.model_options import add_model_options, decoding_defaults, decoding_prior
from freegvc._cli.pages import count
from freegvc._cli.parser import add_allow_large, add_force
from freegvc._cli.paths import open_stream, refuse_same_file, refuse_standard, say
from freegvc.errors import UsageError

if TYPE_CHECKING:
    import numpy.typing as npt

_GAP = 4  # pixels between two pictures
_PAPER = 24  # grey


def declare_thumbnail(parser: argparse.ArgumentParser) -> None:
    """Where to run, and how many pictures."""
    parser.add_argument("input", help="the .fgvc file, or - for standard input")
    parser.add_argument("output", type=Path, help="the .png file to write")
    parser.add_argument(
        "--count",
        type=int,
        default=1,
        metavar="N",
        help="pictures in the file, evenly spread over the video (default: %(default)s)",
    )
    file = "the file's"
    add_model_options(parser, default=file, dtype=file, attention=file, vae_tiles=file)
    add_allow_large(parser)
    add_force(parser)
    parser.set_defaults(run=_thumbnail, **decoding_defaults())


def _thumbnail(arguments: argparse.Namespace) -> int:
    from PIL import Image

    from freegvc._codec.frame_reader import FrameReader

    output: Path = arguments.output
    refuse_standard(output, "the output")
    if output.suffix.lower() != ".png":
        raise UsageError(f"{output} does not end in .png: name a .png file")
    check_output(output, overwrite=arguments.force)
    refuse_same_file(arguments.input, output)
    stream = open_stream(arguments.input)
    indices = thumbnail_frames(stream.header.num_frames, arguments.count)
    prior = decoding_prior(arguments, stream)
    reader = FrameReader(stream, prior=prior, allow_large=arguments.allow_large)
    picture = side_by_side([reader[index] for index in indices])
    with atomic_path(output, overwrite=arguments.force) as temporary:
        Image.fromarray(picture).save(temporary)
    named = ", ".join(map(str, indices))
    say(f"{output}: {count(len(indices), 'frame')} of {stream.header.num_frames}: {named}")
    return 0


def thumbnail_frames(num_frames: int, number: int) -> list[int]:
    """The frames in the middle of so many equal parts of a video.

    Raises:
        UsageError: there are not so many frames, or none is wanted.
    """
    if not 1 <= number <= num_frames:
        raise UsageError(
            f"--count is {number}, but must be in 1..{num_frames}, the frames of the video"
        )
    return [(2 * k + 1) * num_frames // (2 * number) for k in range(number)]


def side_by_side(pictures: list[npt.NDArray[np.uint8]]) -> npt.NDArray[np.uint8]:
    """Pictures of one size, uint8 [H, W, 3], in rows of about as many as there are rows."""
    height, width, _ = pictures[0].shape
    columns = math.ceil(math.sqrt(len(pictures)))
    rows = math.ceil(len(pictures) / columns)
    size = (rows * (height + _GAP) - _GAP, columns * (width + _GAP) - _GAP, 3)
    sheet = np.full(size, _PAPER, np.uint8)
    for place, picture in enumerate(pictures):
        top, left = place // columns * (height + _GAP), place % columns * (width + _GAP)
        sheet[top : top + height, left : left + width] = picture
    return sheet
