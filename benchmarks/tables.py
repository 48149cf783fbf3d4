"""Writes the tables of README and docs from the committed results: python -m benchmarks.tables

A table stands between the lines <!-- table: NAME --> and <!-- end --> and is never edited by hand.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.record import RESULTS

ROOT = Path(__file__).parents[1]
PAGES = ("README.md", "docs/trajectory.md", "docs/channel-coding.md")
_TABLE = re.compile(r"(<!-- table: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def main() -> int:
    """Rewrite every page; with --check only say which are out of date."""
    check = sys.argv[1:] == ["--check"]
    stale = [page for page in PAGES if update(ROOT / page, write=not check)]
    if check and stale:
        print(f"out of date: {', '.join(stale)}; run python -m benchmarks.tables", file=sys.stderr)
        return 1
    return 0


def update(page: Path, *, write: bool) -> bool:
    """Whether the tables of a page differ from the results; rewrites them if asked."""
    text = page.read_text(encoding="utf-8")
    fresh = _TABLE.sub(lambda m: f"{m[1]}{TABLES[m[2]]()}\n{m[3]}", text)
    if write and fresh != text:
        page.write_text(fresh, encoding="utf-8")
    return fresh != text


def _load(name: str) -> dict[str, Any]:
    result: dict[str, Any] = json.loads((RESULTS / name).read_text(encoding="utf-8"))
    return result


def _markdown(header: list[str], rows: list[list[str]], note: str) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + f"\n\n{note}"


def clips_table() -> str:
    """What each clip takes and gives."""
    result = _load("clips.json")
    rows = [
        [
            row["clip"],
            f"{row['size']}, {row['frames']}",
            str(row["bytes"]),
            f"{row['bpp']:.4f}",
            f"{row['psnr_db']:.2f}",
            f"{row['x265_slow']['psnr_db']:.2f} ({row['x265_slow']['bytes']})",
            "-" if row["ms_ssim"] is None else f"{row['ms_ssim']:.3f}",
            f"{row['compress_seconds']:.0f}",
            f"{row['decompress_seconds']:.1f}",
        ]
        for row in result["clips"]
    ]
    header = ["clip", "size, frames", "bytes", "bpp", "PSNR dB"]
    header += ["x265 slow, dB (bytes)", "MS-SSIM", "compress s", "decompress s"]
    target = result["settings"]["target_bpp"]
    return _markdown(header, rows, f"Target {target} bpp. {_where(result)}")


def grid_table() -> str:
    """Excess KL of each grid at each stop step."""
    result = _load("grid.json")
    stops = list(dict.fromkeys(row["stop_step"] for row in result["walks"]))
    bpp = {row["stop_step"]: row["bpp_of_fine_walk"] for row in result["walks"]}
    cells: dict[str, dict[int, str]] = {}
    for row in result["walks"]:
        excess = f"{100 * (row['kl_over_fine'] - 1):.1f} % ({row['steps']})"
        cells.setdefault(row["grid"], {})[row["stop_step"]] = excess
    header = ["grid in sqrt(SNR)", *(f"stop {s}, {bpp[s]:.4f} bpp" for s in stops)]
    rows = [[grid, *(found[s] for s in stops)] for grid, found in cells.items()]
    settings = result["settings"]
    note = f"{settings['frames']} frames of {settings['video']}; steps in brackets."
    return _markdown(header, rows, f"{note} {_where(result)}")


def steps_table() -> str:
    """Excess bits of each number of steps, placement and variance."""
    result = _load("steps.json")
    walks = result["walks"]
    counts = sorted({row["steps"] for row in walks})
    groups = list(dict.fromkeys((row["stop_step"], row["placement"]) for row in walks))
    found = {(row["stop_step"], row["placement"], row["steps"]): row for row in walks}
    rows = []
    for stop, placement in groups:
        cells = [found[stop, placement, count] for count in counts]
        shares = [f"{100 * (c['equal'] - 1):.1f} / {100 * (c['inflated'] - 1):.1f}" for c in cells]
        rows.append([f"{stop}, {cells[0]['bpp_limit']:.4f} bpp", placement, *shares])
    header = ["stop step", "placement", *(f"{count} steps" for count in counts)]
    settings = result["settings"]
    note = "Excess in % with p of q's variance / with p of inflated variance."
    note += f" {settings['frames']} frames of {settings['video']}."
    return _markdown(header, rows, f"{note} {_where(result)}")


def channel_table() -> str:
    """The points of the channel benchmark."""
    result = _load("channel.json")
    rows = [
        [
            f"{row['dims']:,}",
            f"{row['kl_bits']:,}",
            f"2^{row['log2_candidates_used']}",
            f"{row['coded_over_kl']:.3f}",
            f"{row['delivered']:.3f}",
            f"{row['encode_seconds']:.2f}",
            f"{row['decode_seconds']:.3f}",
            str(row["peak_memory_mib"]),
        ]
        for row in result["points"]
    ]
    header = ["D", "KL bits", "N", "coded / KL", "delivered", "encode s", "decode s", "peak MiB"]
    return _markdown(header, rows, _where(result))


def _where(result: dict[str, Any]) -> str:
    return f"Measured {result['measured']} on {result['hardware']}."


TABLES: dict[str, Callable[[], str]] = {
    "clips": clips_table,
    "grid": grid_table,
    "steps": steps_table,
    "channel": channel_table,
}

if __name__ == "__main__":
    sys.exit(main())
