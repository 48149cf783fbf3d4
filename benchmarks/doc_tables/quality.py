"""Tables and pictures of docs/quality-control.md: targets, laws, control, boundaries, cuts."""

from __future__ import annotations

import hashlib
import io
import json
import statistics
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from benchmarks.doc_tables.table import DocTable, listing, load, where
from benchmarks.experiments.laws import fitted
from benchmarks.record import RESULTS
from benchmarks.report.plots import COLOURS, DIGEST

_FOLDERS = ("", "freegvc-small/")  # of records of the analytic prior, and of the learned one


def records(name: str) -> list[dict[str, Any]]:
    """The records of an experiment, one for each prior that was measured."""
    return [load(folder + name) for folder in _FOLDERS if (RESULTS / folder / name).exists()]


def _with_prior(found: Sequence[dict[str, Any]], key: str = "rows") -> list[dict[str, Any]]:
    return [{"prior": r["settings"]["prior"], **row} for r in found for row in r[key]]


def _where(found: Sequence[dict[str, Any]]) -> str:
    return " ".join(where(record) for record in found)


def quality() -> DocTable:
    """How targets that are scores are met, clip by clip."""
    found = records("quality.json")

    def probes(which: str) -> Callable[[Any], str]:
        return lambda row: f"{statistics.fmean(row[which]):.1f}"

    return listing(
        _with_prior(found),
        {
            "prior": "{prior}",
            "clip": "{clip}",
            "target": "{target}",
            "GOPs within 0.005": lambda row: f"{sum(row['reached'])} of {row['gops']}",
            "largest error": lambda row: (
                f"{max(abs(score - row['target']) for score in row['scores']):.4f}"
            ),
            "probes with history": probes("probes_with_history"),
            "probes without": probes("probes_without"),
            "std of GOP scores": "{std:.4f}",
            "std at one stop step": "{fixed_step[std]:.4f}, {fixed_step[std_ratio]:.1f} times",
            "`even` rate target: used part of the budget": "{shared_rate[share_of_budget]:.4f}",
        },
        f"LPIPS (AlexNet), GOPs of {found[0]['settings']['gop_length']} frames; files of one size "
        f"for the two deviations. {_where(found)}",
    )


def laws() -> DocTable:
    """How well each law fits the points of a walk."""
    found = records("laws.json")
    rows = []
    for record in found:
        mean = {"clip": "mean", "r_squared": record["summary"]}
        rows += _with_prior([{**record, "rows": [*record["rows"], mean]}])
    columns = {law: f"{{r_squared[{law}]:.3f}}" for law in found[0]["summary"]}
    ranges = ", ".join(
        "{prior} from {bpp[0]:g} to {bpp[1]:g} bpp".format(**record["settings"]) for record in found
    )
    note = f"{found[0]['settings']['frames']} frames; {ranges}. {_where(found)}"
    return listing(rows, {"prior": "{prior}", "clip": "{clip}", **columns}, note)


def control() -> DocTable:
    """One stop step beside quality control, over one long sequence."""
    found = records("control.json")
    return listing(
        _with_prior(found),
        {
            "prior": "{prior}",
            "run": "{run}",
            "bytes": "{bytes:,}",
            "LPIPS": "{score:.4f}",
            "std of GOPs": "{std_gops:.4f}",
            "largest - least of GOPs": "{range_gops:.4f}",
            "std of frames": "{std_frames:.4f}",
            "GOPs within 0.005": lambda row: (
                "-" if row["gops"][1]["reached"] is None else _reached(row["gops"][1:])
            ),
            "probes per GOP": lambda row: (
                f"{statistics.fmean(gop['probes'] for gop in row['gops'][1:]):.1f}"
            ),
        },
        " ".join(f"{_sequence(record)} {where(record)}" for record in found),
    )


def _reached(gops: Sequence[dict[str, Any]]) -> str:
    return f"{sum(gop['reached'] for gop in gops)} of {len(gops)}"


def _sequence(record: dict[str, Any]) -> str:
    settings = record["settings"]
    names = ", ".join(name for name, _ in settings["scenes"])
    return f"{settings['frames']} frames of {settings['size']}: {names}."


def boundaries() -> DocTable:
    """What is seen at the boundaries of GOPs, by overlap and fusion weight."""
    found = records("boundaries.json")
    columns: dict[str, Any] = {
        "prior": "{prior}",
        "m": "{overlap}",
        "gamma": "{gamma}",
        "context": "{context}",
        "bpp": "{bpp:.4f}",
    }
    for name, label, digits in (("lpips", "LPIPS", 4), ("tlp", "tLP", 4), ("tof", "tOF px", 3)):
        number = f"+.{digits}f"
        columns[f"{label} near"] = (
            f"{{{name}[near]:{number}}} ± {{{name}[near_standard_error]:.{digits}f}}"
        )
        columns[f"{label} worst"] = lambda row, name=name, number=number: (
            f"{row[name]['worst']:{number}}, {100 * row[name]['worst_ratio']:.0f} % of the first"
        )
    return listing(
        _with_prior(found, "summary"),
        columns,
        "Near: excess ± standard error; worst: excess, and in per cent of the prior's first row. "
        + " ".join(map(_inner, found)),
    )


def _inner(record: dict[str, Any]) -> str:
    settings, without = record["settings"], record["summary"][0]
    clips = {row["clip"] for row in record["rows"]}
    return (
        f"{settings['prior']}: {len(clips)} clips, {without['boundaries']} boundaries with m = 0, "
        f"GOPs of {settings['gop_length']} frames, stop step {settings['stop_step']}; inner "
        f"frames have LPIPS {without['lpips']['inner']:.3f}, tLP {without['tlp']['inner']:.4f}, "
        f"tOF {without['tof']['inner']:.2f} px. {where(record)}"
    )


def cutting() -> DocTable:
    """Streams cut to a rate against streams coded at it."""
    record = load("cutting.json")
    settings = record["settings"]
    return listing(
        record["rows"],
        {
            "clip": "{clip}",
            "at most": "{rate_bpp} bpp",
            "bytes, cut": "{cut[bytes]}",
            "bytes, coded": "{coded[bytes]}",
            "LPIPS, cut": "{cut[lpips]:.4f}",
            "LPIPS, coded": "{coded[lpips]:.4f}",
            "PSNR dB, cut": "{cut[psnr]:.2f}",
            "PSNR dB, coded": "{coded[psnr]:.2f}",
        },
        f"Cut from {settings['highest_bpp']} bpp; two GOPs of {settings['gop_length']} frames, "
        f"192x192. {where(record)}",
    )


def digest(name: str) -> str:
    """Digest of everything that a picture of these records may show."""
    shown = [[record["settings"], record["rows"]] for record in records(name)]
    return hashlib.sha256(json.dumps(shown).encode()).hexdigest()


def draw_laws() -> bytes:
    """PNG of LPIPS over rate: the points of each clip, and both power laws through them."""
    from matplotlib.figure import Figure

    found = records("laws.json")
    figure = Figure(figsize=(4.8 * len(found), 3.6), dpi=130, layout="constrained")
    for axes, record in zip(figure.subplots(1, len(found), squeeze=False)[0], found, strict=True):
        for row, colour in zip(record["rows"], COLOURS, strict=False):
            rate, score = np.array(row["points"]).T
            fine = np.geomspace(rate[0], rate[-1], 100)
            axes.plot(rate, score, "o", color=colour, markersize=4, label=row["clip"])
            for law, dash in (("power", "-"), ("power and floor", ":")):
                line = fitted(law, row["points"])(fine)
                axes.plot(fine, line, dash, color=colour, linewidth=1.1)
        axes.set_xscale("log")
        axes.set_title(record["settings"]["prior"], fontsize=10, loc="left")
        axes.set_xlabel("bits per pixel", fontsize=9)
        axes.set_ylabel("LPIPS", fontsize=9)
        axes.legend(fontsize=7, frameon=False)
        axes.spines[["top", "right"]].set_visible(False)
    return _png(figure, "laws.json")


def draw_control() -> bytes:
    """PNG of the LPIPS of every frame, without control and with it, for each prior."""
    from matplotlib.figure import Figure

    found = records("control.json")
    figure = Figure(figsize=(9.6, 2.9 * len(found)), dpi=130, layout="constrained")
    for axes, record in zip(
        figure.subplots(len(found), 1, squeeze=False)[:, 0], found, strict=True
    ):
        without, controlled = record["rows"]
        for row, colour in ((without, COLOURS[1]), (controlled, COLOURS[0])):
            axes.plot(row["scores"], color=colour, linewidth=1.1, label=row["run"])
        for gop in controlled["gops"][1:]:
            axes.axvline(gop["first_frame"], color="0.85", linewidth=0.8, zorder=0)
        for name, first in record["settings"]["scenes"]:
            axes.axvline(first, color="0.4", linewidth=0.9, linestyle="--", zorder=0)
            at = axes.get_xaxis_transform()
            axes.text(first + 2, 0.98, name, transform=at, fontsize=7, va="top")
        axes.set_title(f"{record['settings']['prior']}, {record['settings']['size']}", fontsize=10)
        axes.set_ylabel("LPIPS", fontsize=9)
        axes.margins(x=0)
        axes.set_ylim(bottom=0)
        axes.legend(fontsize=8, frameon=False, loc="lower right", ncols=2)
        axes.spines[["top", "right"]].set_visible(False)
    axes.set_xlabel("frame; pale lines: a GOP begins; dashed lines: the scene changes", fontsize=9)
    return _png(figure, "control.json")


def _png(figure: Any, name: str) -> bytes:
    picture = io.BytesIO()
    figure.savefig(picture, format="png", metadata={DIGEST: digest(name)})
    return picture.getvalue()


TABLES: dict[str, Callable[[], DocTable]] = {
    function.__name__: function for function in (quality, laws, control, boundaries, cutting)
}
PICTURES = {
    "docs/laws.png": (lambda: digest("laws.json"), draw_laws),
    "docs/control.png": (lambda: digest("control.json"), draw_control),
}
