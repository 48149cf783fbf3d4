"""Table I: rate-perception curves and BD-rates of priors beside conventional codecs.

python -m benchmarks.table1 --dataset clips --quick --out /tmp/table1
python -m benchmarks.table1 --dataset hevc-c --root DIR --prior cogvideox-2b --device cuda --out DIR
python -m benchmarks.table1 ... --published dcvc_rt.json --anchor "dcvc_rt (published)"

Every file is decoded and scored; OUT gets one JSON for each codec and sequence, report.md,
report.html and plots. Killed and started again, it goes on where it was.
"""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks.arguments import check_metrics, command_of, job_of, parser_of
from benchmarks.codecs import make_codec
from benchmarks.codecs.base import Codec
from benchmarks.codecs.freegvc_codec import RATES_BPP, FreeGvcCodec
from benchmarks.points import RATE_RANGE_BPP
from benchmarks.published_curves import check_published, label_of, read_published
from benchmarks.report import write_report
from benchmarks.report.not_measured import TABLE_1
from benchmarks.report.samples import sample_pictures
from benchmarks.run import run

ANCHOR = "x265-ra"
BASELINES = (ANCHOR, "x264-ra", "svtav1-ra", "vp9-ld")
QUICK_RATES_BPP = (0.004, 0.01, 0.02, 0.04)


def main() -> int:
    """Run from the command line; 1 if a sequence failed."""
    parser = parser_of(__doc__ or "")
    parser.add_argument("--codecs", nargs="*", default=list(BASELINES), help="baselines")
    parser.add_argument(
        "--published",
        nargs="+",
        type=Path,
        default=[],
        metavar="FILE",
        help="curves of others, as JSON of DCVC's logs or of CompressAI's results",
    )
    parser.add_argument(
        "--anchor",
        help=f"codec of the report that BD-rates are against (default: {ANCHOR} if asked for, else "
        "the first prior)",
    )
    arguments = parser.parse_args()
    check_metrics(arguments)
    for path in arguments.published:
        check_published(path, arguments.dataset)
    rates = QUICK_RATES_BPP if arguments.quick else RATES_BPP
    codecs: list[Codec] = [
        FreeGvcCodec(prior, rates, device=arguments.device) for prior in arguments.prior
    ]
    names = arguments.codecs
    codecs += [make_codec(name) for name in names]
    labels = [codec.label for codec in codecs]
    labels += [label_of(path) for path in arguments.published]
    anchor = arguments.anchor or (ANCHOR if ANCHOR in names else labels[0])
    if anchor not in labels or len(set(labels)) < len(labels):
        sys.exit(f"anchor {anchor!r}: it must be one of {', '.join(labels)}, and each only once")
    job = job_of(arguments, codecs)
    results = run(job)
    published = [
        read_published(path, job.dataset, job.clips, results) for path in arguments.published
    ]
    write_report(
        [*results, *(result for codec in published for result in codec.results)],
        arguments.out,
        anchor=anchor,
        pictures=sample_pictures(job, results),
        title=f"Rate and perception on {arguments.dataset}",
        command=command_of("benchmarks.table1"),
        rate_range=RATE_RANGE_BPP,
        paper_table=TABLE_1,
        means=[mean for codec in published for mean in codec.means],
    )
    print(arguments.out / "report.html")
    return int(any(result.error for result in results))


if __name__ == "__main__":
    sys.exit(main())
