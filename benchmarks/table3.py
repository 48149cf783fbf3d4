"""Table III: seconds per frame by stage, and bits per pixel, at the paper's stop steps.

python -m benchmarks table3 --dataset clips --only basketballpass

Each prior runs with both channel coders, ours and the paper's (pfr); --coder takes one of them.
Stop steps are timesteps of the prior's own schedule, so the same step is not the same noise for two
priors. OUT gets one JSON for each prior and sequence, report.md and report.html. A stopped run
continues when it is started again.
"""

from __future__ import annotations

import argparse

from benchmarks.arguments import add_common, prior_options, study_of
from benchmarks.codecs.stages import StageCodec
from benchmarks.report.stage_report import write_stage_report
from benchmarks.study import run as run_study

METRICS = ("ms_ssim", "dists", "lpips", "psnr")  # the paper's two, and two more
CODERS = ("trellis", "pfr")  # ours, and the paper's
STOP_STEPS = (50, 100, 200, 300, 400, 500)  # of the paper's Table III


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    add_common(parser, METRICS)
    parser.add_argument("--stop-steps", nargs="+", type=int, default=list(STOP_STEPS))


def run(options: argparse.Namespace) -> int:
    """Run the command; 1 if a sequence failed."""
    stops = options.stop_steps[::2] if options.quick else options.stop_steps
    loading = prior_options(options)
    codecs = [
        StageCodec(prior, stops, options.device, coder=coder, prior_options=loading)
        for prior in options.prior
        for coder in ([options.coder] if options.coder else CODERS)
    ]
    study = study_of(options, codecs)
    results = run_study(study)
    title = f"Seconds of each stage on {options.dataset}"
    write_stage_report(results, options.out, title=title, missing=study.missing)
    return int(any(result.error for result in results))
