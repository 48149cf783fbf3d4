"""What the paper measured and this report did not, with the command that measures it."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.points import SequenceResult
from benchmarks.published import DATASETS
from benchmarks.report.curves import has_finished
from benchmarks.report.document import Table

PRIOR = "cogvideox-2b"  # the paper's
# of the paper's Table I
_TABLE_1 = ("hevc-b", "hevc-c", "hevc-d", "hevc-e", "uvg", "mcl-jcv")
_OTHERS = (
    ("Table II, HEVC D", "benchmarks.table2", "hevc-d"),
    ("Table III, HEVC C", "benchmarks.table3", "hevc-c"),
)


def not_measured_table(results: Sequence[SequenceResult]) -> Table:
    """One row for each dataset of Table I, and for Tables II and III.

    A dataset is measured here once any result on it is of freegvc with the paper's prior.
    """
    measured = {
        result.dataset
        for result in results
        if has_finished(result) and result.settings.get("prior") == PRIOR
    }
    rows = [
        (
            f"Table I, {DATASETS[dataset]}",
            "measured above" if dataset in measured else "not measured here",
            _command("benchmarks.table1", dataset),
        )
        for dataset in _TABLE_1
    ]
    rows += [
        (what, "not measured here", _command(module, dataset)) for what, module, dataset in _OTHERS
    ]
    return Table(
        f"The paper's tables with its prior, {PRIOR}",
        ("what", "here", "command"),
        tuple(rows),
        ("ROOT is where the dataset lies, OUT where the results and a report of their own go.",),
    )


def _command(module: str, dataset: str) -> str:
    place = f"--dataset {dataset} --root ROOT"
    return f"python -m {module} {place} --prior {PRIOR} --device cuda --out OUT"
