"""What the paper measured and this report did not, with the command that measures it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from benchmarks.datasets import num_sequences
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
_METRICS = {  # of the paper
    TABLE_1: "ms_ssim lpips dists fid",
    TABLE_2: "lpips dists tlp tof",
    TABLE_3: "ms_ssim dists",
}


def published_section(table: str, measured: Mapping[str, int]) -> Section:
    """What papers print, folded, apart from everything that was measured here.

    Args:
        table: the one of the paper's tables that a report is about, such as `TABLE_1`.
        measured: dataset to the number of its sequences on which the report has that table's
            numbers with the paper's prior.
    """
    # that module is made of this package's documents, so it cannot be imported before them
    from benchmarks.published_tables import NOT_OURS, published_sections

    papers = published_sections(load_published())
    blocks: tuple[Block, ...] = (not_measured_table(table, measured), Text(NOT_OURS))
    blocks += tuple(Details(section.title, section.blocks) for section in papers)
    return Section("Published numbers", blocks)


def measured_datasets(results: Iterable[SequenceResult]) -> Counter[str]:
    """On how many sequences of each dataset freegvc finished with the paper's prior."""
    places = {
        (result.dataset, result.sequence)
        for result in results
        if has_finished(result) and result.settings.get("prior") == PRIOR
    }
    return Counter(dataset for dataset, _ in places)


def not_measured_table(table: str, measured: Mapping[str, int]) -> Table:
    """One row for each of the paper's tables and datasets; arguments as of `published_section`."""
    rows = [
        (
            f"{name}, {DATASETS[dataset]}",
            _said(measured.get(dataset, 0) if name == table else 0, num_sequences(dataset)),
            f"python -m {module} --dataset {dataset} --root ROOT --prior {PRIOR} "
            f"--metrics {_METRICS[name]} --device cuda --out OUT",
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


def _said(measured: int, whole: int) -> str:
    if not measured:
        return "not measured here"
    return "measured above" if measured >= whole else f"{measured} of {whole} sequences above"
