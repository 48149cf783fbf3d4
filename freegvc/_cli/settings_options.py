"""The options of `compress` and `sweep` that go into the stream besides a target."""

from __future__ import annotations

import argparse
from dataclasses import fields
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from freegvc._codec.settings import Settings


def add_settings(parser: argparse.ArgumentParser) -> None:
    """What goes into the stream."""
    from freegvc._codec.settings import Settings
    from freegvc._control.effort import EFFORTS
    from freegvc._control.tuning import TUNINGS
    from freegvc._diffusion import SAMPLERS

    group = parser.add_argument_group("coding")
    group.add_argument("--coder", metavar="NAME", help="channel coder (default: %(default)s)")
    group.add_argument(
        "--effort",
        choices=tuple(EFFORTS),
        help="model calls and search for fewer bits (default: %(default)s)",
    )
    group.add_argument(
        "--first-step",
        type=float,
        metavar="X",
        help="first step of the grid in sqrt(SNR) (default: the prior's, by effort)",
    )
    group.add_argument(
        "--growth",
        type=float,
        metavar="X",
        help="factor from each step to the next (default: the prior's, by effort)",
    )
    group.add_argument(
        "--gop-length", type=int, metavar="N", help="frames per GOP (default: the prior's)"
    )
    group.add_argument(
        "--overlap", type=int, metavar="N", help="frames two GOPs share (default: the prior's)"
    )
    group.add_argument(
        "--chain",
        action="store_true",
        help="code each GOP given the one before: fewer bits, but decoded only in order",
    )
    group.add_argument(
        "--gamma",
        type=float,
        metavar="X",
        help="weight of the newer GOP where two overlap (default: %(default)s)",
    )
    group.add_argument(
        "--sampler",
        choices=tuple(SAMPLERS),
        help="of the silent part, from the stop step to the picture (default: %(default)s)",
    )
    group.add_argument(
        "--silent-steps",
        type=int,
        metavar="N",
        help="model calls from the stop step to the picture",
    )
    group.add_argument(
        "--silent-rate",
        type=int,
        metavar="N",
        help="the same for 1,000 timesteps, so that GOPs which stop with less noise take fewer "
        "(default: the prior's)",
    )
    group.add_argument(
        "--refine",
        type=_refine,
        metavar="N",
        help="before the silent part, noise again to timestep N; gnvc-vd: as in that paper "
        "(default: do not)",
    )
    group.add_argument(
        "--tune",
        choices=TUNINGS,
        help="move each latent to where it decodes to better scores at equal bits: in LPIPS, "
        "MS-SSIM and PSNR, or in the latter two; takes longer (default: do not)",
    )
    parser.set_defaults(**{field.name: field.default for field in fields(Settings)})


def settings_from(arguments: argparse.Namespace) -> Settings:
    """The settings that the options name."""
    from freegvc._codec.settings import Settings

    named = {field.name: getattr(arguments, field.name) for field in fields(Settings)}
    if named["tune"]:
        named["tune_weights"] = arguments.metric_weights
    return Settings(**named)


def _refine(word: str) -> str | int:
    """A timestep, or the name of a preset, which the library checks."""
    return int(word) if word.isdecimal() else word
