"""Tables of published numbers: each paper's own, and all systems in one place.

They are for a section of their own: no table here holds a number that was measured here.
"""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.published import (
    DATASETS,
    METRICS,
    PROTOCOL,
    Number,
    Paper,
    PublishedTable,
)
from benchmarks.report.document import Block, Section, Table, Text

NOT_OURS = (
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


def published_sections(papers: Sequence[Paper]) -> tuple[Section, ...]:
    """All systems together, then each paper; show them below `NOT_OURS`."""
    together: tuple[Block, ...] = (
        Text(_TOGETHER),
        *comparison_tables(papers),
        protocol_table(papers),
    )
    each = (Section(p.system, (Text(f"{p.citation}."), *paper_tables(p))) for p in papers)
    return (Section("All systems in one place", together), *each)


def comparison_tables(papers: Sequence[Paper]) -> tuple[Table, ...]:
    """Every codec's BD-rates of all papers by dataset, one table for each metric."""
    tables = []
    for metric in _COMPARED:
        found: dict[tuple[str, str, str, str], dict[str, Number]] = {}
        for paper in papers:
            for table in paper.tables:
                if table.subject != "codec":
                    continue
                for number in table.numbers:
                    if (number.metric, number.quantity) == (metric, "BD-rate"):
                        row = (number.subject, paper.system, number.anchor or "", table.number)
                        found.setdefault(row, {})[number.dataset] = number
        if not found:
            continue
        datasets = [name for name in DATASETS if any(name in row for row in found.values())]
        rows = [
            (*row, *(_cell(numbers.get(name)) for name in datasets))
            for row, numbers in found.items()
        ]
        header = ("codec", "paper", "anchor", "where", *(DATASETS[name] for name in datasets))
        title = f"Published BD-rates in {METRICS[metric]}, %"
        tables.append(Table(title, header, tuple(rows), _remarks(papers, found)))
    return tuple(tables)


def protocol_table(papers: Sequence[Paper]) -> Table:
    """How each paper measured, and what of it can be compared with Free-GVC."""
    rows = [(entry, *(paper.protocol[entry] for paper in papers)) for entry in PROTOCOL]
    rows.append(("can be compared", *(" ".join(paper.comparable) for paper in papers)))
    rows.append(("cannot be compared", *(" ".join(paper.not_comparable) for paper in papers)))
    header = ("", *(paper.system for paper in papers))
    return Table("How the papers measured", header, tuple(rows))


def paper_tables(paper: Paper) -> tuple[Table, ...]:
    """The tables of one paper, with its numbers of tables, anchors and notes."""
    return tuple(_paper_table(paper, table) for table in paper.tables)


def _paper_table(paper: Paper, table: PublishedTable) -> Table:
    """One row for each dataset, metric, quantity and anchor; the subjects are the columns."""
    subjects = list(dict.fromkeys(number.subject for number in table.numbers))
    found: dict[tuple[str, str, str, str], dict[str, Number]] = {}
    # of each dataset together, its metrics in the paper's order: sorting is stable
    for number in sorted(table.numbers, key=lambda n: list(DATASETS).index(_whole(n.dataset))):
        unit = f", {number.unit}" if number.unit else ""
        row = (
            _dataset(number.dataset),
            METRICS[number.metric],
            f"{number.quantity}{unit}",
            number.anchor or "",
        )
        found.setdefault(row, {})[number.subject] = number
    rows = [
        (*row, *(_cell(numbers.get(subject)) for subject in subjects))
        for row, numbers in found.items()
    ]
    return Table(
        f"{paper.system}, {table.number}: {table.title}",
        ("dataset", "metric", "quantity", "anchor", *subjects),
        tuple(rows),
        table.notes,
    )


def _remarks(
    papers: Sequence[Paper], found: dict[tuple[str, str, str, str], dict[str, Number]]
) -> tuple[str, ...]:
    """Notes of the tables that rows come from, each once."""
    used = {(paper, where) for _, paper, _, where in found}
    return tuple(
        f"{paper.system}, {table.number}: {note}"
        for paper in papers
        for table in paper.tables
        if (paper.system, table.number) in used
        for note in table.notes
    )


def _cell(number: Number | None) -> str:
    if number is None:
        return ""
    if number.value is None:
        return number.absent
    if number.quantity == "value" or not number.value:
        return f"{number.value:g}"
    return f"{number.value:+}"


def _whole(dataset: str) -> str:
    return dataset.partition("/")[0]


def _dataset(name: str) -> str:
    dataset, _, sequence = name.partition("/")
    return f"{DATASETS[dataset]}, {sequence}" if sequence else DATASETS[dataset]
