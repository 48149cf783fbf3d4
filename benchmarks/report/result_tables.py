"""What was measured and how, as tables: rates and scores, failures, settings, provenance."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from benchmarks.points import SequenceResult
from benchmarks.report.document import Table
from freegvc.metrics import SCORES

NOT_RUN = "not run"
NOT_MEASURED = "not measured"


def metric_heading(metric: str) -> str:
    """Label, unit and which way is better, as the head of a column."""
    about = SCORES[metric]
    arrow = "↑" if about.higher_is_better else "↓"
    return f"{about.label}{about.unit} {arrow}"


def score_cell(metric: str, score: float | None) -> str:
    """A score without its unit; a dash if there is none."""
    return "-" if score is None else f"{score:.{SCORES[metric].decimals}f}"


def missing_notes(missing: Mapping[str, str]) -> list[str]:
    """Which metrics of a table were not measured, and why."""
    return [f"{SCORES[name].label}: {NOT_MEASURED} here: {why}" for name, why in missing.items()]


def rates_table(
    results: Sequence[SequenceResult], metrics: Sequence[str], missing: Sequence[str] = ()
) -> Table:
    """Every file of one sequence: its bytes, scores and seconds.

    Args:
        results: of one sequence, one of each codec.
        metrics: the columns.
        missing: metrics that could not be computed, which have a column that says so.
    """
    first = next((result for result in results if result.has_finished), results[0])
    rows = [
        (
            result.codec,
            point.setting,
            str(point.num_bytes),
            f"{result.bpp(point):.5f}",
            *(score_cell(metric, point.score(metric)) for metric in metrics),
            *(NOT_MEASURED for _ in missing),
            *map(_seconds, (point.encode_seconds, point.decode_seconds)),
        )
        for result in results
        for point in result.points
    ]
    size = f"{first.width}x{first.height}, {first.num_frames} frames, {first.fps} fps"
    header = ("codec", "setting", "bytes", "bpp", *map(metric_heading, (*metrics, *missing)))
    return Table(
        f"{first.sequence}: {size}",
        (*header, "encode s", "decode s"),
        tuple(rows),
        tuple(
            f"{result.codec}: {failure}"
            for result in results
            if (failure := failure_of(result)) is not None
        ),
    )


def _seconds(seconds: float) -> str:
    return "-" if math.isnan(seconds) else f"{seconds:.1f}"


def failure_of(result: SequenceResult) -> str | None:
    """Why a codec has not finished a sequence; None if it has."""
    if result.has_finished:
        return None
    return f"failed: {result.error}" if result.error else "has no points and no error"


def failures_table(results: Sequence[SequenceResult]) -> Table | None:
    """Every codec and sequence of which there is no result, and why; None if there are all."""
    codecs = sorted({result.codec for result in results})
    found = {(result.dataset, result.sequence, result.codec): result for result in results}
    rows = []
    for dataset, sequence in sorted({(result.dataset, result.sequence) for result in results}):
        for codec in codecs:
            result = found.get((dataset, sequence, codec))
            failure = NOT_RUN if result is None else failure_of(result)
            if failure is not None:
                rows.append((dataset, sequence, codec, failure))
    if not rows:
        return None
    header = ("dataset", "sequence", "codec", "what happened")
    return Table("Sequences without a result", header, tuple(rows))


def settings_table(results: Sequence[SequenceResult]) -> Table:
    """What is needed to run each codec again."""
    rows = []
    for codec in sorted({result.codec for result in results}):
        own = [result for result in results if result.codec == codec]
        rows += [(codec, *row) for row in _merged(own, lambda result: result.settings, _place)]
    return Table("Settings of each codec", ("codec", "setting", "value"), tuple(rows))


def provenance_table(results: Sequence[SequenceResult]) -> Table:
    """Commit, versions, hardware and date; where results differ, how many have which."""
    rows = tuple(_merged(results, lambda result: result.provenance, None))
    return Table("Where and when this was measured", ("what", "value"), rows)


def _merged(
    results: Sequence[SequenceResult],
    about: Callable[[SequenceResult], Mapping[str, Any]],
    name: Callable[[SequenceResult], str] | None,
) -> Iterator[tuple[str, str]]:
    """Key and value of all results, each once; with the results that have it if not all have."""
    holders: dict[str, dict[str, list[SequenceResult]]] = {}
    for result in results:
        for key, value in _flat(about(result)):
            holders.setdefault(key, {}).setdefault(value, []).append(result)
    for key, values in holders.items():
        for value, own in values.items():
            if len(own) == len(results):
                yield key, value
            elif name is None:
                yield key, f"{value} ({len(own)} of {len(results)} results)"
            else:
                yield key, f"{value} (on {', '.join(map(name, own))})"


def _place(result: SequenceResult) -> str:
    return f"{result.dataset}/{result.sequence}"


def _flat(nested: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, str]]:
    for key, value in nested.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{before}{key} ")
        else:
            text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            yield f"{before}{key}", text
