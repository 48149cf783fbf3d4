"""Rows of the tables whose benchmark keeps one JSON file: benchmarks/results/*.json."""

from __future__ import annotations

import json
from typing import Any

from benchmarks.record import RESULTS

Rows = tuple[list[str], list[list[str]], str]  # header, cells, and the note below


def _load(name: str) -> dict[str, Any]:
    result: dict[str, Any] = json.loads((RESULTS / name).read_text(encoding="utf-8"))
    return result


def grid_rows() -> Rows:
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
    return header, rows, f"{note} {_where(result)}"


def steps_rows() -> Rows:
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
    return header, rows, f"{note} {_where(result)}"


def merging_rows() -> Rows:
    """Bytes of a packet by the least bits of a step."""
    result = _load("merging.json")
    walks = result["walks"]
    leasts = sorted({row["least_bits"] for row in walks})
    groups = list(dict.fromkeys((row["video"], row["stop_step"]) for row in walks))
    found = {(row["video"], row["stop_step"], row["least_bits"]): row for row in walks}
    rows = []
    for video, stop in groups:
        cells = [found[video, stop, least] for least in leasts]
        rows.append([f"{video}, {stop}", *(f"{c['bytes']} ({c['steps']})" for c in cells)])
    header = ["clip, stop step", *(f"{least} bits" for least in leasts)]
    settings = result["settings"]
    note = f"Bytes of the packet, steps in brackets; {settings['coder']}, {settings['frames']}"
    return header, rows, f"{note} frames. {_where(result)}"


def coders_rows() -> Rows:
    """The trellis against PFR at equal stop steps."""
    result = _load("coders.json")
    found = {(row["clip"], row["stop_step"], row["coder"]): row for row in result["rows"]}
    rows = []
    for (clip, stop, coder), pfr in found.items():
        if coder != "pfr":
            continue
        trellis = found[clip, stop, "trellis"]
        scores = [
            f"{row['psnr_db']:.2f}" + ("" if row["ms_ssim"] is None else f" / {row['ms_ssim']:.4f}")
            for row in (pfr, trellis)
        ]
        rows.append(
            [
                f"{clip}, {stop}",
                str(pfr["bytes"]),
                str(trellis["bytes"]),
                f"{100 * (1 - trellis['bytes'] / pfr['bytes']):.1f} %",
                *scores,
                f"{pfr['compress_seconds']:.1f}",
                f"{trellis['compress_seconds']:.1f}",
            ]
        )
    header = ["clip, stop step", "PFR bytes", "trellis bytes", "fewer", "PFR dB / MS-SSIM"]
    header += ["trellis dB / MS-SSIM", "PFR s", "trellis s"]
    return header, rows, f"{result['settings']['frames']} frames. {_where(result)}"


def channel_rows() -> Rows:
    """The points of the channel benchmark."""
    result = _load("channel.json")
    rows = [
        [
            f"{row['coder']} 2^{row['log2_candidates_used']}",
            f"{row['dims']:,}",
            f"{row['kl_bits']:,}",
            row["law"],
            f"{row['coded_over_kl']:.3f}",
            f"{row['delivered']:.3f}",
            f"{row['residual_variance']:.3f}",
            f"{row['encode_seconds']:.2f}",
            f"{row['decode_seconds']:.3f}",
            str(row["extra_memory_mib"]),
        ]
        for row in result["points"]
    ]
    header = ["coder", "D", "KL bits", "delta", "coded / KL", "delivered", "residual variance"]
    header += ["encode s", "decode s", "extra MiB"]
    return header, rows, _where(result)


def tiles_rows() -> Rows:
    """Memory and seams of tiled frames against one tile."""
    result = _load("tiles.json")
    one, tiled = result["one_tile"], result["tiled"]
    rows = [
        [
            f"{row['size'][1]}x{row['size'][0]}x{row['size'][2]}",
            str(row.get("tiles", 1)),
            *(str(row["peaks_mib"][stage]) for stage in ("encode", "predict", "decode")),
            f"{row['peak_mib'] / one['peak_mib']:.2f}",
        ]
        for row in (one, tiled)
    ]
    seams = tiled["seams"]
    note = (
        f"Peak memory above the loaded model. Where a tile ends, stitching adds at most "
        f"{seams['edge_pixel']:.2f} grey levels to a pixel ({seams['edge']:.2f} on average) on a "
        f"smooth ramp, where neighbouring tiles differ by {seams['without_window']:.0f}."
    )
    header = ["frames", "tiles", "encode MiB", "predict MiB", "decode MiB", "peak / one tile"]
    return header, rows, f"{note} {_where(result)}"


def quality_rows() -> Rows:
    """How targets that are scores are met, clip by clip."""
    result = _load("quality.json")
    rows = []
    for row in result["clips"]:
        errors = [abs(score - row["target"]) for score in row["scores"]]
        taught, untaught = row["probes_with_history"], row["probes_without"]
        fixed = row["fixed_step"]
        rows.append(
            [
                row["clip"],
                str(row["target"]),
                f"{sum(row['reached'])} of {row['gops']}",
                f"{max(errors):.4f}",
                f"{sum(taught) / len(taught):.1f} / {sum(untaught) / len(untaught):.1f}",
                f"{row['std']:.4f} / {fixed['std']:.4f} ({fixed['std_ratio']:.1f} x)",
                f"{row['shared_rate']['share_of_budget']:.4f}",
            ]
        )
    header = [
        "clip",
        "target",
        "GOPs within 0.005",
        "largest error",
        "probes, with history / without",
    ]
    header += ["std of GOP scores, target / one stop step", "rate target, share of budget"]
    note = "LPIPS (AlexNet), analytic prior, GOPs of "
    note += f"{result['settings']['gop_length']} frames; files of one size for the two deviations"
    return header, rows, f"{note}. {_where(result)}"


def laws_rows() -> Rows:
    """How well each law fits the points of a walk."""
    result = _load("quality.json")
    laws = list(result["summary"]["r_squared"])
    rows = [
        [row["clip"], *(f"{row['r_squared'][law]:.3f}" for law in laws)] for row in result["clips"]
    ]
    rows.append(["mean", *(f"{result['summary']['r_squared'][law]:.3f}" for law in laws)])
    return ["clip", *laws], rows, _where(result)


def boundaries_rows() -> Rows:
    """What is seen at the boundaries of GOPs, by overlap and fusion weight."""
    result = _load("boundaries.json")
    rows = []
    for row in result["summary"]:
        cells = [str(row["overlap"]), row["gamma"], f"{row['bpp']:.4f}"]
        for metric, decimals in (("lpips", 4), ("tlp", 4), ("tof", 3)):
            one = row[metric]
            near = f"{one['near']:+.{decimals}f} ± {one['near_standard_error']:.{decimals}f}"
            worst = f"{one['worst']:+.{decimals}f} ({100 * one['worst_ratio']:.0f} %)"
            cells.append(f"{near}; {worst}")
        rows.append(cells)
    header = ["m", "gamma", "bpp"]
    header += [f"{label}: near; worst" for label in ("LPIPS", "tLP", "tOF px")]
    settings, without = result["settings"], result["summary"][0]
    clips = len({row["clip"] for row in result["rows"]})
    inner = {metric: without[metric]["inner"] for metric in ("lpips", "tlp", "tof")}
    note = (
        f"Near: excess ± standard error; worst: excess, and its share of what m = 0 gives. {clips} "
        f"clips, {without['boundaries']} boundaries with m = 0, GOPs of {settings['gop_length']} "
        f"frames, stop step {settings['stop_step']}. Inner frames: LPIPS {inner['lpips']:.3f}, "
        f"tLP {inner['tlp']:.4f}, tOF {inner['tof']:.2f} px."
    )
    return header, rows, f"{note} {_where(result)}"


def _where(result: dict[str, Any]) -> str:
    return f"Measured {result['measured']} on {result['hardware']}."
