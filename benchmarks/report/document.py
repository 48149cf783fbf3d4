"""What a report consists of, and its two files. All text is plain, never markup."""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from freegvc._atomic import atomic_path

_PNG = b"\x89PNG\r\n\x1a\n"
# all that could begin markup inside a line; what begins it at the start is in _AT_START
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>|~$!#&])")
_AT_START = re.compile(r"^([-+=:]|\d+(?=[.)]))")


@dataclass(frozen=True)
class Text:
    """One paragraph."""

    kind: ClassVar = "text"
    text: str


@dataclass(frozen=True)
class Code:
    """Lines to be shown as they are, such as a command."""

    kind: ClassVar = "code"
    text: str


@dataclass(frozen=True)
class Table:
    """A table with its title; the notes stand below it."""

    kind: ClassVar = "table"
    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if any(len(row) != len(self.header) for row in self.rows):
            raise ValueError(f"a row of {self.title!r} has another length than its header")


@dataclass(frozen=True)
class Picture:
    """A PNG file, its bytes, and what it shows."""

    kind: ClassVar = "picture"
    caption: str
    path: Path
    data: bytes

    def __post_init__(self) -> None:
        if not self.data.startswith(_PNG):
            raise ValueError(f"{self.path} is not a PNG file")


@dataclass(frozen=True)
class Details:
    """Blocks that a page may fold away."""

    kind: ClassVar = "details"
    title: str
    blocks: tuple[Block, ...]


Block = Text | Code | Table | Picture | Details


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


def write_document(document: Document, plots: Mapping[str, bytes], out: Path) -> None:
    """Write OUT/report.md, OUT/report.html and the plots by their names."""
    # all is made before anything is written, so that what fails leaves an older report as it was
    files = {name: render(document, name, out).encode() for name in ("report.md", "report.html")}
    out.mkdir(parents=True, exist_ok=True)
    for name, data in {**plots, **files}.items():
        with atomic_path(out / name, overwrite=True) as temporary:
            temporary.write_bytes(data)


def render(document: Document, name: str, folder: Path) -> str:
    """The whole report as Markdown that GitHub reads, or as a page without external resources.

    Args:
        document: the report.
        name: report.md or report.html.
        folder: where the file will lie; Markdown names pictures from there.
    """
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=name.endswith(".html"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )

    def link(path: Path) -> str:
        return quote(Path(os.path.relpath(path, folder)).as_posix())

    environment.filters |= {"plain": escape, "cell": _escape_inside, "fence": _fence, "link": link}
    environment.filters["base64"] = lambda data: base64.b64encode(data).decode()
    return environment.get_template(f"{name}.jinja").render(document=document)


def escape(text: str) -> str:
    """Plain text as Markdown that shows it, on one line."""
    line = _escape_inside(text)
    return _AT_START.sub(lambda m: f"\\{m[1]}" if not m[1].isdigit() else f"{m[1]}\\", line)


def _escape_inside(text: str) -> str:
    """The same for text that does not begin a line, such as a cell."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))


def _fence(text: str) -> str:
    """Text between fences that are longer than any in it."""
    longest = max(map(len, re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}\n{text}\n{fence}"
