"""All benchmarks: python -m benchmarks COMMAND. Results go to the folder given by --out."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks import table1, table2, table3, tables
from benchmarks.experiments import (
    boundaries,
    channel,
    cluster,
    coders,
    control,
    cutting,
    efforts,
    errors,
    grid,
    laws,
    merging,
    quality,
    silent,
    steps,
    tiles,
)
from benchmarks.experiments.base import Experiment, Measurement, record_path
from benchmarks.gpu import command as gpu
from benchmarks.record import provenance, write_json

STUDIES = {"table1": table1, "table2": table2, "table3": table3}
EXPERIMENTS: dict[str, Experiment | Measurement] = {
    "boundaries": boundaries.EXPERIMENT,
    "channel": channel.EXPERIMENT,
    "cluster": cluster.EXPERIMENT,
    "coders": coders.EXPERIMENT,
    "control": control.EXPERIMENT,
    "efforts": efforts.EXPERIMENT,
    "errors": errors.EXPERIMENT,
    "gpu": gpu.EXPERIMENT,
    "cutting": cutting.EXPERIMENT,
    "grid": grid.EXPERIMENT,
    "laws": laws.EXPERIMENT,
    "merging": merging.EXPERIMENT,
    "quality": quality.EXPERIMENT,
    "silent": silent.EXPERIMENT,
    "steps": steps.EXPERIMENT,
    "tiles": tiles.EXPERIMENT,
}
OUT = Path("benchmark-results")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; 0 if all went well, 1 if something failed or is out of date."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name: str, about: str | None, out: Path | None) -> argparse.ArgumentParser:
        added = commands.add_parser(
            name,
            help=(about or "").split("\n", maxsplit=1)[0].rstrip("."),
            description=about,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        if out is not None:
            text = "folder for results (default: %(default)s)"
            added.add_argument("--out", type=Path, default=out, help=text)
        return added

    for name, study in STUDIES.items():
        study.add_arguments(command(name, study.__doc__, OUT / name))
    for name, experiment in EXPERIMENTS.items():
        experiment.add_arguments(command(name, experiment.about, OUT))
    tables.add_arguments(command("tables", tables.__doc__, None))

    options = parser.parse_args(arguments)
    if options.command == "tables":
        return tables.run(options)
    if options.command in STUDIES:
        return int(STUDIES[options.command].run(options))
    for record in EXPERIMENTS[options.command].records(options):
        write_json(record_path(options), {**provenance(), **record})
    return 0


if __name__ == "__main__":
    sys.exit(main())
