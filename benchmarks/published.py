"""Numbers that papers print, as data: Free-GVC's Tables I to III and those of its peers.

One file of `benchmarks/published/` for each paper, transcribed from the papers' text. None of it
was measured here. What a paper does not print is not there. "N/A" and "-" are the
paper's own. null is a number that is illegible in the text, as a note of the table explains.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

FOLDER = Path(__file__).with_suffix("")
_NAMES = json.loads(Path(__file__).with_name("published_names.json").read_text(encoding="utf-8"))
PROTOCOL: tuple[str, ...] = tuple(
    _NAMES["protocol"]
)  # the points on which the protocols of papers are compared
DATASETS: dict[str, str] = _NAMES["datasets"]  # labels of names in the files
METRICS: dict[str, str] = _NAMES["metrics"]
Quantity = Literal["BD-rate", "BD-metric", "value"]
ILLEGIBLE = "illegible"


@dataclass(frozen=True)
class Number:
    """One number of a paper.

    Attributes:
        subject: the codec, or the setting of the paper's codec.
        dataset: of `DATASETS`; with "/" and a sequence if the number is of one sequence.
        metric: of `METRICS`.
        quantity: what of the metric is given, such as a BD-rate.
        unit: "%" for a BD-rate; "" where there is none.
        anchor: of a BD; None for a value.
        value: None if there is none.
        absent: what stands in place of the value: "N/A" or "-" as printed, or `ILLEGIBLE`; else "".
    """

    subject: str
    dataset: str
    metric: str
    quantity: Quantity
    unit: str
    anchor: str | None
    value: float | None
    absent: str = ""


@dataclass(frozen=True)
class PublishedTable:
    """One table of a paper, or the numbers that a section gives in its text.

    Attributes:
        number, title: as in the paper, such as "Table I".
        subject: whether its subjects are codecs or settings of the paper's own codec.
        notes: what a reader of the numbers has to know.
        numbers: no two of the same subject, dataset, metric, quantity and anchor.
    """

    number: str
    title: str
    subject: Literal["codec", "setting"]
    notes: tuple[str, ...]
    numbers: tuple[Number, ...]


@dataclass(frozen=True)
class Paper:
    """A paper and how it measured.

    Attributes:
        key, system: names of it and of its codec.
        citation: authors and title.
        protocol: the entries of `PROTOCOL`.
        comparable, not_comparable: with Free-GVC's protocol.
        tables: in the paper's order; none if no number of the paper could be had.
    """

    key: str
    system: str
    citation: str
    protocol: Mapping[str, str]
    comparable: tuple[str, ...]
    not_comparable: tuple[str, ...]
    tables: tuple[PublishedTable, ...]


def load_published() -> tuple[Paper, ...]:
    """All papers, Free-GVC first; the tests compare the files with the papers' text."""
    first = FOLDER / "free_gvc.json"
    others = sorted(path for path in FOLDER.glob("*.json") if path != first)
    return tuple(_paper(path) for path in (first, *others))


def _paper(path: Path) -> Paper:
    content = json.loads(path.read_text(encoding="utf-8"))
    return Paper(
        **{name: content[name] for name in ("key", "system", "citation", "protocol")},
        comparable=tuple(content["comparable"]),
        not_comparable=tuple(content["not_comparable"]),
        tables=tuple(_table(table) for table in content["tables"]),
    )


def _table(content: Mapping[str, Any]) -> PublishedTable:
    numbers = [
        _number(group, dataset, subject, value)
        for group in content["groups"]
        for dataset, values in group["values"].items()
        for subject, value in values.items()
    ]
    names = ("number", "title", "subject")
    notes = tuple(content["notes"])
    return PublishedTable(**{n: content[n] for n in names}, notes=notes, numbers=tuple(numbers))


def _number(group: Mapping[str, Any], dataset: str, subject: str, value: Any) -> Number:
    about = {name: group[name] for name in ("metric", "quantity", "unit", "anchor")}
    absent = ILLEGIBLE if value is None else value if isinstance(value, str) else ""
    return Number(subject, dataset, **about, value=None if absent else float(value), absent=absent)
