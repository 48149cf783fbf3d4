"""What the commands of the three tables have in common."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.codecs.base import Codec
from benchmarks.datasets import NUM_FRAMES, dataset_names, dataset_sequences
from benchmarks.datasets import Sequence as Clip
from benchmarks.frames import MAX_SIZE
from benchmarks.study import METRICS, Study
from freegvc.metrics import METRIC_NAMES, check_metric

CLIPS_FRAMES = 48  # one GOP, for small machines
QUICK_FRAMES = 24
QUICK_CLIPS = ("basketballpass", "carphone_qcif", "pancake")


def add_common(parser: argparse.ArgumentParser) -> None:
    """Options of every table."""
    parser.add_argument("--dataset", choices=dataset_names(), default="clips")
    parser.add_argument("--root", type=Path, help="where the dataset lies, at any depth")
    parser.add_argument("--prior", nargs="+", default=["freegvc-small"], help="names of priors")
    parser.add_argument("--device", default="cpu", help="where priors run (default: %(default)s)")
    parser.add_argument(
        "--frames",
        type=int,
        help=f"frames of each sequence (default: {NUM_FRAMES}; clips: {CLIPS_FRAMES}; "
        f"--quick: {QUICK_FRAMES})",
    )
    parser.add_argument("--only", nargs="+", metavar="NAME", help="only these sequences")
    parser.add_argument(
        "--metrics", nargs="+", choices=METRIC_NAMES, default=list(METRICS), metavar="NAME"
    )
    parser.add_argument("--quick", action="store_true", help="few sequences and rates: minutes")


def clips_of(options: argparse.Namespace) -> list[Clip]:
    """The sequences to run.

    Raises:
        SystemExit: a name is not in the dataset.
    """
    clips = dataset_sequences(options.dataset, options.root)
    # a folder of clips may hold OUT, whose plots would be frames of one
    clips = [clip for clip in clips if options.out.resolve() not in map(Path.resolve, clip.paths)]
    only = options.only
    if only is None and options.quick:
        present = [clip.name for clip in clips]
        only = [name for name in QUICK_CLIPS if name in present] or present[:3]
    if only is None:
        return clips
    if unknown := set(only) - {clip.name for clip in clips}:
        sys.exit(f"{options.dataset} has no {', '.join(sorted(unknown))}")
    return [clip for clip in clips if clip.name in only]


def frames_of(options: argparse.Namespace) -> int:
    """How many frames of each sequence."""
    if options.frames:
        return int(options.frames)
    if options.quick:
        return QUICK_FRAMES
    return CLIPS_FRAMES if options.dataset == "clips" else NUM_FRAMES


def study_of(options: argparse.Namespace, codecs: Sequence[Codec]) -> Study:
    """The study that the options describe, with these codecs.

    Raises:
        MetricUnavailableError: weights of a metric are missing. The check comes first, before
            hours of encoding.
    """
    for name in options.metrics:
        check_metric(name, device=options.device)
    return Study(
        dataset=options.dataset,
        clips=clips_of(options),
        codecs=codecs,
        num_frames=frames_of(options),
        # clips are scaled to the size of HEVC class D, standard sequences are not scaled
        max_size=MAX_SIZE if options.dataset == "clips" else None,
        metrics=options.metrics,
        out=options.out,
        device=options.device,
    )


def typed_command() -> str:
    """The command as it was typed."""
    return shlex.join(["python", "-m", "benchmarks", *sys.argv[1:]])
