"""Table I: rate-perception curves and BD-rates of priors beside conventional codecs.

python -m benchmarks table1 --dataset clips --quick
python -m benchmarks table1 --dataset hevc-c --root DIR --prior cogvideox-2b --device cuda
python -m benchmarks table1 ... --rates 0.005 0.01 0.02 0.05 --range 0.005 0.05 --coder pfr
python -m benchmarks table1 ... --published dcvc_rt.json --anchor "dcvc_rt (published)"

Every file is decoded and scored; OUT gets one JSON for each codec and sequence, report.md,
report.html and plots. A stopped run continues when it is started again.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.arguments import (
    add_common,
    add_rates,
    coder_options,
    prior_options,
    range_of,
    rates_of,
    study_of,
)
from benchmarks.codecs import make_codec
from benchmarks.codecs.base import Codec
from benchmarks.codecs.freegvc_codec import FreeGvcCodec
from benchmarks.published_curves import check_published, label_of, read_published
from benchmarks.report.dataset_fid import dataset_fid
from benchmarks.report.pictures import sample_pictures
from benchmarks.report.study_report import write_report
from benchmarks.study import run as run_study
from freegvc._cli.ray_options import add_ray, ray_workers
from freegvc._control.tuning import TUNINGS
from freegvc.metrics import FID

if TYPE_CHECKING:
    from freegvc.cluster import Workers

ANCHOR = "x265-ra"
BASELINES = (ANCHOR, "x264-ra", "svtav1-ra", "vp9-ld")
QUICK_BASELINES = (ANCHOR, "svtav1-ra")
METRICS = ("lpips", "dists", "fid", "ms_ssim", "psnr", "cvvdp")  # the paper's, and two more


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    add_common(parser, METRICS)
    add_rates(parser)
    add_ray(parser)
    parser.add_argument(
        "--codecs",
        nargs="*",
        metavar="NAME",
        help=f"baselines (default: {' '.join(BASELINES)}; --quick: {' '.join(QUICK_BASELINES)})",
    )
    parser.add_argument(
        "--tune", choices=TUNINGS, help="tune latents; the codec is then called PRIOR-TUNE"
    )
    parser.add_argument(
        "--published",
        nargs="+",
        type=Path,
        default=[],
        metavar="FILE",
        help="published curves: logs of DCVC or result files of CompressAI, in JSON",
    )
    parser.add_argument(
        "--anchor",
        help=f"codec that BD-rates compare with (default: {ANCHOR} if it is run, else the first "
        "prior)",
    )


def run(options: argparse.Namespace) -> int:
    """Run the command; 1 if a sequence failed."""
    with ray_workers(options) as workers:
        return _run(options, workers)


def _run(options: argparse.Namespace, workers: Workers | None) -> int:
    for path in options.published:
        check_published(path, options.dataset)
    rate_range = range_of(options)
    codecs: list[Codec] = [
        FreeGvcCodec(
            prior,
            rates_of(options),
            label=f"{prior}-{options.tune}" if options.tune else None,
            device=options.device,
            workers=workers,
            prior_options=prior_options(options),
            **coder_options(options),
            **({"tune": options.tune} if options.tune else {}),
        )
        for prior in options.prior
    ]
    baselines = options.codecs
    if baselines is None:
        baselines = QUICK_BASELINES if options.quick else BASELINES
    codecs += [make_codec(name) for name in baselines]
    labels = [codec.label for codec in codecs] + [label_of(path) for path in options.published]
    anchor = options.anchor or (ANCHOR if ANCHOR in baselines else labels[0])
    if anchor not in labels or len(set(labels)) < len(labels):
        sys.exit(f"anchor {anchor!r}: it must be one of {', '.join(labels)}, and each only once")
    study = study_of(options, codecs)
    results = run_study(study)
    published = [
        read_published(path, study.dataset, study.clips, results) for path in options.published
    ]
    write_report(
        [*results, *(result for codec in published for result in codec.results)],
        options.out,
        anchor=anchor,
        pictures=sample_pictures(study, results),
        title=f"Rate and perception on {options.dataset}",
        rate_range=rate_range,
        paper_table="Table I",
        missing=study.missing,
        fid=dataset_fid(results, study.out) if FID in study.metrics else None,
        means=[mean for codec in published for mean in codec.means],
    )
    return int(any(result.error for result in results))
