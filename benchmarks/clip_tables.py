"""What the committed runs on clips say, for README and docs: benchmarks/results/clips."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from benchmarks.points import RATE_RANGE_BPP, SequenceResult
from benchmarks.record import RESULTS
from benchmarks.report.bd_tables import Deltas, deltas_of
from benchmarks.report.curves import CurveSet, average_curves, curve_of, curves_by_sequence
from benchmarks.report.plots import draw_png
from benchmarks.report.stage_tables import stage_rows as rows_of_stages
from benchmarks.result_tables import Rows
from benchmarks.run import METRICS as MEASURED
from freegvc.metrics import METRICS

CLIPS = RESULTS / "clips"
STAGES = RESULTS / "table3" / "basketballpass" / "freegvc-small.json"
TUNINGS = RESULTS / "tunings"  # codecs as they would be with another tuning, beside those of CLIPS
SMALL, ANALYTIC = "freegvc-small", "analytic"
ANCHORS = ("x265-ra", "x265-ra-half", "x264-ra", "svtav1-ra", "vp9-ld", ANALYTIC)
SHOWN_BPP = 0.015  # one rate at which a row says what it takes
DRAWN = ("lpips", "ms_ssim")
Panels = list[tuple[str, CurveSet]]


def load_results(folder: Path = CLIPS) -> dict[str, dict[str, SequenceResult]]:
    """Results by sequence and codec."""
    results: dict[str, dict[str, SequenceResult]] = defaultdict(dict)
    for path in sorted(folder.glob("*/*.json")):
        result = SequenceResult.read(path)
        results[result.sequence][result.codec] = result
    return dict(results)


def deltas_between(
    codecs: Mapping[str, SequenceResult], anchor: str, codec: str, metric: str
) -> Deltas | None:
    """BD-rate and BD-metric over the low rates; None if a codec has no such scores."""
    found = [curve_of(codecs[label], metric) for label in (anchor, codec) if label in codecs]
    curves = tuple(curve for curve in found if curve is not None)
    if len(curves) < 2:
        return None
    return deltas_of(CurveSet("", curves), anchor, metric, RATE_RANGE_BPP)[codec]


def anchor_rows() -> Rows:
    """BD-rates of freegvc-small against each anchor: means over clips, and over how many."""
    results = load_results()
    rows = [
        [
            anchor,
            *(
                _mean(metric, [deltas_between(c, anchor, SMALL, metric) for c in results.values()])
                for metric in MEASURED
            ),
        ]
        for anchor in ANCHORS
    ]
    note = (
        f"BD-rates of {SMALL} between {RATE_RANGE_BPP[0]} and {RATE_RANGE_BPP[1]} bpp, below 0 is "
        f"fewer bits: means over those of {len(results)} clips where both reach the same scores. "
        "Of the others, better and worse say how many have better and worse scores at equal rate. "
        f"{_where(results)}"
    )
    return ["against", *(METRICS[metric].label for metric in MEASURED)], rows, note


def clip_rows() -> Rows:
    """Each clip at one rate, and its BD-rates in LPIPS, and in MS-SSIM against the Gaussian."""
    results = load_results()
    header = ["clip", "bytes (bpp)", "LPIPS", "MS-SSIM", "PSNR dB", "compress s", "decompress s"]
    header += [f"LPIPS, {anchor}" for anchor in ANCHORS] + [f"MS-SSIM, {ANALYTIC}"]
    wanted = [*((anchor, "lpips") for anchor in ANCHORS), (ANALYTIC, "ms_ssim")]
    rows = []
    for name, codecs in results.items():
        small = codecs[SMALL]
        point = min(small.points, key=lambda p: abs(small.bpp(p) - SHOWN_BPP))
        row = [name, f"{point.num_bytes} ({small.bpp(point):.4f})"]
        for metric, digits in (("lpips", 3), ("ms_ssim", 3), ("psnr", 2)):
            mean = point.score(metric)
            row.append("-" if mean is None else f"{mean:.{digits}f}")
        row += [f"{point.encode_seconds:.0f}", f"{point.decode_seconds:.0f}"]
        row += [_percent(deltas_between(codecs, anchor, SMALL, m)) for anchor, m in wanted]
        rows.append(row)
    note = (
        f"The file nearest to {SHOWN_BPP} bpp, which is a cut of the one at 0.05 bpp whose seconds "
        "these are; then BD-rates as above. n/a: too little of the curves is at the same scores, "
        f"or one does not get better with the rate. {_where(results)} One of the cores was used."
    )
    return header, rows, note


def stage_rows() -> Rows:
    """Table III on the CPU."""
    record = json.loads(STAGES.read_text(encoding="utf-8"))
    asked = record["asked"]
    note = (
        f"{asked['prior']} on {record['num_frames']} frames of {asked['clip']} at "
        f"{record['size']}; stages in seconds per frame, peak memory of the process in MiB. "
        f"Measured {record['measured']} on {record['hardware']}."
    )
    return *rows_of_stages(record), note


def tuning_rows() -> Rows:
    """What the tunings that were not taken would make of the baselines."""
    rows, results = [], load_results()
    for sequence, others in load_results(TUNINGS).items():
        codecs = {**results[sequence], **others}
        for label in others:
            taken = label.rpartition("-")[0]
            cells = [_percent(deltas_between(codecs, taken, label, m)) for m in MEASURED]
            rows.append([sequence, label, taken, *cells])
    note = (
        f"BD-rates between {RATE_RANGE_BPP[0]} and {RATE_RANGE_BPP[1]} bpp, below 0 is fewer bits "
        "than with the tuning that was taken."
    )
    return ["clip", "codec", "against", *(METRICS[m].label for m in MEASURED)], rows, note


def mean_panels() -> Panels:
    """The averages over all clips that the README's figure shows."""
    return [(metric, average_curves(_all_results(), metric).mean) for metric in DRAWN]


def clip_panels() -> Panels:
    """LPIPS on each clip."""
    return [("lpips", curves) for curves in curves_by_sequence(_all_results(), "lpips")]


def draw(panels: Panels) -> bytes:
    """PNG of the panels, freegvc first among the colours."""
    codecs = sorted({curve.codec for _, panel in panels for curve in panel.curves})
    return draw_png(panels, [SMALL, *(c for c in codecs if c != SMALL)], RATE_RANGE_BPP)


def _all_results() -> list[SequenceResult]:
    return [result for codecs in load_results().values() for result in codecs.values()]


def _where(results: Mapping[str, Mapping[str, SequenceResult]]) -> str:
    first = next(iter(results.values()))[SMALL]
    return (
        f"First {first.num_frames} frames, at most 416x240. Measured "
        f"{first.provenance['measured']} on {first.provenance['hardware']}."
    )


def _percent(deltas: Deltas | None) -> str:
    if deltas is None:
        return "-"
    return "n/a" if deltas.rate.value is None else f"{deltas.rate.value:+.0f} %"


def _mean(metric: str, found: Sequence[Deltas | None]) -> str:
    rates = [d.rate.value for d in found if d and d.rate.value is not None]
    text = f"{np.mean(rates):+.0f} % ({len(rates)})" if rates else "n/a"
    up = METRICS[metric].higher_is_better
    others = [d.score.value for d in found if d and d.rate.value is None]
    better = sum(value is not None and (value > 0) == up for value in others)
    worse = sum(value is not None and (value > 0) != up for value in others)
    said = [f"{n} {word}" for n, word in ((better, "better"), (worse, "worse")) if n]
    return ", ".join([text, *said])
