"""The output of `score`: a page of text, or a document for JSON."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from freegvc._cli.pages import facts, table
from freegvc._cli.paths import printable
from freegvc.metrics import FID, METRICS, SCORES, Pooled
from freegvc.metrics.fid import SMALL_PATCH_SIDE

if TYPE_CHECKING:
    from freegvc.metrics.scoring import Scores


@dataclass(frozen=True, slots=True)
class Report:
    """The results of `score`.

    Attributes:
        reference, distorted: the files.
        metrics: in the order of the command line.
        scores: of the distorted file.
        num_bytes: of the distorted file.
        audio_bytes: those of them that carry audio; None for a video, where they are unknown.
        bpp: bits per pixel of all frames.
        gops: the frames that each GOP of a stream shows; empty for a video.
    """

    reference: Path
    distorted: Path
    metrics: tuple[str, ...]
    scores: Scores
    num_bytes: int
    audio_bytes: int | None
    bpp: float
    gops: tuple[range, ...]

    @property
    def frame_metrics(self) -> tuple[str, ...]:
        """The metrics that score frames."""
        return tuple(name for name in self.metrics if name in self.scores.per_frame)


def document(report: Report, num_worst: int) -> dict[str, object]:
    """The report as JSON: pooled, for each GOP and for each frame."""
    scores = report.scores
    result: dict[str, object] = {
        "width": scores.width,
        "height": scores.height,
        "num_frames": scores.num_frames,
        "num_bytes": report.num_bytes,
        "audio_bytes": report.audio_bytes,
        "bpp": report.bpp,
    }
    for name in report.frame_metrics:
        values = scores.per_frame[name]
        per_gop = [
            {
                "gop": k,
                "first_frame": gop.start,
                "num_frames": len(gop),
                **pooled_document(name, pooled),
            }
            for k, (gop, pooled) in enumerate(
                zip(report.gops, scores.pooled_gops(name, report.gops), strict=True)
            )
        ]
        worst = scores.worst_frames(name, num_worst)
        result[name] = {
            **pooled_document(name, scores.pooled(name)),
            "worst_frames": [{"frame": k, "score": score} for k, score in worst],
            "per_gop": per_gop if report.gops and values is not None else None,
            "per_frame": values and [None if math.isnan(value) else value for value in values],
        }
    for name, score in scores.per_video.items():
        result[name] = video_document(name, score, scores.fid_patches)
    return result


def video_document(name: str, score: float | None, fid_patches: int) -> dict[str, Any]:
    """The one score of a video for JSON."""
    patches = {"num_patches": fid_patches} if name == FID else {}
    return {"value": score, **patches}


def pooled_document(name: str, pooled: Pooled | None) -> dict[str, Any]:
    """The pooled scores of a metric for JSON."""
    tail, worst = ("p5", "min") if METRICS[name].higher_is_better else ("p95", "max")
    if pooled is None:
        return {"mean": None, tail: None, worst: None}
    return {"mean": pooled.mean, tail: pooled.tail, worst: pooled.worst}


def page(report: Report, num_worst: int) -> str:
    """The report as text: facts, then a table of GOPs, then the worst frames."""
    scores = report.scores
    what = "including any audio"
    if report.audio_bytes is not None:
        aside = f"audio ({report.audio_bytes} bytes) aside"
        what = aside if report.audio_bytes else "no audio"
    rows = [
        ("reference", printable(report.reference)),
        ("distorted", printable(report.distorted)),
        ("frames", f"{scores.num_frames}, {scores.width}x{scores.height}"),
        ("bytes", str(report.num_bytes)),
        ("rate", f"{report.bpp:.5g} bpp, {what}"),
    ]
    rows += [(METRICS[name].label, _line(scores, name)) for name in report.frame_metrics]
    for name in scores.per_video:
        said = _fid(scores) if name == FID else scores.describe(name)
        rows.append((SCORES[name].label, said))
    shown = [name for name in report.frame_metrics if scores.pooled(name)]
    parts = [facts(rows)]
    if report.gops and shown:
        parts.append(_gop_table(report, shown))
    if num_worst > 0 and shown:
        parts.append(_worst_table(scores, shown, num_worst))
    return "\n\n".join(parts)


def _line(scores: Scores, name: str) -> str:
    metric, pooled = METRICS[name], scores.pooled(name)
    if pooled is None:
        return scores.describe(name)
    tail, worst = ("p5", "lowest") if metric.higher_is_better else ("p95", "highest")
    mean = metric.format(pooled.mean)
    return f"{mean}, {tail} {metric.format(pooled.tail)}, {worst} {metric.format(pooled.worst)}"


def _fid(scores: Scores) -> str:
    if scores.fid is None:
        return f"not defined below {SMALL_PATCH_SIDE} px or for a single patch"
    return f"{scores.fid:.3f}, {scores.fid_patches} patches"


def _gop_table(report: Report, shown: list[str]) -> str:
    head = ["GOP", "frames"]
    columns = [
        [f"{k}" for k in range(len(report.gops))],
        [f"{gop.start}..{gop.stop - 1}" for gop in report.gops],
    ]
    for name in shown:
        metric = METRICS[name]
        pooled = report.scores.pooled_gops(name, report.gops)
        head += [metric.label, "p5" if metric.higher_is_better else "p95"]
        columns.append([f"{p.mean:.{metric.decimals}f}" if p else "-" for p in pooled])
        columns.append([f"{p.tail:.{metric.decimals}f}" if p else "-" for p in pooled])
    return table(head, list(zip(*columns, strict=True)))


def _worst_table(scores: Scores, shown: list[str], num_worst: int) -> str:
    rows = []
    for name in shown:
        worst = scores.worst_frames(name, num_worst)
        listed = ", ".join(f"{k} ({METRICS[name].format(score)})" for k, score in worst)
        rows.append((METRICS[name].label, listed))
    return "worst frames\n" + facts([(f"  {label}", listed) for label, listed in rows])
