"""Table II: what overlap, fusion weight, GOP length, coder, grid and prior are worth.

python -m benchmarks.table2 --dataset clips --only basketballpass --out DIR

Each variant changes one thing of the default; BD-rates are against the default.
"""

from __future__ import annotations

import sys
from typing import Any

from benchmarks.arguments import check_metrics, command_of, job_of, parser_of
from benchmarks.codecs.freegvc_codec import FreeGvcCodec
from benchmarks.report import write_report
from benchmarks.report.not_measured import TABLE_2
from benchmarks.run import run

DEFAULT = "default"
# label to what differs: keywords of compress, and attributes of the prior under "grid"
VARIANTS: dict[str, dict[str, Any]] = {
    DEFAULT: {},
    "m-0": {"overlap": 0},
    "m-8": {"overlap": 8},
    "gamma-0.25": {"gamma": 0.25},
    "gamma-1": {"gamma": 1.0},
    "l-16": {"gop_length": 16},
    "l-32": {"gop_length": 32},
    "pfr": {"coder": "pfr"},
    "grid-coarse": {"grid": (0.1, 1.3)},
    "grid-fine": {"grid": (0.04, 1.03)},
    "dpmpp2m-5": {"sampler": "dpmpp2m", "silent_steps": 5},
}
QUICK = (DEFAULT, "m-0", "pfr", "grid-coarse")


def main() -> int:
    """Run from the command line; 1 if a sequence failed."""
    parser = parser_of(__doc__ or "")
    parser.add_argument("--variants", nargs="+", choices=list(VARIANTS), metavar="NAME")
    arguments = parser.parse_args()
    check_metrics(arguments)
    chosen = arguments.variants or (QUICK if arguments.quick else list(VARIANTS))
    first, *others = arguments.prior
    codecs = [
        FreeGvcCodec(first, label=name, device=arguments.device, **VARIANTS[name])
        for name in dict.fromkeys((DEFAULT, *chosen))
    ]
    codecs += [FreeGvcCodec(prior, device=arguments.device) for prior in others]
    job = job_of(arguments, codecs)
    results = run(job)
    write_report(
        results,
        arguments.out,
        anchor=DEFAULT,
        pictures={},
        title=f"Ablations of {first} on {arguments.dataset}",
        command=command_of("benchmarks.table2"),
        rate_range=None,
        paper_table=TABLE_2,
    )
    print(arguments.out / "report.html")
    return int(any(result.error for result in results))


if __name__ == "__main__":
    sys.exit(main())
