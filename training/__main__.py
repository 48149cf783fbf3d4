"""python -m training pack OUT; python -m training all --minutes N; python -m training judge FILE.

`pack` makes a folder. In that folder `all` trains freegvc-small 2, on another machine if need be.
`judge` scores an autoencoder on the validation clips.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

BEGAN = time.monotonic()  # before torch is imported, which takes seconds of `all`'s minutes
SHARED = Path("../shared/data")
HERE = Path(__file__).parents[1]


def main() -> None:
    """Run one of the three commands."""
    parser = argparse.ArgumentParser(prog="python -m training", description=__doc__)
    commands = parser.add_subparsers(required=True)
    one = commands.add_parser("pack", help="make a folder that trains elsewhere")
    one.add_argument("out", type=Path)
    one.add_argument("--data", type=Path, default=SHARED)
    one.add_argument("--checkpoint", type=Path, help="the --out of an earlier `all`")
    one.set_defaults(run=run_pack)
    one = commands.add_parser("all", help="train, in a folder that `pack` has made")
    one.add_argument("--minutes", type=float, required=True, help="in all, imports included")
    one.add_argument("--device", default="cpu")
    one.add_argument("--out", type=Path, default=Path("run"), help="a stopped run continues there")
    one.add_argument("--pack", type=Path, default=HERE)
    one.add_argument("--pixels", type=int, default=12 * 16 * 128 * 128, help="of a batch")
    one.add_argument(
        "--shares",
        type=float,
        nargs=3,
        default=(0.5, 0.3, 0.2),
        metavar=("AUTOENCODER", "DENOISER", "DECODER"),
        help="of the time; 0 leaves one as it is",
    )
    one.add_argument("--workers", type=int, default=16, help="threads that decode the clips")
    one.set_defaults(run=run_all)
    one = commands.add_parser("judge", help="score an autoencoder on the validation clips")
    one.add_argument(
        "weights", type=Path, help="the --out of `all`, or .safetensors of freegvc-small"
    )
    one.add_argument("out", type=Path, help="folder for validation.json and sheet.png")
    one.add_argument("--data", type=Path, default=SHARED)
    one.add_argument("--frames", type=int, default=48, help="of each clip")
    one.set_defaults(run=run_judge)
    args = parser.parse_args()
    args.run(args)


def run_pack(args: argparse.Namespace) -> None:
    """`pack`."""
    from training.pack import pack

    size = pack(args.out, args.data, args.checkpoint)
    print(f"{args.out}: {size:,} bytes in {time.monotonic() - BEGAN:.0f} s")


def run_all(args: argparse.Namespace) -> None:
    """`all`."""
    from training.small2.run import run

    deadline = BEGAN + 60 * args.minutes
    shares = (args.shares[0], args.shares[1], args.shares[2])
    run(args.pack, args.out, args.device, deadline, shares, args.pixels, args.workers)


def run_judge(args: argparse.Namespace) -> None:
    """`judge`."""
    from training.small2.judge import judge

    judge(args.weights, args.out, args.data, args.frames)


if __name__ == "__main__":
    main()
