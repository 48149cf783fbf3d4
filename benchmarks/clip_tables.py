"""What the committed runs on clips say, for README and docs: benchmarks/results/clips."""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from benchmarks.bjontegaard_delta import Delta, bd_rate
from benchmarks.points import RATE_RANGE_BPP, SequenceResult
from benchmarks.record import RESULTS
from benchmarks.report.curves import curve_of
from freegvc.metrics import METRICS

SMALL, ANALYTIC = "freegvc-small", "analytic"
ANCHORS = ("x265-ra", "svtav1-ra")
SHOWN_BPP = 0.015  # one rate at which a row says what it takes


def load_results() -> dict[str, dict[str, SequenceResult]]:
    """Results by sequence and codec."""
    results: dict[str, dict[str, SequenceResult]] = defaultdict(dict)
    for path in sorted((RESULTS / "clips").glob("*/*.json")):
        result = SequenceResult.read(path)
        results[result.sequence][result.codec] = result
    return dict(results)


def delta_between(
    codecs: dict[str, SequenceResult], anchor: str, codec: str, metric: str
) -> Delta | None:
    """The delta over the low rates; None if one of the two was not run."""
    if anchor not in codecs or codec not in codecs:
        return None
    first, second = (curve_of(codecs[label], metric) for label in (anchor, codec))
    if first is None or second is None:
        return None
    return bd_rate(
        list(zip(first.bpp, first.scores, strict=True)),
        list(zip(second.bpp, second.scores, strict=True)),
        higher_is_better=METRICS[metric].higher_is_better,
        rate_range=RATE_RANGE_BPP,
    )


def small_rows() -> tuple[list[str], list[list[str]], str]:
    """Header, rows and note of the table of freegvc-small beside its anchors."""
    results = {k: v for k, v in load_results().items() if SMALL in v}
    header = ["clip", "bytes (bpp)", "LPIPS", "MS-SSIM", "PSNR dB", "compress s", "decompress s"]
    header += [f"BD-rate in LPIPS against {anchor}" for anchor in ANCHORS]
    header += [f"in MS-SSIM against {ANALYTIC}"]
    rows, found = [], defaultdict(list)
    for name, codecs in results.items():
        small = codecs[SMALL]
        point = min(small.points, key=lambda p: abs(small.bpp(p) - SHOWN_BPP))
        row = [name, f"{point.num_bytes} ({small.bpp(point):.4f})"]
        for metric, digits in (("lpips", 3), ("ms_ssim", 3), ("psnr", 2)):
            mean = point.mean(metric)
            row.append("-" if mean is None else f"{mean:.{digits}f}")
        row += [f"{point.encode_seconds:.0f}", f"{point.decode_seconds:.0f}"]
        wanted = [(anchor, "lpips") for anchor in ANCHORS] + [(ANALYTIC, "ms_ssim")]
        for anchor, metric in wanted:
            delta = delta_between(codecs, anchor, SMALL, metric)
            row.append(_percent(delta))
            if delta and delta.value is not None:
                found[anchor].append(delta.value)
        rows.append(row)
    means = [_mean(found[anchor]) for anchor in (*ANCHORS, ANALYTIC)]
    rows.append(["mean", *[""] * 6, *means])
    first = next(iter(results.values()))[SMALL]
    note = (
        f"First {first.num_frames} frames, at most 416x240. BD-rates between "
        f"{RATE_RANGE_BPP[0]} and {RATE_RANGE_BPP[1]} bpp, over the scores that both reach; below "
        "0 is fewer bits. n/a: the curves hardly overlap. Measured "
        f"{first.provenance['measured']} on {first.provenance['hardware']}, one of them used."
    )
    return header, rows, note


def _percent(delta: Delta | None) -> str:
    if delta is None:
        return "not measured here"
    return "n/a" if delta.value is None else f"{delta.value:+.0f} %"


def _mean(values: list[float]) -> str:
    return f"{np.mean(values):+.0f} % ({len(values)})" if values else "-"
