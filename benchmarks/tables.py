"""Write tables and pictures of README and docs from committed results: python -m benchmarks tables

A table stands between the lines <!-- table: NAME --> and <!-- end --> and is never edited by hand.
The metadata of a picture hold a digest of its numbers.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

from benchmarks.doc_tables import (
    ablations,
    clips,
    cluster,
    experiments,
    gpu,
    quality,
    training,
    trajectory,
)
from benchmarks.report.plots import DIGEST

ROOT = Path(__file__).parents[1]
PAGES = (
    "README.md",
    "docs/trajectory.md",
    "docs/channel-coding.md",
    "docs/priors.md",
    "docs/quality-control.md",
    "docs/small-prior.md",
    "docs/benchmarks.md",
    "docs/gpu.md",
    "docs/cluster.md",
)
TABLES = {
    **experiments.TABLES,
    **quality.TABLES,
    **trajectory.TABLES,
    **clips.TABLES,
    **ablations.TABLES,
    **training.TABLES,
    **gpu.TABLES,
    **cluster.TABLES,
}
# each: the digest of what is shown, and the drawing of it
PICTURES = {**experiments.PICTURES, **quality.PICTURES, **clips.PICTURES, **training.PICTURES}
_TABLE = re.compile(r"(<!-- table: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument("--check", action="store_true", help="only list what is out of date")


def run(options: argparse.Namespace) -> int:
    """Rewrite every page and picture; with --check 1 if some are out of date."""
    write = not options.check
    stale = [page for page in PAGES if update(ROOT / page, write=write)]
    stale += [name for name in PICTURES if redraw(name, write=write)]
    if options.check and stale:
        print(f"out of date: {', '.join(stale)}; run python -m benchmarks tables", file=sys.stderr)
        return 1
    return 0


def update(page: Path, *, write: bool) -> bool:
    """Whether the tables of a page differ from the results; rewrites them if asked."""
    text = page.read_text(encoding="utf-8")
    fresh = _TABLE.sub(lambda m: f"{m[1]}{TABLES[m[2]]().markdown()}\n{m[3]}", text)
    if write and fresh != text:
        page.write_text(fresh, encoding="utf-8")
    return fresh != text


def redraw(name: str, *, write: bool) -> bool:
    """Whether a picture shows other numbers than the results; draws it again if asked."""
    from PIL import Image

    path, (digest, draw) = ROOT / name, PICTURES[name]
    shown = None
    if path.exists():
        with Image.open(path) as picture:
            shown = picture.info.get(DIGEST)
    is_stale = shown != digest()
    if write and is_stale:
        path.write_bytes(draw())
    return is_stale
