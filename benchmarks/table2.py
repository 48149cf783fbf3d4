"""Table II: what overlap, fusion weight, GOP length, coder, grid and prior are worth.

python -m benchmarks table2 --dataset clips --only basketballpass

Each variant changes one thing of the default; BD-rates are against the default. Beside those of the
paper: effort, the rule of the silent part, refinement, tuning, chained GOPs, and "frame-wise", GOPs
of one latent without overlap (equations 10 to 15: what the joint prior saves). A variant that the
prior does not allow is said and left out. 96 frames unless --frames says otherwise: overlap, fusion
weight and chain have no effect in a single GOP.
"""

from __future__ import annotations

import argparse
import itertools
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

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
from benchmarks.frames import MAX_SIZE
from benchmarks.report.study_report import write_report
from benchmarks.study import run as run_study
from freegvc import Settings, open_video
from freegvc._cli.ray_options import add_ray, ray_workers
from freegvc._control.effort import DEFAULT_EFFORT, EFFORTS
from freegvc._control.tuning import TUNINGS
from freegvc._video.gop_plan import plan_gops
from freegvc.errors import MetricUnavailableError, PriorError, UsageError
from freegvc.priors import Prior

if TYPE_CHECKING:
    from freegvc.cluster import Workers

DEFAULT = "default"
FRAME_WISE = "frame-wise"
RATES_BPP = (0.002, 0.004, 0.008, 0.015, 0.03, 0.05)  # to 0.05, the rate of the paper's Table II
METRICS = ("lpips", "dists", "tlp", "tof", "ms_ssim", "psnr")  # the paper's, and two of fidelity


def variants_of(prior: Prior) -> dict[str, dict[str, Any]]:
    """Label to what differs: fields of `Settings`.

    Lengths and overlaps are the paper's for CogVideoX, and as many latents more or fewer for a
    prior with other defaults. Rules of the silent part that are the prior's own are left out.
    """
    defaults, stride = prior.defaults, prior.latent.temporal_stride
    overlaps = (defaults.overlap - stride, defaults.overlap + stride)
    lengths = (defaults.gop_length - 16, defaults.gop_length + 8)
    own_rate = None if defaults.silent_steps else defaults.silent_rate
    return {
        DEFAULT: {},
        **{f"m-{m}": {"overlap": m} for m in overlaps},
        **{f"gamma-{gamma}": {"gamma": gamma} for gamma in (0.4, 0.6, 0.7)},
        **{f"l-{length}": {"gop_length": length} for length in lengths},
        FRAME_WISE: {"gop_length": latent_frames(prior), "overlap": 0},
        "chain": {"chain": True},
        "pfr": {"coder": "pfr"},
        "grid-coarse": {"first_step": 0.1, "growth": 1.3},
        "grid-fine": {"first_step": 0.0125, "growth": 1.05},
        **{f"effort-{word}": {"effort": word} for word in EFFORTS if word != DEFAULT_EFFORT},
        **{f"silent-{n}": {"silent_steps": n} for n in (1,) if n != defaults.silent_steps},
        **{f"silent-rate-{n}": {"silent_rate": n} for n in (4, 12) if n != own_rate},
        "dpmpp2m-5": {"sampler": "dpmpp2m", "silent_steps": 5},
        "gnvc-vd": {"refine": "gnvc-vd"},
        **{f"tune-{name}": {"tune": name} for name in TUNINGS if prior.is_tunable},
    }


def latent_frames(prior: Prior) -> int:
    """The most frames that can be one latent: its first one covers a single frame if causal."""
    return 1 if prior.latent.is_causal else prior.latent.temporal_stride


def why_not(prior: Prior, name: str, variant: Mapping[str, Any], num_frames: int) -> str | None:
    """Why a variant says nothing about this prior; None if it does.

    Args:
        prior: loaded.
        name: of the variant.
        variant: fields of `Settings`.
        num_frames: of each sequence.
    """
    settings = Settings(**variant)
    try:
        size = prior.defaults.native_size or MAX_SIZE
        picture = open_video(np.zeros((1, *size, 3), np.uint8))
        parameters = settings.parameters(picture, prior, "trellis")
    except MetricUnavailableError as error:
        return str(error)
    except UsageError as error:
        return f"prior {prior.name} does not allow it: {error}"
    latents = prior.latent.shape(parameters.gop_length, *size)[1]
    if name == FRAME_WISE and latents > 1:
        return f"prior {prior.name} has no GOPs of one latent: the least has {latents}"

    def num_gops(frames: int) -> int:
        longest, stride = prior.defaults.max_gop_length, prior.latent.temporal_stride
        length, overlap = parameters.gop_length, parameters.overlap
        return plan_gops(frames, length, overlap, longest=longest, stride=stride).num_gops

    if {"overlap", "gamma", "chain"} & set(variant) and num_gops(num_frames) == 1:
        least = next(n for n in itertools.count(num_frames) if num_gops(n) > 1)
        return f"it does nothing in one GOP: --frames is {num_frames} and must be at least {least}"
    return None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    add_common(parser, METRICS)
    add_rates(parser, RATES_BPP, default_range="everywhere")
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
    for name in list(chosen):
        reason = why_not(prior, name, variants[name], frames_of(options))
        if reason is not None and options.variants:
            sys.exit(f"{name}: {reason}")
        if reason is not None:
            chosen.remove(name)
            print(f"without {name}: {reason}", file=sys.stderr, flush=True)
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
