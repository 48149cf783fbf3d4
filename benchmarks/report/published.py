"""Published numbers in a section of their own: its tables have no numbers of our own.

It starts with what the paper measured and this report did not, with the commands to measure it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from benchmarks.datasets import num_sequences
from benchmarks.points import SequenceResult
from benchmarks.published import DATASETS, METRICS, PROTOCOL, Number, Paper, load_published
from benchmarks.report.document import Block, Details, Section, Table, Text

PRIOR = "cogvideox-2b"  # the paper's
# the paper's tables: our command, its datasets and metrics
_MEASURED_BY = {
    "Table I": ("table1", "hevc-b hevc-c hevc-d hevc-e uvg mcl-jcv", "ms_ssim lpips dists fid"),
    "Table II": ("table2", "hevc-d", "lpips dists tlp tof"),
    "Table III": ("table3", "hevc-c", "ms_ssim dists"),
}
_NOT_OURS = (
    "All numbers of this section are from papers. None was measured here, and none stands in a "
    "table with numbers that were."
)
_TOGETHER = (
    "A BD-rate is against the anchor of its row: rows of different anchors or papers cannot be "
    "compared by their numbers, and one anchor cannot be turned into another without the curves. "
    "Within one paper and anchor they can."
)
# of BD-rates over all papers; the LPIPS of different networks are different metrics
_COMPARED = ("dists", "lpips", "lpips_vgg", "lpips_unsaid", "ms_ssim", "fid")


def published_section(table: str, measured: Mapping[str, int]) -> Section:
    """What papers print, folded, apart from everything that was measured here.

    Args:
        table: the one of the paper's tables that a report is about, such as "Table I".
        measured: dataset to the number of its sequences on which the report has that table's
            numbers with the paper's prior.
    """
    papers = load_published()
    together: tuple[Block, ...] = (
        Text(_TOGETHER),
        *comparison_tables(papers),
        protocol_table(papers),
    )
    blocks: list[Block] = [not_measured_table(table, measured), Text(_NOT_OURS)]
    blocks.append(Details("All systems in one place", together))
    blocks += [Details(p.system, (Text(f"{p.citation}."), *paper_tables(p))) for p in papers]
    return Section("Published numbers", tuple(blocks))


def measured_datasets(results: Iterable[SequenceResult]) -> Counter[str]:
    """On how many sequences of each dataset freegvc finished with the paper's prior."""
    places = {
        (result.dataset, result.sequence)
        for result in results
        if result.has_finished and result.settings.get("prior") == PRIOR
    }
    return Counter(dataset for dataset, _ in places)


def not_measured_table(table: str, measured: Mapping[str, int]) -> Table:
    """One row for each of the paper's tables and datasets; arguments as of `published_section`."""

    def said(name: str, dataset: str) -> str:
        count = measured.get(dataset, 0) if name == table else 0
        whole = num_sequences(dataset)
        if not count:
            return "not measured here"
        return "measured above" if count >= whole else f"{count} of {whole} sequences above"

    rows = [
        (
            f"{name}, {DATASETS[dataset]}",
            said(name, dataset),
            f"python -m benchmarks {command} --dataset {dataset} --root ROOT --prior {PRIOR} "
            f"--metrics {metrics} --device cuda --out OUT",
        )
        for name, (command, datasets, metrics) in _MEASURED_BY.items()
        for dataset in datasets.split()
    ]
    return Table(
        f"The paper's tables with its prior, {PRIOR}",
        ("what", "here", "command"),
        tuple(rows),
        ("ROOT is where the dataset lies, OUT where the results and a report of their own go.",),
    )


def comparison_tables(papers: Sequence[Paper]) -> tuple[Table, ...]:
    """The BD-rates that papers print for each codec, by dataset, one table for each metric."""
    tables = []
    for metric in _COMPARED:
        found: dict[tuple[str, ...], dict[str, Number]] = {}
        notes: dict[str, None] = {}  # of the tables that rows come from, each once
        for paper in papers:
            for table in paper.tables:
                for number in table.numbers if table.subject == "codec" else ():
                    if (number.metric, number.quantity) == (metric, "BD-rate"):
                        row = (number.subject, paper.system, number.anchor or "", table.number)
                        found.setdefault(row, {})[number.dataset] = number
                        said = (f"{paper.system}, {table.number}: {note}" for note in table.notes)
                        notes |= dict.fromkeys(said)
        datasets = [name for name in DATASETS if any(name in row for row in found.values())]
        rows = _rows(found, datasets)
        header = ("codec", "paper", "anchor", "where", *(DATASETS[name] for name in datasets))
        title = f"Published BD-rates in {METRICS[metric]}, %"
        tables.append(Table(title, header, rows, tuple(notes)))
    return tuple(table for table in tables if table.rows)


def protocol_table(papers: Sequence[Paper]) -> Table:
    """How each paper measured, and what of it can be compared with Free-GVC."""
    rows = [(entry, *(paper.protocol[entry] for paper in papers)) for entry in PROTOCOL]
    rows.append(("can be compared", *(" ".join(paper.comparable) for paper in papers)))
    rows.append(("cannot be compared", *(" ".join(paper.not_comparable) for paper in papers)))
    header = ("", *(paper.system for paper in papers))
    return Table("How the papers measured", header, tuple(rows))


def paper_tables(paper: Paper) -> tuple[Table, ...]:
    """The tables of one paper: a row for each dataset, metric, quantity and anchor."""
    tables = []
    for table in paper.tables:
        subjects = list(dict.fromkeys(number.subject for number in table.numbers))
        found: dict[tuple[str, ...], dict[str, Number]] = {}
        # of each dataset together, its metrics in the paper's order: sorting is stable
        order = list(DATASETS)
        for number in sorted(table.numbers, key=lambda n: order.index(n.dataset.split("/")[0])):
            dataset, _, sequence = number.dataset.partition("/")
            row = (
                ", ".join(filter(None, (DATASETS[dataset], sequence))),
                METRICS[number.metric],
                ", ".join(filter(None, (number.quantity, number.unit))),
                number.anchor or "",
            )
            found.setdefault(row, {})[number.subject] = number
        title = f"{paper.system}, {table.number}: {table.title}"
        header = ("dataset", "metric", "quantity", "anchor", *subjects)
        tables.append(Table(title, header, _rows(found, subjects), table.notes))
    return tuple(tables)


def _rows(
    found: Mapping[tuple[str, ...], Mapping[str, Number]], columns: Sequence[str]
) -> tuple[tuple[str, ...], ...]:
    return tuple(
        (*row, *(_cell(numbers.get(column)) for column in columns))
        for row, numbers in found.items()
    )


def _cell(number: Number | None) -> str:
    if number is None:
        return ""
    if number.value is None:
        return number.absent
    if number.quantity == "value" or not number.value:
        return f"{number.value:g}"
    return f"{number.value:+}"
