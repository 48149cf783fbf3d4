"""A report as one HTML page that needs nothing beside it: no scripts, no files, no network."""

from __future__ import annotations

import base64
from html import escape
from pathlib import Path

from benchmarks.report.document import Block, Code, Details, Document, Picture, Plot, Table, Text

_PNG = b"\x89PNG\r\n\x1a\n"
_SHORT_CELL = 24  # letters
# a browser that honours this loads nothing from elsewhere even if escaping should ever fail
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
_STYLE = """
:root { color-scheme: light dark; --paper: #fdfdfc; --ink: #1f2226; --pale: #5c6168;
  --line: #d9dadd; --panel: #f3f3f1; }
@media (prefers-color-scheme: dark) {
  :root { --paper: #17191c; --ink: #e6e6e2; --pale: #a2a7ae; --line: #3a3d42; --panel: #212428; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1rem 1rem 4rem; max-width: 70rem; background: var(--paper);
  color: var(--ink); font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: break-word; }
h1 { font-size: 1.6rem; line-height: 1.25; }
h2 { font-size: 1.25rem; margin: 2.5rem 0 .75rem; padding-top: .75rem;
  border-top: 1px solid var(--line); }
p { max-width: 45rem; }
nav { display: flex; flex-wrap: wrap; gap: .25rem 1rem; }
a { color: inherit; }
pre { background: var(--panel); padding: .6rem .8rem; overflow-x: auto; font-size: .85rem; }
figure { margin: 1.25rem 0; }
figcaption, .note { color: var(--pale); font-size: .875rem; }
.note { margin: .25rem 0; }
.wide { overflow-x: auto; margin: 1.25rem 0 .25rem; }
table { border-collapse: collapse; font-size: .875rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; font-weight: 600; padding-bottom: .3rem; }
th, td { padding: .25rem .75rem .25rem 0; text-align: left; vertical-align: top;
  border-bottom: 1px solid var(--line); overflow-wrap: normal; min-width: 3.5rem; }
th { font-weight: 600; }
td.long { min-width: 9rem; }
td { white-space: pre-line; }
td.short, th { white-space: pre; }
img { display: block; max-width: 100%; height: auto; }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 24rem), 1fr));
  gap: 1rem; }
.plots svg { display: block; width: 100%; max-width: 36rem; height: auto;
  stroke-linejoin: round; stroke-linecap: butt; }
details { margin: .75rem 0; border-left: 2px solid var(--line); padding-left: .75rem; }
summary { cursor: pointer; font-weight: 600; }
"""


def render_html(document: Document) -> str:
    """The whole report.

    Raises:
        OSError: a picture cannot be read.
        ValueError: a picture is no PNG.
    """
    title = escape(document.title)
    links, sections = [], []
    for k, section in enumerate(document.sections):
        heading = escape(section.title)
        links.append(f'<a href="#s{k}">{heading}</a>')
        blocks = "\n".join(map(_block, section.blocks))
        sections.append(f'<section id="s{k}">\n<h2>{heading}</h2>\n{blocks}\n</section>')
    return "\n".join(
        [
            "<!doctype html>",
            '<html lang="en">',
            "<head>",
            '<meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{title}</title>",
            f"<style>{_STYLE}</style>",
            "</head>",
            "<body>",
            f"<h1>{title}</h1>",
            f"<nav>{' '.join(links)}</nav>",
            *sections,
            "</body>",
            "</html>\n",
        ]
    )


def _block(block: Block) -> str:
    match block:
        case Text():
            return f"<p>{escape(block.text)}</p>"
        case Code():
            return f"<pre>{escape(block.text)}</pre>"
        case Table():
            return _table(block)
        case Plot():
            return _plot(block)
        case Picture():
            caption = escape(block.caption)
            return (
                f'<figure><img alt="{caption}" src="{_data_uri(block.path)}">'
                f"<figcaption>{caption}</figcaption></figure>"
            )
        case Details():
            return _details(block.title, "\n".join(map(_block, block.blocks)))


def _details(title: str, content: str) -> str:
    return f"<details><summary>{escape(title)}</summary>\n{content}\n</details>"


def _table(table: Table) -> str:
    head = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in table.header)
    rows = "\n".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in table.rows)
    notes = "".join(f'<p class="note">{escape(note)}</p>' for note in table.notes)
    return (
        f'<div class="wide"><table><caption>{escape(table.title)}</caption>\n'
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}\n</tbody></table></div>\n{notes}"
    )


def _cell(text: str) -> str:
    # what is long is broken, but a narrow screen must not break it into single words
    longest = max(map(len, text.split("\n")))
    kind = "short" if longest <= _SHORT_CELL else "long"
    return f'<td class="{kind}">{escape(text)}</td>'


def _plot(plot: Plot) -> str:
    def drawn(panels: tuple[str, ...]) -> str:
        return f'<div class="plots">{"".join(panels)}</div>'

    folded = _details(plot.others_title, drawn(plot.others)) if plot.others else ""
    label = escape(plot.title)
    return f'<figure aria-label="{label}">{drawn(plot.main)}</figure>\n{folded}'


def _data_uri(path: Path) -> str:
    data = path.read_bytes()
    if not data.startswith(_PNG):
        raise ValueError(f"{path} is no PNG file")
    return f"data:image/png;base64,{base64.b64encode(data).decode()}"
