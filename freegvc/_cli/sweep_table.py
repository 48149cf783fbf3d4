"""The output of `sweep`: a table as CSV or JSON, and a line for each point."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from freegvc._cli.pages import count
from freegvc._cli.score_page import pooled_document, video_document
from freegvc.metrics import SCORES

if TYPE_CHECKING:
    from freegvc._codec.sweep import SweepPoint


@dataclass(frozen=True, slots=True)
class Table:
    """The results of `sweep`.

    Attributes:
        input: as it was given.
        points: at least one.
        metrics: of their scores; empty where nothing was scored.
        encode_seconds: to read, encode and walk the video; None for a stream.
    """

    input: str
    points: Sequence[SweepPoint]
    metrics: Sequence[str]
    encode_seconds: float | None


def as_csv(table: Table) -> str:
    """A line for each rate; scores are means over the frames, empty where not defined."""
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(["target_bpp", "bpp", "num_bytes", *table.metrics])
    for point in table.points:
        means = [mean_score(point, name) for name in table.metrics]
        numbers = [point.target_bpp, point.bpp, *means]
        rate, bpp, *scores = ["" if n is None else f"{n:.6g}" for n in numbers]
        lines.writerow([rate, bpp, point.stream.num_bytes, *scores])
    return text.getvalue()


def as_json(table: Table) -> str:
    """The same with the spread of the scores over the frames, and where the GOPs stop."""
    header = table.points[0].stream.header
    document = {
        "input": table.input,
        "prior": header.prior,
        "width": header.width,
        "height": header.height,
        "num_frames": header.num_frames,
        "encode_seconds": table.encode_seconds,
        "points": [_entry(point, table.metrics) for point in table.points],
    }
    return f"{json.dumps(document, indent=2, allow_nan=False)}\n"


def _entry(point: SweepPoint, metrics: Sequence[str]) -> dict[str, object]:
    entry: dict[str, object] = {
        "target_bpp": point.target_bpp,
        "bpp": point.bpp,
        "num_bytes": point.stream.num_bytes,
        "stop_steps": [gop.stop_step for gop in point.stream.gops],
    }
    for name in metrics:
        if point.scores is None:
            continue
        scores = point.scores
        if name in scores.per_video:
            entry[name] = video_document(name, scores.per_video[name], scores.fid_patches)
        else:
            entry[name] = pooled_document(name, scores.pooled(name))
    return entry


def mean_score(point: SweepPoint, metric: str) -> float | None:
    """None where the frames are too small for the metric."""
    return None if point.scores is None else point.scores.mean(metric)


def line(point: SweepPoint, metrics: Sequence[str]) -> str:
    """A point, for people."""
    parts = [count(point.stream.num_bytes, "byte"), f"{point.bpp:.4g} bpp"]
    for name in metrics:
        mean = mean_score(point, name)
        parts.append(f"{SCORES[name].label} {'-' if mean is None else SCORES[name].format(mean)}")
    return f"at most {point.target_bpp:g} bpp: {', '.join(parts)}"
