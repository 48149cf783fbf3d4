"""Table II: what overlap, fusion weight, GOP length, coder, grid and prior are worth.

python -m benchmarks table2 --dataset clips --only basketballpass

Each variant changes one thing of the default; BD-rates are against the default. 96 frames unless
--frames says otherwise: overlap and fusion weight have no effect in a single GOP.
"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from benchmarks.arguments import (
    add_common,
    add_rates,
    coder_options,
    frames_of,
    prior_options,
    range_of,
    rates_of,
    study_of,
)
from benchmarks.codecs.freegvc_codec import FreeGvcCodec, loaded_prior
from benchmarks.datasets import NUM_FRAMES
from benchmarks.report.study_report import write_report
from benchmarks.study import run as run_study
from freegvc._cli.ray_options import add_ray, ray_workers
from freegvc.errors import PriorError, UsageError
from freegvc.priors import Prior

if TYPE_CHECKING:
    from freegvc.cluster import Workers

DEFAULT = "default"
RATES_BPP = (0.002, 0.004, 0.008, 0.015, 0.03, 0.05)  # to 0.05, the rate of the paper's Table II
METRICS = ("lpips", "dists", "tlp", "tof", "ms_ssim", "psnr")  # the paper's, and two of fidelity


def variants_of(prior: Prior) -> dict[str, dict[str, Any]]:
    """Label to what differs: fields of `Settings`.

    Lengths and overlaps are the paper's for CogVideoX, and as many latents more or fewer for a
    prior with other defaults.
    """
    stride = prior.latent.temporal_stride
    overlaps = (prior.defaults.overlap - stride, prior.defaults.overlap + stride)
    lengths = (prior.defaults.gop_length - 16, prior.defaults.gop_length + 8)
    return {
        DEFAULT: {},
        **{f"m-{m}": {"overlap": m} for m in overlaps},
        **{f"gamma-{gamma}": {"gamma": gamma} for gamma in (0.4, 0.6, 0.7)},
        **{f"l-{length}": {"gop_length": length} for length in lengths},
        "pfr": {"coder": "pfr"},
        "grid-coarse": {"first_step": 0.1, "growth": 1.3},
        "grid-fine": {"first_step": 0.0125, "growth": 1.05},
        "silent-1": {"silent_steps": 1},
        "dpmpp2m-5": {"sampler": "dpmpp2m", "silent_steps": 5},
    }


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    add_common(parser, METRICS)
    add_rates(parser, RATES_BPP)
    add_ray(parser)
    parser.add_argument("--variants", nargs="+", metavar="NAME", help="only these variants")
    parser.set_defaults(frames=NUM_FRAMES)


def run(options: argparse.Namespace) -> int:
    """Run the command; 1 if a sequence failed."""
    with ray_workers(options) as workers:
        return _run(options, workers)


def _run(options: argparse.Namespace, workers: Workers | None) -> int:
    first, *others = options.prior
    try:
        prior = loaded_prior(first, options.device, **prior_options(options))
    except (PriorError, UsageError) as error:
        sys.exit(str(error))
    variants = variants_of(prior)
    quick = [
        DEFAULT,
        f"m-{prior.defaults.overlap - prior.latent.temporal_stride}",
        "pfr",
        "grid-coarse",
    ]
    chosen = options.variants or (quick if options.quick else list(variants))
    if unknown := set(chosen) - set(variants):
        sys.exit(f"no variant {', '.join(sorted(unknown))}; there are {', '.join(variants)}")
    in_two = [name for name in chosen if {"overlap", "gamma"} & set(variants[name])]
    if in_two and frames_of(options) <= prior.defaults.gop_length:
        sys.exit(
            f"{', '.join(in_two)} do nothing in one GOP: --frames is {frames_of(options)} and "
            f"must be above {prior.defaults.gop_length}"
        )
    common = {
        "device": options.device,
        "workers": workers,
        "prior_options": prior_options(options),
        **coder_options(options),
    }
    rates = rates_of(options)
    codecs = [
        FreeGvcCodec(first, rates, label=name, **{**common, **variants[name]})
        for name in dict.fromkeys((DEFAULT, *chosen))
    ]
    codecs += [FreeGvcCodec(name, rates, **common) for name in others]
    study = study_of(options, codecs)
    results = run_study(study)
    write_report(
        results,
        options.out,
        anchor=DEFAULT,
        pictures={},
        title=f"Ablations of {first} on {options.dataset}",
        rate_range=range_of(options) if options.range else None,
        missing=study.missing,
        paper_table="Table II",
    )
    return int(any(result.error for result in results))
