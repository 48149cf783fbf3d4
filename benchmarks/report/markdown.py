"""A report as Markdown, as GitHub reads it."""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import quote

from benchmarks.report.document import Block, Code, Details, Document, Picture, Plot, Table, Text

# all that could begin markup inside a line; what begins it at the start is in _AT_START
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>|~$!#&])")
_AT_START = re.compile(r"^([-+=:]|\d+(?=[.)]))")


def render_markdown(document: Document, folder: Path) -> str:
    """The whole report.

    Args:
        document: what to say.
        folder: where the file will lie; pictures are named from there.
    """
    parts = [f"# {escape(document.title)}"]
    for section in document.sections:
        parts.append(f"## {escape(section.title)}")
        parts += [_block(block, folder, 3) for block in section.blocks]
    return "\n\n".join(parts) + "\n"


def escape(text: str) -> str:
    """Plain text as Markdown that shows it, on one line."""
    line = _SPECIAL.sub(r"\\\1", " ".join(text.split()))
    return _AT_START.sub(lambda m: f"\\{m[1]}" if not m[1].isdigit() else f"{m[1]}\\", line)


def _block(block: Block, folder: Path, level: int) -> str:
    match block:
        case Text():
            return escape(block.text)
        case Code():
            longest = max((len(run) for run in re.findall("`+", block.text)), default=0)
            fence = "`" * max(3, longest + 1)
            return f"{fence}\n{block.text}\n{fence}"
        case Table():
            return _table(block)
        case Plot():
            return f"![{escape(block.title)}]({quote(block.png)})"
        case Picture():
            place = quote(Path(os.path.relpath(block.path, folder)).as_posix())
            return f"{escape(block.caption)}\n\n![{escape(block.caption)}]({place})"
        case Details():
            inner = [_block(part, folder, level + 1) for part in block.blocks]
            return "\n\n".join([f"{'#' * level} {escape(block.title)}", *inner])


def _table(table: Table) -> str:
    # what begins a cell begins no line, so _AT_START has nothing to do there
    lines = [
        [_SPECIAL.sub(r"\\\1", " ".join(cell.split())) for cell in row]
        for row in (table.header, *table.rows)
    ]
    lines.insert(1, ["---"] * len(table.header))
    rows = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    notes = [escape(note) for note in table.notes]
    return "\n\n".join([f"**{escape(table.title)}**", rows, *notes])
