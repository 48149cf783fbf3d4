"""Writes tables and pictures of README and docs from committed results: python -m benchmarks.tables

A table stands between the lines <!-- table: NAME --> and <!-- end --> and is never edited by hand.
A picture says in its metadata which numbers it shows.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path

from PIL import Image

from benchmarks import clip_tables, result_tables, training_tables
from benchmarks.report.plots import DIGEST, digest_of
from benchmarks.result_tables import Rows

ROOT = Path(__file__).parents[1]
PAGES = (
    "README.md",
    "docs/trajectory.md",
    "docs/channel-coding.md",
    "docs/priors.md",
    "docs/quality-control.md",
    "docs/small-prior.md",
    "docs/benchmarks.md",
)
_TABLE = re.compile(r"(<!-- table: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def main() -> int:
    """Rewrite every page and picture; with --check only say which are out of date."""
    check = sys.argv[1:] == ["--check"]
    stale = [page for page in PAGES if update(ROOT / page, write=not check)]
    stale += [name for name in PICTURES if redraw(name, write=not check)]
    if check and stale:
        print(f"out of date: {', '.join(stale)}; run python -m benchmarks.tables", file=sys.stderr)
        return 1
    return 0


def update(page: Path, *, write: bool) -> bool:
    """Whether the tables of a page differ from the results; rewrites them if asked."""
    text = page.read_text(encoding="utf-8")
    fresh = _TABLE.sub(lambda m: f"{m[1]}{_markdown(*TABLES[m[2]]())}\n{m[3]}", text)
    if write and fresh != text:
        page.write_text(fresh, encoding="utf-8")
    return fresh != text


def redraw(name: str, *, write: bool) -> bool:
    """Whether a picture shows other numbers than the results; draws it again if asked."""
    path, (digest, draw) = ROOT / name, PICTURES[name]
    shown = None
    if path.exists():
        with Image.open(path) as picture:
            shown = picture.info.get(DIGEST)
    is_stale = shown != digest()
    if write and is_stale:
        path.write_bytes(draw())
    return is_stale


def _markdown(header: list[str], rows: list[list[str]], note: str) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + f"\n\n{note}"


def _curves(
    panels: Callable[[], clip_tables.Panels],
) -> tuple[Callable[[], str], Callable[[], bytes]]:
    return lambda: digest_of(panels()), lambda: clip_tables.draw(panels())


TABLES: dict[str, Callable[[], Rows]] = {
    "grid": result_tables.grid_rows,
    "steps": result_tables.steps_rows,
    "merging": result_tables.merging_rows,
    "coders": result_tables.coders_rows,
    "channel": result_tables.channel_rows,
    "tiles": result_tables.tiles_rows,
    "quality": result_tables.quality_rows,
    "laws": result_tables.laws_rows,
    "boundaries": result_tables.boundaries_rows,
    "anchors": clip_tables.anchor_rows,
    "small": clip_tables.clip_rows,
    "stages": clip_tables.stage_rows,
    "tunings": clip_tables.tuning_rows,
    "training": training_tables.curve_rows,
    "validation": training_tables.validation_rows,
}
PICTURES: dict[str, tuple[Callable[[], str], Callable[[], bytes]]] = {
    "docs/clips.png": _curves(clip_tables.mean_panels),
    "docs/clips-lpips.png": _curves(clip_tables.clip_panels),
    "docs/small-prior-training.png": (training_tables.digest, training_tables.draw_curves),
}

if __name__ == "__main__":
    sys.exit(main())
