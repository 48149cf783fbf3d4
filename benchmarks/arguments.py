"""What the commands of the three tables have in common."""

from __future__ import annotations

import argparse
import math
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.codecs.base import Codec
from benchmarks.datasets import NUM_FRAMES, dataset_names, dataset_sequences
from benchmarks.datasets import Sequence as Clip
from benchmarks.frames import MAX_SIZE
from benchmarks.study import Study
from freegvc._bitstream.header import NUMERICS
from freegvc._channel.names import CODERS
from freegvc.errors import MetricUnavailableError
from freegvc.metrics import METRIC_NAMES, check_metric
from freegvc.priors.diffusers.placement import OFFLOADS

# bits per pixel of the paper's operating points: its Table III (b) has 0.0011 to 0.0152
RATES_BPP = (0.001, 0.002, 0.003, 0.005, 0.01, 0.016)
QUICK_RATES_BPP = (0.004, 0.008, 0.016, 0.03)  # those that short clips reach with other codecs
CLIPS_FRAMES = 48  # one GOP, for small machines
QUICK_FRAMES = 16
QUICK_CLIPS = ("basketballpass", "carphone_qcif", "pancake")


def add_common(parser: argparse.ArgumentParser, metrics: Sequence[str]) -> None:
    """Options of every table.

    Args:
        parser: of the command.
        metrics: those of the table, which are left out where they cannot be computed.
    """
    parser.add_argument("--dataset", choices=dataset_names(), default="clips")
    parser.add_argument("--root", type=Path, help="where the dataset lies, at any depth")
    parser.add_argument("--prior", nargs="+", default=["freegvc-small"], help="names of priors")
    parser.add_argument("--device", default="cpu", help="where priors run (default: %(default)s)")
    parser.add_argument(
        "--dtype",
        choices=NUMERICS,
        metavar="NAME",
        help=f"arithmetic of priors: {', '.join(NUMERICS)} (default: the prior's)",
    )
    parser.add_argument(
        "--offload", choices=OFFLOADS, help="what of a prior leaves the GPU when unused"
    )
    parser.add_argument(
        "--coder", choices=tuple(CODERS), help="channel coder of freegvc (default: trellis)"
    )
    parser.add_argument(
        "--frames",
        type=int,
        help=f"frames of each sequence (default: {NUM_FRAMES}; clips: {CLIPS_FRAMES}; "
        f"--quick: {QUICK_FRAMES})",
    )
    parser.add_argument("--only", nargs="+", metavar="NAME", help="only these sequences")
    parser.add_argument(
        "--metrics",
        nargs="+",
        choices=METRIC_NAMES,
        metavar="NAME",
        help=f"of {', '.join(METRIC_NAMES)} (default: those of {' '.join(metrics)} that work here)",
    )
    parser.add_argument("--quick", action="store_true", help="few sequences and rates: minutes")
    parser.set_defaults(table_metrics=tuple(metrics))


def add_rates(
    parser: argparse.ArgumentParser,
    rates: Sequence[float] = RATES_BPP,
    default_range: str = f"from {RATES_BPP[0]:g} to the highest of --rates",
) -> None:
    """The rates of freegvc, and what BD-rates are over.

    Args:
        parser: of the command.
        rates: of the table without --quick, in bits per pixel.
        default_range: for the help, the range of BD-rates without --range.
    """
    parser.add_argument(
        "--rates",
        nargs="+",
        type=_bpp,
        metavar="BPP",
        help=f"of freegvc, in bits per pixel (default: {_listed(rates)}; --quick: "
        f"{_listed(QUICK_RATES_BPP)})",
    )
    parser.add_argument(
        "--range",
        nargs=2,
        type=_bpp,
        metavar=("LOW", "HIGH"),
        help=f"bits per pixel between which curves are compared (default: {default_range})",
    )
    parser.set_defaults(table_rates=tuple(rates))


def rates_of(options: argparse.Namespace) -> tuple[float, ...]:
    """The rates of freegvc in bits per pixel, rising."""
    chosen = options.rates or (QUICK_RATES_BPP if options.quick else options.table_rates)
    return tuple(sorted(set(chosen)))


def range_of(options: argparse.Namespace) -> tuple[float, float]:
    """The bits per pixel between which curves are compared.

    Raises:
        SystemExit: it is empty.
    """
    rates = rates_of(options)
    low, high = options.range or (min(RATES_BPP[0], rates[0]), rates[-1])
    if low >= high:
        sys.exit(f"--range: {low:g} to {high:g} bpp is empty: give the lower rate first")
    return low, high


def prior_options(options: argparse.Namespace) -> dict[str, str]:
    """Keywords of `load_prior` beside name and device: those that were given."""
    given = {"dtype": options.dtype, "offload": options.offload}
    return {name: value for name, value in given.items() if value is not None}


def coder_options(options: argparse.Namespace) -> dict[str, str]:
    """The coder as a field of `Settings`, if one was given."""
    return {} if options.coder is None else {"coder": options.coder}


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

    Metrics are checked first, before hours of encoding. One of the table's that cannot be computed
    here is said and left out; the report says so too.

    Raises:
        MetricUnavailableError: that of a metric that --metrics names.
    """
    missing: dict[str, str] = {}
    for name in options.metrics or options.table_metrics:
        try:
            check_metric(name, device=options.device)
        except MetricUnavailableError as error:
            if options.metrics:
                raise
            missing[name] = str(error)
            print(f"without {name}: {error}", file=sys.stderr, flush=True)
    metrics = [name for name in options.metrics or options.table_metrics if name not in missing]
    return Study(
        dataset=options.dataset,
        clips=clips_of(options),
        codecs=codecs,
        num_frames=frames_of(options),
        # clips are scaled to the size of HEVC class D, standard sequences are not scaled
        max_size=MAX_SIZE if options.dataset == "clips" else None,
        metrics=metrics,
        missing=missing,
        out=options.out,
        device=options.device,
    )


def _bpp(text: str) -> float:
    """A positive number of bits per pixel."""
    try:
        bpp = float(text)
    except ValueError:
        bpp = math.nan
    if not 0 < bpp < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of bits per pixel above 0")
    return bpp


def _listed(rates: Sequence[float]) -> str:
    return " ".join(f"{bpp:g}" for bpp in rates)


def typed_command() -> str:
    """The command as it was typed."""
    return shlex.join(["python", "-m", "benchmarks", *sys.argv[1:]])
