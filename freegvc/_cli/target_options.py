"""The options of `compress` that name a target, and the target that they name."""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import TYPE_CHECKING

from freegvc._cli.parser import add_metric_weights
from freegvc.errors import UsageError

if TYPE_CHECKING:
    from freegvc._control.targets import Target

FIRST_GOP = "first-gop"


def add_target_options(parser: argparse.ArgumentParser) -> None:
    """One target at most, and how scores are measured and met."""
    targets = parser.add_argument_group(
        "target (at most one; without one: the prior's own rate)"
    ).add_mutually_exclusive_group()
    targets.add_argument(
        "--stop-step", type=int, metavar="N", help="timestep at which to stop; larger is coarser"
    )
    targets.add_argument(
        "--target-bpp", type=float, metavar="X", help="at most X bits per pixel, audio aside"
    )
    targets.add_argument(
        "--target-kbps", type=float, metavar="X", help="at most X thousand bits per second"
    )
    targets.add_argument(
        "--target-bytes", type=int, metavar="N", help="a file of at most N bytes, audio aside"
    )
    targets.add_argument("--target-psnr", type=float, metavar="X", help="X dB in every GOP")
    targets.add_argument("--target-ms-ssim", type=float, metavar="X", help="X in every GOP, 0 to 1")
    targets.add_argument("--target-lpips", type=float, metavar="X", help="X in every GOP, 0 to 1")
    targets.add_argument("--target-dists", type=float, metavar="X", help="X in every GOP, 0 to 1")
    _add_scoring(parser)


def _add_scoring(parser: argparse.ArgumentParser) -> None:
    """How scores are measured and met; left out, an option has the target's own default."""
    from freegvc.metrics import METRICS, POOLINGS

    group = parser.add_argument_group("targets that are scores")
    group.add_argument(
        "--target",
        choices=(FIRST_GOP,),
        help="the score that the first GOP has at the step or rate above is that of all others",
    )
    metrics = [name for name, metric in METRICS.items() if not metric.is_temporal]
    group.add_argument(
        "--metric",
        choices=metrics,
        help="what --target scores (default: ms_ssim, or psnr for small frames)",
    )
    group.add_argument(
        "--even",
        choices=[name for name in metrics if not METRICS[name].takes_video],
        help="a rate keeps this score even over the GOPs, in 1.5 to 2 times the model calls "
        "(default: one noise level for all GOPs)",
    )
    group.add_argument(
        "--pooling",
        choices=POOLINGS,
        help="how the scores of a GOP's frames become one (default: mean)",
    )
    group.add_argument(
        "--tolerance",
        type=float,
        metavar="X",
        help="largest distance from the target (default: 0.1 dB for PSNR, 0.05 for cvvdp, 0.5 for "
        "vmaf, else 0.005)",
    )
    group.add_argument(
        "--max-probes",
        type=int,
        metavar="N",
        help="decodes per GOP (default: by effort)",
    )
    group.add_argument(
        "--probe-frames", type=int, metavar="N", help="frames that a probe scores (default: all)"
    )
    group.add_argument(
        "--strict",
        action="store_const",
        const=True,
        help="fail if a GOP misses its target (exit code 6)",
    )
    add_metric_weights(group)


def target_from(arguments: argparse.Namespace) -> Target:
    """The target that the options name.

    Raises:
        UsageError: options conflict.
    """
    from freegvc._control.targets import (
        LikeFirstGop,
        Rate,
        Score,
        TargetKeywords,
        target_of,
    )

    names = ("pooling", "tolerance", "max_probes", "probe_frames", "strict")
    scoring = {name: value for name in names if (value := getattr(arguments, name)) is not None}
    plain = target_of({name: getattr(arguments, name) for name in TargetKeywords.__annotations__})
    weights, metric = arguments.metric_weights, arguments.metric
    if isinstance(plain, Score):
        for option in ("target", "metric", "even"):
            if getattr(arguments, option) is not None:
                raise UsageError(
                    f"--{option} cannot be given with a target that is a {plain.metric}: leave one "
                    "of them out"
                )
        return replace(plain, **scoring, weights=weights)
    if arguments.target is not None:
        if arguments.even is not None:
            raise UsageError("--even cannot be given with --target: leave one of them out")
        return LikeFirstGop(plain, metric, **scoring, weights=weights)
    if isinstance(plain, Rate):
        plain = replace(plain, even=arguments.even, weights=weights)
    elif arguments.even is not None:
        raise UsageError("--even cannot be given without a rate: add one, or leave it out")
    if metric is not None:
        scoring["metric"] = metric
    if scoring:
        unused = ", ".join(f"--{name.replace('_', '-')}" for name in scoring)
        raise UsageError(
            f"{unused} cannot be given without a target for a score: add one, or leave it out"
        )
    return plain
