"""Tables of docs: rows of a JSON record through one format for each column."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.record import RESULTS

Row = Mapping[str, Any]
# text with names of the row in braces, or a function of the row
Format = str | Callable[[Any], str]


@dataclass(frozen=True)
class DocTable:
    """Cells as text, and the note below them."""

    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str

    def markdown(self) -> str:
        """The table as Markdown."""
        lines = [self.header, ["---"] * len(self.header), *self.rows]
        return "\n".join(f"| {' | '.join(line)} |" for line in lines) + f"\n\n{self.note}"


def load(name: str) -> dict[str, Any]:
    """A committed record."""
    record: dict[str, Any] = json.loads((RESULTS / name).read_text(encoding="utf-8"))
    return record


def listing(rows: Iterable[Any], columns: Mapping[str, Format], note: str) -> DocTable:
    """A line for each row.

    Args:
        rows: what the formats are applied to.
        columns: heading to format.
        note: below the table.
    """
    cells = [[_apply(form, row) for form in columns.values()] for row in rows]
    return DocTable(list(columns), cells, note)


def pivot(
    rows: Sequence[Row], lines: Mapping[str, Format], column: Format, cell: Format, note: str
) -> DocTable:
    """One cell for each row.

    Args:
        rows: of a record.
        lines: heading to format of the cells that begin a line; equal for the rows of one line.
        column: format of the heading that a row stands below.
        cell: format of the row itself.
        note: below the table.
    """
    headings = list(dict.fromkeys(_apply(column, row) for row in rows))
    found: dict[tuple[str, ...], dict[str, str]] = {}
    for row in rows:
        key = tuple(_apply(form, row) for form in lines.values())
        found.setdefault(key, {})[_apply(column, row)] = _apply(cell, row)
    cells = [[*key, *(values[heading] for heading in headings)] for key, values in found.items()]
    return DocTable([*lines, *headings], cells, note)


def where(record: Row) -> str:
    """When and on what a record was measured, with which prior."""
    settings = record.get("settings", {})
    prior = f"Prior {settings['prior']}" if "prior" in settings else ""
    if "fingerprint" in settings:
        prior += f", fingerprint {settings['fingerprint']}"
    measured = f"Measured {record['measured']} on {record['hardware']}."
    return f"{prior}. {measured}" if prior else measured


def _apply(form: Format, row: Any) -> str:
    return form.format(**row) if isinstance(form, str) else form(row)
