"""What the paper measured and this report did not, with the command that measures it."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from benchmarks.points import SequenceResult
from benchmarks.published import DATASETS, load_published
from benchmarks.report.curves import has_finished
from benchmarks.report.document import Block, Details, Section, Table, Text

PRIOR = "cogvideox-2b"  # the paper's
TABLE_1, TABLE_2, TABLE_3 = "Table I", "Table II", "Table III"  # of the paper
_MEASURED_BY = {
    TABLE_1: ("benchmarks.table1", ("hevc-b", "hevc-c", "hevc-d", "hevc-e", "uvg", "mcl-jcv")),
    TABLE_2: ("benchmarks.table2", ("hevc-d",)),
    TABLE_3: ("benchmarks.table3", ("hevc-c",)),
}


def published_section(table: str, measured: Collection[str]) -> Section:
    """What papers print, folded, apart from everything that was measured here.

    Args:
        table: the one of the paper's tables that a report is about, such as `TABLE_1`.
        measured: datasets on which the report has that table's numbers with the paper's prior.
    """
    # that module is made of this package's documents, so it cannot be imported before them
    from benchmarks.published_tables import NOT_OURS, published_sections

    papers = published_sections(load_published())
    blocks: tuple[Block, ...] = (not_measured_table(table, measured), Text(NOT_OURS))
    blocks += tuple(Details(section.title, section.blocks) for section in papers)
    return Section("Published numbers", blocks)


def measured_datasets(results: Iterable[SequenceResult]) -> set[str]:
    """Datasets on which freegvc finished any sequence with the paper's prior."""
    return {
        result.dataset
        for result in results
        if has_finished(result) and result.settings.get("prior") == PRIOR
    }


def not_measured_table(table: str, measured: Collection[str]) -> Table:
    """One row for each of the paper's tables and datasets; arguments as of `published_section`."""
    rows = [
        (
            f"{name}, {DATASETS[dataset]}",
            "measured above" if name == table and dataset in measured else "not measured here",
            _command(module, dataset),
        )
        for name, (module, datasets) in _MEASURED_BY.items()
        for dataset in datasets
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
