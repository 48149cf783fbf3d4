"""Tables and pictures of the committed runs: benchmarks/results/clips, table3 and tunings."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from benchmarks.doc_tables.table import DocTable
from benchmarks.points import SequenceResult
from benchmarks.record import RESULTS
from benchmarks.report.curves import CurveSet, average_curves, curve_of, curves_by_sequence
from benchmarks.report.deltas import Deltas, deltas_of
from benchmarks.report.plots import Panel, digest_of, draw_curves
from benchmarks.report.result_tables import score_cell
from benchmarks.report.stage_report import stage_table
from benchmarks.report.summary import judged, summary
from freegvc.metrics import METRICS

CLIPS = RESULTS / "clips"
STAGES = RESULTS / "table3" / "basketballpass"
TUNINGS = RESULTS / "tunings"  # codecs as they would be with another tuning, beside those of CLIPS
TUNED = RESULTS / "tuned"  # freegvc-small with tuned latents
SMALL, ANALYTIC = "freegvc-small", "analytic"
SMALL_TUNED = f"{SMALL}-balanced"
MEASURED = ("lpips", "ms_ssim", "psnr", "tof", "tlp")
RATE_RANGE_BPP = (0.003, 0.03)  # the committed runs have rates from 0.002 to 0.03, or higher
LOW_BPP = (0.002, 0.01)
ANCHORS = ("x265-ra", "x265-ra-half", "x264-ra", "svtav1-ra", "vp9-ld", ANALYTIC)
SHOWN_BPP = 0.015  # the rate that each row describes
NO_RATE = "no BD-rate"
_LABELS = [METRICS[metric].label for metric in MEASURED]
Codecs = Mapping[str, SequenceResult]
_OVER = f"between {RATE_RANGE_BPP[0]} and {RATE_RANGE_BPP[1]} bpp, below 0 is fewer bits"


def load_results(folder: Path = CLIPS) -> dict[str, dict[str, SequenceResult]]:
    """Results by sequence and codec."""
    results: dict[str, dict[str, SequenceResult]] = defaultdict(dict)
    for path in sorted(folder.glob("*/*.json")):
        result = SequenceResult.read(path)
        results[result.sequence][result.codec] = result
    return dict(results)


def deltas_between(
    codecs: Codecs,
    anchor: str,
    codec: str,
    metric: str,
    rates_bpp: tuple[float, float] = RATE_RANGE_BPP,
) -> Deltas | None:
    """BD-rate and BD-metric over these rates; None if a codec has no such scores."""
    found = [curve_of(codecs[label], metric) for label in (anchor, codec) if label in codecs]
    curves = tuple(curve for curve in found if curve is not None)
    if len(curves) < 2:
        return None
    return deltas_of(CurveSet("", curves), anchor, metric, rates_bpp)[codec]


def anchors() -> DocTable:
    """BD-rates of freegvc-small against each anchor: median and mean over clips, and wins."""
    results = load_results()
    return DocTable(
        ["against", *_LABELS],
        _rows_against(ANCHORS, SMALL, results),
        f"BD-rates of {SMALL} {_OVER}: median and mean over those of {len(results)} clips that "
        "have one, and how many these are. Others have none, as the curves have too few scores in "
        "common or one does not get better with the rate where they do. Better: fewer bits, or, "
        "without a BD-rate, the better score at equal rate, on so many of the clips that can be "
        "compared at all: on the others a score is not defined, or the curves have no rates in "
        "common. "
        f"{_where(results)}",
    )


def tuned() -> DocTable:
    """What tuned latents are worth: against latents that are not, and against two anchors."""
    measured, results = load_results(TUNED), _with_tuned()
    seconds = [codecs[SMALL_TUNED].points[-1].encode_seconds for codecs in results.values()]
    return DocTable(
        ["against", *_LABELS],
        _rows_against((SMALL, "x265-ra", "svtav1-ra"), SMALL_TUNED, results),
        f"BD-rates of {SMALL} with balanced tuning {_OVER}, as in the table above. Compressing a "
        f"clip took at most {max(seconds):.0f} s of one core. {_where(measured, SMALL_TUNED)}",
    )


def low_rates() -> DocTable:
    """Against SVT-AV1 where it can hardly go."""
    results = _with_tuned()
    rows = []
    for codec in (SMALL, SMALL_TUNED):
        (row,) = _rows_against(("svtav1-ra",), codec, results, LOW_BPP)
        rows.append([codec, *row[1:]])
    return DocTable(
        ["codec", *_LABELS],
        rows,
        f"BD-rates against svtav1-ra between {LOW_BPP[0]} and {LOW_BPP[1]} bpp, as in the tables "
        "above.",
    )


def _with_tuned() -> dict[str, Codecs]:
    """Results of the clips that were measured with tuned latents too."""
    plain = load_results()
    return {clip: {**plain[clip], **codecs} for clip, codecs in load_results(TUNED).items()}


def _rows_against(
    anchors: Iterable[str],
    codec: str,
    results: Mapping[str, Codecs],
    rates_bpp: tuple[float, float] = RATE_RANGE_BPP,
) -> list[list[str]]:
    """For each anchor, what the BD-rates of a codec over all clips sum up to, by metric."""
    rows = []
    for anchor in anchors:
        found = (
            [deltas_between(c, anchor, codec, m, rates_bpp) for c in results.values()]
            for m in MEASURED
        )
        rows.append([anchor, *map(_summed_up, found)])
    return rows


def small() -> DocTable:
    """Each clip at one rate, and its BD-rates in LPIPS, and in MS-SSIM against the Gaussian."""
    results = load_results()
    shown = ("lpips", "ms_ssim", "psnr")
    wanted = [*((anchor, "lpips") for anchor in ANCHORS), (ANALYTIC, "ms_ssim")]
    rows = []
    for clip, codecs in results.items():
        result = codecs[SMALL]
        point = min(result.points, key=lambda p: abs(result.bpp(p) - SHOWN_BPP))
        row = [clip, str(point.num_bytes), f"{result.bpp(point):.4f}"]
        row += [score_cell(metric, point.score(metric)) for metric in shown]
        row += [f"{seconds:.0f}" for seconds in (point.encode_seconds, point.decode_seconds)]
        row += [_percent(deltas_between(codecs, anchor, SMALL, m)) for anchor, m in wanted]
        rows.append(row)
    header = ["clip", "bytes", "bpp", *(METRICS[metric].label for metric in shown)]
    header += ["compress s", "decompress s"]
    header += [f"{METRICS[metric].label}, {anchor}" for anchor, metric in wanted]
    return DocTable(
        header,
        rows,
        f"The file nearest to {SHOWN_BPP} bpp. It is cut from the file at 0.03 bpp, whose seconds "
        "of compressing are given. Then BD-rates as above; where there is none, what is better at "
        f"equal rate. {_where(results)} One of the cores was used.",
    )


def stages() -> DocTable:
    """Table III on the CPU."""
    results = [SequenceResult.read(path) for path in sorted(STAGES.glob("*.json"))]
    table, result = stage_table(results, of_process=True), results[0]
    note = (
        f"{result.settings['prior']} on {result.num_frames} frames of {result.sequence} at "
        f"{result.width}x{result.height}; stages in seconds of one CPU thread per frame, peak "
        f"memory of the process in MiB. {_measured(result)}"
    )
    return DocTable(table.header, table.rows, note)


def tunings() -> DocTable:
    """The baselines with the tunings that were not chosen."""
    results, rows = load_results(), []
    for clip, others in load_results(TUNINGS).items():
        codecs = {**results[clip], **others}
        for label in others:
            taken = label.rpartition("-")[0]
            cells = [_percent(deltas_between(codecs, taken, label, m)) for m in MEASURED]
            rows.append([clip, label, taken, *cells])
    return DocTable(
        ["clip", "codec", "against", *_LABELS],
        rows,
        f"BD-rates {_OVER} than with the chosen tuning; where there is none, what is better at "
        "equal rate.",
    )


def mean_panels() -> list[Panel]:
    """The averages over all clips that the README's figure shows."""
    results = _all_results()
    return [(metric, average_curves(results, metric).mean) for metric in ("lpips", "ms_ssim")]


def clip_panels() -> list[Panel]:
    """LPIPS on each clip."""
    return [("lpips", curves) for curves in curves_by_sequence(_all_results(), "lpips")]


def draw(panels: list[Panel]) -> bytes:
    """PNG of the panels, freegvc first among the colours."""
    codecs = sorted({curve.codec for _, panel in panels for curve in panel.curves})
    return draw_curves(panels, [SMALL, *(c for c in codecs if c != SMALL)], RATE_RANGE_BPP)


def _all_results() -> list[SequenceResult]:
    return [result for codecs in load_results().values() for result in codecs.values()]


def _where(results: Mapping[str, Codecs], codec: str = SMALL) -> str:
    first = next(iter(results.values()))[codec]
    return f"First {first.num_frames} frames, at most 416x240. {_measured(first)}"


def _measured(result: SequenceResult) -> str:
    return f"Measured {result.provenance['measured']} on {result.provenance['hardware']}."


def _percent(deltas: Deltas | None) -> str:
    if deltas is None:
        return "no scores"
    return judged(deltas) if deltas.rate.value is None else f"{deltas.rate.value:+.0f} %"


def _summed_up(found: Iterable[Deltas | None]) -> str:
    """A cell such as "median -27 %, mean +1 % of 9; better on 9 of 14"."""
    about = summary(found)
    wins = f"better on {about.wins}"
    if not about.rates:
        return f"{NO_RATE}; {wins}"
    median, mean = np.median(about.rates), np.mean(about.rates)
    return f"median {median:+.0f} %, mean {mean:+.0f} % of {len(about.rates)}; {wins}"


TABLES = {
    "anchors": anchors,
    "tuned": tuned,
    "low_rates": low_rates,
    "small": small,
    "stages": stages,
    "tunings": tunings,
}
PICTURES = {
    "docs/clips.png": (lambda: digest_of(mean_panels()), lambda: draw(mean_panels())),
    "docs/clips-lpips.png": (lambda: digest_of(clip_panels()), lambda: draw(clip_panels())),
}
