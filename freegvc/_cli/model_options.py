"""The options that choose a prior and say how it runs."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from freegvc._cli.parser import keywords_of
from freegvc.errors import UsageError

if TYPE_CHECKING:
    from freegvc._codec.compressed import CompressedVideo
    from freegvc.priors import Prior


def add_model_options(
    parser: argparse.ArgumentParser, *, default: str, dtype: str, attention: str, vae_tiles: str
) -> argparse._ArgumentGroup:
    """Which prior, and how it runs: the same for both directions."""
    from freegvc._bitstream.header import ATTENTIONS, NUMERICS
    from freegvc.priors.diffusers.placement import OFFLOADS
    from freegvc.priors.memory import VAE_TILES

    group = parser.add_argument_group("the prior")
    group.add_argument(
        "--prior",
        metavar="NAME",
        help=f"a name from `freegvc priors list`, a hub id, or a folder (default: {default})",
    )
    group.add_argument("--device", help="such as cpu or cuda:0 (default: %(default)s)")
    group.add_argument(
        "--dtype",
        choices=NUMERICS,
        metavar="NAME",
        help=f"arithmetic: {', '.join(NUMERICS)} (default: {dtype})",
    )
    group.add_argument(
        "--attention",
        choices=ATTENTIONS,
        help=f"attention kernel (default: {attention})",
    )
    group.add_argument(
        "--offload", choices=OFFLOADS, help="what leaves the GPU when unused (default: none)"
    )
    group.add_argument(
        "--vae-tiles",
        choices=VAE_TILES,
        help="encode and decode frames in tiles, which takes less memory and more time (default: "
        f"{vae_tiles})",
    )
    group.add_argument(
        "--batch-tiles",
        type=int,
        metavar="N",
        help="tiles of a large frame predicted at once (default: what fits on a GPU, 1 on a CPU)",
    )
    group.add_argument("--compile", action="store_true", help="compile the transformer first")
    return group


def add_native_size(group: argparse._ArgumentGroup) -> None:
    """The size of tiles, which the encoder alone chooses."""
    group.add_argument(
        "--native-size",
        type=height_and_width,
        metavar="WxH",
        help="larger frames, by over a fifth on a side, are cut into such tiles (default: the "
        "model's)",
    )


def decoding_defaults() -> dict[str, Any]:
    """Defaults of all these options where a file is read: what is None is as it states."""
    from freegvc.priors import load_prior

    return {"prior": None, **dict.fromkeys(keywords_of(load_prior)), "device": "cpu"}


def prior_options(arguments: argparse.Namespace) -> dict[str, Any]:
    """The keywords of `load_prior` that the options name."""
    from freegvc.priors import load_prior

    return {name: getattr(arguments, name) for name in keywords_of(load_prior)}


def decoding_prior(arguments: argparse.Namespace, stream: CompressedVideo) -> Prior:
    """The prior of a stream, loaded.

    Raises:
        LargeStreamError: the stream asks for more than its size explains.
        PriorError: the prior cannot be loaded.
    """
    from freegvc._codec.limits import check_limits
    from freegvc._codec.model import load_prior_of

    if not arguments.allow_large:
        check_limits(stream)
    return load_prior_of(stream, arguments.prior, **prior_options(arguments))


def height_and_width(text: str) -> tuple[int, int]:
    """Height and width of "1280x720", as the type of an option."""
    from freegvc._video.rate import parse_size

    try:
        width, height = parse_size(text)
    except UsageError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return height, width
