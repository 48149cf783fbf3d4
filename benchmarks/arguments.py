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
from benchmarks.run import METRICS, Job
from freegvc.metrics import METRIC_NAMES, check_metric

CLIPS_FRAMES = 48  # one GOP: what a small machine has time for
QUICK_FRAMES = 24
QUICK_CLIPS = ("basketballpass", "carphone_qcif", "pancake")


def parser_of(description: str) -> argparse.ArgumentParser:
    """Options of every table."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--dataset", choices=dataset_names(), default="clips")
    parser.add_argument("--root", type=Path, help="where the dataset lies, at any depth")
    parser.add_argument("--prior", nargs="+", default=["freegvc-small"], help="names of priors")
    parser.add_argument("--device", default="cpu", help="where priors run (default: %(default)s)")
    parser.add_argument(
        "--frames",
        type=int,
        help=f"of each sequence (default: {NUM_FRAMES}; clips: {CLIPS_FRAMES}; "
        f"--quick: {QUICK_FRAMES})",
    )
    parser.add_argument("--only", nargs="+", metavar="NAME", help="some of the sequences")
    parser.add_argument(
        "--metrics", nargs="+", choices=METRIC_NAMES, default=list(METRICS), metavar="NAME"
    )
    parser.add_argument("--quick", action="store_true", help="few sequences, few rates: minutes")
    parser.add_argument("--out", type=Path, required=True, help="folder; a run goes on in it")
    return parser


def clips_of(arguments: argparse.Namespace) -> list[Clip]:
    """The sequences that are asked for.

    Raises:
        SystemExit: a name is not in the dataset.
    """
    clips = dataset_sequences(arguments.dataset, arguments.root)
    # a folder of clips may hold OUT, whose plots would be frames of one
    clips = [clip for clip in clips if arguments.out.resolve() not in map(Path.resolve, clip.paths)]
    only = arguments.only
    if only is None and arguments.quick:
        present = [clip.name for clip in clips]
        only = [name for name in QUICK_CLIPS if name in present] or present[:3]
    if only is None:
        return clips
    unknown = set(only) - {clip.name for clip in clips}
    if unknown:
        sys.exit(f"{arguments.dataset} has no {', '.join(sorted(unknown))}")
    return [clip for clip in clips if clip.name in only]


def frames_of(arguments: argparse.Namespace) -> int:
    """How many frames of each sequence."""
    if arguments.frames:
        return int(arguments.frames)
    if arguments.quick:
        return QUICK_FRAMES
    return CLIPS_FRAMES if arguments.dataset == "clips" else NUM_FRAMES


def max_size_of(arguments: argparse.Namespace) -> tuple[int, int] | None:
    """Clips are scaled to HEVC class D; standard sequences never."""
    return MAX_SIZE if arguments.dataset == "clips" else None


def check_metrics(arguments: argparse.Namespace) -> None:
    """Make sure that all metrics work, before hours of encoding.

    Raises:
        MetricUnavailableError: weights are missing; says where to put them.
    """
    for name in arguments.metrics:
        check_metric(name, device=arguments.device)


def job_of(arguments: argparse.Namespace, codecs: Sequence[Codec]) -> Job:
    """What is asked for, with these codecs."""
    return Job(
        arguments.dataset,
        clips_of(arguments),
        codecs,
        frames_of(arguments),
        max_size_of(arguments),
        arguments.metrics,
        arguments.out,
        arguments.device,
    )


def command_of(module: str) -> str:
    """The command as it was typed."""
    return shlex.join(["python", "-m", module, *sys.argv[1:]])
