"""Tables and a picture of the channel coders and of tiles: one JSON file each."""

from __future__ import annotations

import hashlib
import io
import json
import statistics
from collections.abc import Callable

from benchmarks.doc_tables.table import DocTable, listing, load, where
from benchmarks.report.plots import DIGEST

CHANNEL_PNG = "docs/channel.png"


def coders() -> DocTable:
    """The trellis against PFR at equal stop steps."""
    record = load("coders.json")
    pfr = {(r["clip"], r["stop_step"]): r["bytes"] for r in record["rows"] if r["coder"] == "pfr"}
    return listing(
        record["rows"],
        {
            "clip": "{clip}",
            "stop step": "{stop_step}",
            "coder": "{coder}",
            "bytes": "{bytes}",
            "fewer than PFR": lambda row: (
                f"{100 * (1 - row['bytes'] / pfr[row['clip'], row['stop_step']]):.1f} %"
                if row["coder"] != "pfr"
                else "-"
            ),
            "PSNR dB": "{psnr_db:.2f}",
            "MS-SSIM": lambda row: _or_dash(row["ms_ssim"]),
            "compress s": "{compress_seconds:.1f}",
        },
        f"{record['settings']['frames']} frames. {where(record)}",
    )


def channel() -> DocTable:
    """The points of the channel benchmark."""
    record = load("channel.json")
    return listing(
        record["rows"],
        {
            "coder": "{coder} 2^{log2_candidates_used}",
            "D": "{dims:,}",
            "KL bits": "{kl_bits:,}",
            "delta": "{law}",
            "coded / KL": "{coded_over_kl:.3f}",
            "delivered": "{delivered:.3f}",
            "residual variance": "{residual_variance:.3f}",
            "encode s": "{encode_seconds:.2f}",
            "decode s": "{decode_seconds:.3f}",
            "extra MiB": "{extra_memory_mib}",
        },
        where(record),
    )


def tiles() -> DocTable:
    """Memory and seams of tiled frames against one tile."""
    record = load("tiles.json")
    one, tiled = record["rows"]
    seams = tiled["seams"]
    return listing(
        (one, tiled),
        {
            "frames": "{size[1]}x{size[0]}x{size[2]}",
            "tiles": lambda row: str(row.get("tiles", 1)),
            "encode MiB": "{peaks_mib[encode]}",
            "predict MiB": "{peaks_mib[predict]}",
            "decode MiB": "{peaks_mib[decode]}",
            "peak / one tile": lambda row: f"{row['peak_mib'] / one['peak_mib']:.2f}",
        },
        "Peak memory above the loaded model. Where a tile ends, stitching adds at most "
        f"{seams['edge_pixel']:.2f} grey levels to a pixel ({seams['edge']:.2f} on average) on a "
        f"smooth ramp, where neighbouring tiles differ by {seams['without_window']:.0f}. "
        f"{where(record)}",
    )


def _or_dash(score: float | None) -> str:
    return "-" if score is None else f"{score:.4f}"


def channel_digest() -> str:
    """Digest of everything that the picture may show."""
    record = load("channel.json")
    return hashlib.sha256(json.dumps([record["rows"], record["published"]]).encode()).hexdigest()


def draw_channel() -> bytes:
    """PNG of overhead against encode time, at the bits that most points have."""
    from matplotlib.figure import Figure

    record = load("channel.json")
    figure = Figure(figsize=(7.2, 4.6), dpi=150, layout="constrained")
    axes = figure.subplots()
    kl_bits = statistics.mode(row["kl_bits"] for row in record["rows"])
    shown = [r for r in record["rows"] if r["kl_bits"] == kl_bits and r["law"] == "normal"]
    for (coder, dims), mark in zip(
        sorted({(r["coder"], r["dims"]) for r in shown}), "osD^vPX*", strict=False
    ):
        line = [r for r in shown if (r["coder"], r["dims"]) == (coder, dims)]
        line.sort(key=lambda r: r["log2_candidates"])
        places = [(r["encode_seconds"], r["coded_over_kl"]) for r in line]
        axes.plot(*zip(*places, strict=True), f"{mark}-", label=f"{coder}, {dims:,} dims")
        for row, place in zip(line, places, strict=True):
            text = f"2^{row['log2_candidates_used']}"
            axes.annotate(text, place, (3, 4), textcoords="offset points", fontsize=7)
    for scheme in record["published"]:
        height = scheme["coded_over_kl"]
        if height < 1.5:
            said, across = f"published: {scheme['scheme']}", axes.get_yaxis_transform()
            axes.axhline(height, color="0.6", linewidth=0.8, linestyle="--")
            axes.text(0.99, height, said, transform=across, ha="right", va="bottom", fontsize=6)
    axes.axhline(1, color="k", linewidth=1)
    axes.text(0.01, 1, "lower bound", transform=axes.get_yaxis_transform(), fontsize=7, va="bottom")
    axes.set_xscale("log")
    axes.set_xlabel("encode seconds per step")
    axes.set_ylabel("coded bits / KL")
    axes.set_title(f"Steps of {kl_bits:,g} bits, {record['hardware']}")
    axes.set_ylim(bottom=0.97)
    axes.legend(fontsize=7, loc="center left", bbox_to_anchor=(0, 0.55))
    picture = io.BytesIO()
    figure.savefig(picture, format="png", metadata={DIGEST: channel_digest()})
    return picture.getvalue()


TABLES: dict[str, Callable[[], DocTable]] = {
    function.__name__: function
    for function in (
        coders,
        channel,
        tiles,
    )
}
PICTURES = {CHANNEL_PNG: (channel_digest, draw_channel)}
