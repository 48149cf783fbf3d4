"""Tables of docs/trajectory.md, each of one experiment: benchmarks/results/*.json."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from benchmarks.doc_tables.table import DocTable, listing, load, pivot, where
from freegvc._control.effort import EFFORTS

SHOWN_SCHEDULE = "CogVideoX-2B"


def grid() -> DocTable:
    """Excess bits of each grid at each stop step, clip by clip."""
    record = load("grid.json")
    excess: dict[tuple[str, ...], list[float]] = {}
    for row in record["rows"]:
        key = (row["schedule"], row["stop_step"], row["grid"])
        excess.setdefault(key, []).append(100 * (row["bits_over_fine"] - 1))

    def cell(row: Any) -> str:
        values = excess[row["schedule"], row["stop_step"], row["grid"]]
        return " / ".join(f"{value:.1f}" for value in values) + f" %, {row['steps']}"

    rows = [row for row in record["rows"] if row["schedule"] == SHOWN_SCHEDULE]
    return pivot(
        rows,
        {"grid in sqrt(SNR)": "{grid}"},
        "{stop_step}: SNR {snr:.2f}",
        cell,
        f"Excess on {_clips(record)}, then steps. {where(record)}",
    )


def schedules() -> DocTable:
    """The largest excess at medium and best effort with each schedule."""
    record = load("grid.json")
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for row in record["rows"]:
        effort = row["grid"].split(":")[0]
        if effort in EFFORTS:
            found = rows.setdefault(
                (row["schedule"], effort), {**row, "effort": effort, "worst": 0}
            )
            found["worst"] = max(found["worst"], row["bits_over_fine"])
            found["steps"] = max(found["steps"], row["steps"])
            found["last"] = row["stop_step"]
    return pivot(
        list(rows.values()),
        {"schedule": "{schedule}", "stop steps": "{stop_step} .. {last}"},
        "{effort}",
        lambda row: f"{100 * (row['worst'] - 1):.1f} %, {row['steps']} steps",
        "The largest excess at any stop step and clip, then the steps of the longest walk. "
        f"{where(record)}",
    )


def efforts() -> DocTable:
    """What each effort takes, over medium."""
    record = load("efforts.json")
    settings = record["settings"]
    medium = {row["clip"]: row for row in record["rows"] if row["effort"] == "medium"}

    def over_medium(name: str) -> Callable[[Any], str]:
        return lambda row: f"{100 * (row[name] / medium[row['clip']][name] - 1):+.0f} %"

    return listing(
        record["rows"],
        {
            "clip": "{clip}",
            "effort": "{effort}",
            "bytes": "{bytes:,}",
            "over medium": lambda row: (
                f"{100 * (row['bytes'] / medium[row['clip']]['bytes'] - 1):+.1f} %"
            ),
            "steps": "{steps}",
            "encode s": "{encode_cpu_seconds:.1f}",
            "encode over medium": over_medium("encode_cpu_seconds"),
            "decode s": "{decode_cpu_seconds:.1f}",
            "decode over medium": over_medium("decode_cpu_seconds"),
        },
        f"{settings['frames']} frames to SNR {settings['stop_snr']}; seconds of one CPU thread. "
        f"{where(record)}",
    )


def steps() -> DocTable:
    """Excess bits of each number of steps, placement and variance."""
    record = load("steps.json")
    settings = record["settings"]
    rows = sorted(record["rows"], key=lambda row: (-row["stop_step"], row["steps"]))
    return pivot(
        rows,
        {"stop step": "{stop_step}: SNR {snr:.2f}", "placement": "{placement}"},
        "{steps} steps",
        lambda row: (
            f"+{100 * (row['equal'] - 1):.1f} %, inflated +{100 * (row['inflated'] - 1):.1f} %"
        ),
        "Excess bits with p of q's variance, then with p of inflated variance; means over "
        f"{settings['frames']} frames of {settings['clips']}. {where(record)}",
    )


def merging() -> DocTable:
    """Bytes of a packet by the least bits of a step."""
    record = load("merging.json")
    settings = record["settings"]
    return pivot(
        record["rows"],
        {"clip": "{clip}", "stop step": "{stop_step}"},
        "at least {least_bits} bits",
        "{bytes} bytes, {steps} steps",
        f"Bytes of the packet; {settings['coder']}, {settings['frames']} frames. {where(record)}",
    )


def silent() -> DocTable:
    """Calls of the silent part against a fixed number of them."""
    record = load("silent.json")
    settings = record["settings"]
    snrs = {row["stop_step"]: row["snr"] for row in record["rows"]}
    return pivot(
        [row for row in record["summary"] if row["rate"] in (4, 8, 12)],
        {
            "stop step": "{stop_step}",
            "SNR": lambda row: f"{snrs[row['stop_step']]:.3g}",
            f"LPIPS with {settings['fixed']} calls": "{mean_lpips_fixed:.4f}",
        },
        "rate {rate}",
        lambda row: (
            f"{row['calls']} call{'s' if row['calls'] > 1 else ''}, LPIPS {row['mean_lpips']:.4f}, "
            f"worst {row['lpips_more']:+.4f}, {-row['psnr_less_db']:+.2f} dB"
        ),
        f"LPIPS: mean over the clips. Worst: difference to {settings['fixed']} calls in the clip "
        f"where it is worst. {len({row['clip'] for row in record['rows']})} clips of 416x240 and "
        f"smaller, {settings['frames']} frames. {where(record)}",
    )


def _clips(record: Any) -> str:
    clips = " / ".join(dict.fromkeys(row["clip"] for row in record["rows"]))
    return f"{record['settings']['frames']} frames of {clips}"


TABLES: dict[str, Callable[[], DocTable]] = {
    function.__name__: function for function in (grid, schedules, efforts, steps, merging, silent)
}
