"""What `sweep` and `strip` share: a video is encoded once, or a stream is read, and then cut."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from freegvc._cli.model_options import (
    add_model_options,
    add_native_size,
    decoding_defaults,
    prior_options,
)
from freegvc._cli.parser import add_allow_large, add_input_options
from freegvc._cli.settings_options import add_settings, settings_from
from freegvc.errors import UsageError

if TYPE_CHECKING:
    from freegvc._codec.settings import Settings
    from freegvc.priors import Prior


def add_coding(parser: argparse.ArgumentParser) -> None:
    """How a video is coded, with which prior, and how it is read."""
    from freegvc.priors.loading import DEFAULT_PRIOR

    add_settings(parser)
    model = add_model_options(
        parser,
        default=f"{DEFAULT_PRIOR}, or the file's",
        dtype="the model's, float32 on a CPU, or the file's",
        attention="auto, or the file's",
        vae_tiles="auto, or the file's",
    )
    add_native_size(model)
    model.add_argument("--prompt", metavar="TEXT", help="conditions the prior")
    add_allow_large(parser)
    add_input_options(parser, "the original")
    parser.set_defaults(**decoding_defaults())


def rates_in(words: str) -> list[float]:
    """Numbers with commas between them."""
    try:
        return [float(word) for word in words.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{words!r}, but must be numbers with commas between them, such as 0.004,0.008"
        ) from None


def check_source_options(arguments: argparse.Namespace) -> None:
    """Refuse options that do not go with the input.

    Raises:
        UsageError: options of coding for a stream, or a reference for a video.
    """
    from freegvc._codec.score import is_stream

    is_cut = is_stream(arguments.input)
    if is_cut and named_settings(arguments) is not None:
        raise UsageError(
            f"{arguments.input} is a stream, which is only cut: leave out the options of coding"
        )
    for option in ("native_size", "prompt"):
        if is_cut and getattr(arguments, option) is not None:
            raise UsageError(
                f"{arguments.input} is a stream, which states its tiles and its prompt: leave out "
                f"--{option.replace('_', '-')}"
            )
    if not is_cut and arguments.reference is not None:
        raise UsageError("--reference goes with a .fgvc file; a video is its own reference")


def named_settings(arguments: argparse.Namespace) -> Settings | None:
    """The settings that the options name; None where they name none."""
    from freegvc._codec.settings import Settings

    named = settings_from(arguments)
    return None if named == Settings() else named


def encoding_prior(arguments: argparse.Namespace) -> Prior:
    """The prior that the options name, loaded.

    Raises:
        PriorError: it cannot be loaded.
    """
    from freegvc.priors import load_prior
    from freegvc.priors.loading import DEFAULT_PRIOR

    said = {name: value for name, value in prior_options(arguments).items() if value is not None}
    return load_prior(DEFAULT_PRIOR if arguments.prior is None else arguments.prior, **said)
