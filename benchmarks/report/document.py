"""What a report consists of, before it is Markdown or HTML. All text is plain, never markup."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Text:
    """One paragraph."""

    text: str


@dataclass(frozen=True)
class Code:
    """Lines to be shown as they are, such as a command."""

    text: str


@dataclass(frozen=True)
class Table:
    """A table with its title; the notes stand below it."""

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if any(len(row) != len(self.header) for row in self.rows):
            raise ValueError(f"a row of {self.title!r} has another length than its header")


@dataclass(frozen=True)
class Plot:
    """One plot for each panel.

    Attributes:
        title: what is drawn.
        png: name of the file, beside the report, with all panels.
        main, others: the panels as SVG elements; a page may fold the others away.
        others_title: what the others are.
    """

    title: str
    png: str
    main: tuple[str, ...]
    others: tuple[str, ...]
    others_title: str


@dataclass(frozen=True)
class Picture:
    """A PNG file and what it shows."""

    caption: str
    path: Path


@dataclass(frozen=True)
class Details:
    """Blocks that a page may fold away."""

    title: str
    blocks: tuple[Block, ...]


Block = Text | Code | Table | Plot | Picture | Details


@dataclass(frozen=True)
class Section:
    """A heading and what is below it."""

    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Document:
    """The whole report."""

    title: str
    sections: tuple[Section, ...]
