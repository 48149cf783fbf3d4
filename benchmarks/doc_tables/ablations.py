"""The table of the committed ablations: benchmarks/results/table2."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from benchmarks.doc_tables.table import DocTable
from benchmarks.points import SequenceResult
from benchmarks.record import RESULTS
from benchmarks.report.curves import CurveSet, curve_of
from benchmarks.report.deltas import deltas_of
from benchmarks.table2 import DEFAULT, FRAME_WISE
from freegvc.metrics import SCORES

FOLDER = RESULTS / "table2" / "carphone_qcif"
_METRICS = ("lpips", "psnr", "tof")
_ORDER = (
    "m-",
    "gamma-",
    "l-",
    FRAME_WISE,
    "chain",
    "pfr",
    "grid-",
    "effort-",
    "silent-",
    "dpmpp2m",
)
_COMMON = {"codec", "prior", "device", "rates_bpp", "encode seconds", "fingerprint"}
Results = Mapping[str, SequenceResult]


def load_results() -> dict[str, SequenceResult]:
    """By variant, those of the paper first."""
    found = [SequenceResult.read(path) for path in FOLDER.glob("*.json")]
    return {result.codec: result for result in sorted(found, key=_place)}


def _place(result: SequenceResult) -> tuple[int, str]:
    places = [k for k, name in enumerate(_ORDER) if result.codec.startswith(name)]
    return (places[0] if places else len(_ORDER)), result.codec


def seeds_alone(result: SequenceResult) -> SequenceResult:
    """The same points at the bytes of their seeds: without header, packets and their checks."""
    points = [replace(point, num_bytes=point.details["seed_bytes"]) for point in result.points]
    return replace(result, points=tuple(points))


def ablations() -> DocTable:
    """BD-rate and BD-metric of each variant against the default."""
    results = load_results()
    default = results.pop(DEFAULT)
    rows = []
    for label, result in results.items():
        rows.append([label, _changes(result), *_cells(default, result)])
        if label == FRAME_WISE:
            bare = seeds_alone(default), seeds_alone(result)
            rows.append([label, "seeds alone, without headers and packets", *_cells(*bare)])
    alone = ""
    if FRAME_WISE in results:
        in_bytes, in_seeds = (
            _times_the_bits(default, results[FRAME_WISE], of)
            for of in (lambda result: result, seeds_alone)
        )
        alone = (
            f"At the LPIPS of its largest file, {FRAME_WISE} takes {in_bytes:.1f} times the bytes "
            f"of the default, and {in_seeds:.1f} times the seeds. "
        )
    rates = ", ".join(f"{bpp:g}" for bpp in default.settings["rates_bpp"])
    note = (
        f"BD-rate against the default, below 0 is fewer bits, and BD-metric. {alone}"
        f"{default.settings['prior']}, fingerprint {default.settings['fingerprint']}, on "
        f"{default.num_frames} frames of {default.sequence} at {default.width}x{default.height}, "
        f"rates of {rates} bpp. Measured {default.provenance['measured']} on "
        f"{default.provenance['hardware']}."
    )
    return DocTable(["variant", "what differs", *(SCORES[m].label for m in _METRICS)], rows, note)


def _times_the_bits(
    default: SequenceResult,
    result: SequenceResult,
    of: Callable[[SequenceResult], SequenceResult],
) -> float:
    """Rate of a result's best LPIPS over the rate at which the default has it, by interpolation."""
    own, usual = (curve_of(of(one), "lpips") for one in (result, default))
    if own is None or usual is None:
        raise ValueError(f"{result.codec} or {default.codec} has no LPIPS")
    best = min(own.scores)
    if not min(usual.scores) <= best <= max(usual.scores):
        raise ValueError(f"{default.codec} has no LPIPS of {best}")
    rate = np.interp(-best, -np.array(usual.scores), np.log(usual.bpp))
    return float(own.bpp[own.scores.index(best)] / np.exp(rate))


def _changes(result: SequenceResult) -> str:
    changes = {name: value for name, value in result.settings.items() if name not in _COMMON}
    return ", ".join(f"{name} {value}" for name, value in changes.items())


def _cells(default: SequenceResult, result: SequenceResult) -> list[str]:
    return [_cell(default, result, metric) for metric in _METRICS]


def _cell(default: SequenceResult, result: SequenceResult, metric: str) -> str:
    curves = [curve_of(one, metric) for one in (default, result)]
    if None in curves:
        return "no scores"
    found = deltas_of(CurveSet("", tuple(c for c in curves if c)), DEFAULT, metric, None)
    deltas = found[result.codec]
    return f"{deltas.rate_text}, {deltas.score_text}"


TABLES: dict[str, Callable[[], DocTable]] = {"ablations": ablations}
