"""Tables of speed and memory on a GPU: benchmarks/results/gpu.json."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from benchmarks.doc_tables.table import DocTable, Row, listing, load

NAMES = {"cogvideox-2b": "CogVideoX-2B", "wan2.1-t2v-1.3b": "Wan 2.1 1.3B"}


def gpu_memory() -> DocTable:
    """Peaks of each stage by option."""
    record = load("gpu.json")
    stages = ("encode", "forward", "decode")
    return listing(
        record["memory"],
        {
            "model": lambda row: f"{NAMES[row['model']]}, {row['numerics']}",
            "frames": _size,
            "options": _options,
            **{f"{stage} MiB": _peak(stage) for stage in stages},
            **{f"{stage} s": _seconds(stage) for stage in stages},
        },
        f"Peak of GPU memory with the weights. {_where(record)}",
    )


def gpu_channel() -> DocTable:
    """A step of the trellis coder, by its bits and by m."""
    record = load("gpu.json")
    dims = {row["dims"] for row in record["channel"]}
    return listing(
        record["channel"],
        {
            "m": "{log2_states}",
            "KL bits": "{kl_bits:,.0f}",
            "encode ms": "{encode_ms:.1f}",
            "decode ms": "{decode_ms:.1f}",
        },
        f"Median of seven calls, D = {dims.pop():,}. {_where(record)}",
    )


def gpu_runs() -> DocTable:
    """Whole runs of a GOP, by stage."""
    record = load("gpu.json")
    return listing(
        [*record["runs"], *record["speed"]],
        {
            "model": lambda row: NAMES.get(row.get("model", ""), row.get("prior", "")),
            "frames": _size,
            "bits": "{bits}",
            "encode s": _stages("encode", ("VAE encode", "model", "coder")),
            "decode s": _stages("decode", ("model", "VAE decode")),
            "model calls": "{encode_calls}, {decode_calls}",
            "fps": "{encode_fps:.1f}, {decode_fps:.1f}",
            "peak MiB": "{encode_peak_mib}, {decode_peak_mib}",
        },
        "In brackets the seconds of VAE, model and channel coder (encode), of model and VAE "
        "(decode). Calls, frames per second and peaks: of encoding, of decoding. "
        f"{_where(record)}",
    )


def _where(record: Row) -> str:
    note = record["settings"].get("note", "")
    return (
        f"Random weights. Measured {record['measured']} on {record['hardware']}, commit "
        f"{record['commit']}. {note}"
    ).strip()


def _size(row: Row) -> str:
    frames, height, width = row["size"]
    return f"{width}x{height}x{frames}"


def _options(row: Row) -> str:
    words = [f"{name} {value}" for name, value in row["options"].items()]
    return ", ".join(words).replace("_", "-") or "default"


def _peak(stage: str) -> Callable[[Any], str]:
    def cell(row: Row) -> str:
        if "stages" not in row:
            return "out of memory"
        return f"{row['stages'][stage]['peak_mib']:,}"

    return cell


def _seconds(stage: str) -> Callable[[Any], str]:
    def cell(row: Row) -> str:
        seconds = row.get("stages", {}).get(stage, {}).get("seconds")
        return "-" if seconds is None else f"{seconds:.2f}"

    return cell


def _stages(way: str, names: tuple[str, ...]) -> Callable[[Any], str]:
    def cell(row: Row) -> str:
        parts = ", ".join(f"{row[f'{way}_stages'][name]:.2f}" for name in names)
        return f"{row[f'{way}_seconds']:.2f} ({parts})"

    return cell


TABLES: dict[str, Callable[[], DocTable]] = {
    function.__name__: function for function in (gpu_channel, gpu_memory, gpu_runs)
}
