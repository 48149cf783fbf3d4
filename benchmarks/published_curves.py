"""Curves that others published, as results that stand beside measured ones in a report."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from benchmarks.codecs.published import RateCurve, RatePoint, read_compressai, read_dcvc
from benchmarks.datasets import Sequence as Clip
from benchmarks.points import Point, SequenceResult
from benchmarks.report.curves import Curve, has_finished
from benchmarks.strict_json import FileFormatError, read_json
from freegvc.metrics import METRICS


@dataclass(frozen=True)
class PublishedCodec:
    """What one file says of one codec.

    Attributes:
        label: its name in the report, which says that it was not measured here.
        results: of the sequences that were measured here too, from DCVC's logs.
        means: over the whole dataset, by metric, from files of CompressAI.
    """

    label: str
    results: tuple[SequenceResult, ...] = ()
    means: tuple[tuple[str, Curve], ...] = ()


def label_of(path: Path) -> str:
    """The name of a file's codec in a report."""
    return f"{path.stem} (published)"


def check_published(path: Path, dataset: str) -> None:
    """Make sure that a file can be read, before hours of encoding; arguments and errors as below.

    Whether its sequences are those that are measured, and as long, is known only after.
    """
    if _is_compressai(path):
        read_compressai(path, pixels_per_second=1.0)
    else:
        read_dcvc(path, dataset)


def read_published(
    path: Path, dataset: str, clips: Sequence[Clip], measured: Sequence[SequenceResult]
) -> PublishedCodec:
    """A file in the layout of DCVC's logs or of CompressAI's results.

    Args:
        path: of the file; its stem names the codec.
        dataset: that was run here.
        clips: its sequences.
        measured: results on them, which say over how many pixels rates are.

    Raises:
        FileFormatError: neither layout, no such dataset or none of the sequences, or sequences of
            another length.
        OSError: it cannot be read.
    """
    label = label_of(path)
    sizes = {result.sequence: result for result in measured if has_finished(result)}
    if _is_compressai(path):
        rates = {r.width * r.height * Fraction(r.fps) for r in sizes.values()}
        pixels_per_second = float(rates.pop()) if len(rates) == 1 else None
        mean = read_compressai(path, pixels_per_second=pixels_per_second)
        return PublishedCodec(label, means=_means(label, mean))
    lengths = {result.num_frames for result in sizes.values()}
    num_frames = lengths.pop() if len(lengths) == 1 else None
    curves = read_dcvc(path, dataset, num_frames=num_frames)
    results = _sequence_results(label, path, curves, clips, sizes)
    if not results:
        raise FileFormatError(
            f"{path} has none of the sequences that were measured; it has {', '.join(curves)}"
        )
    return PublishedCodec(label, results)


def _is_compressai(path: Path) -> bool:
    content = read_json(path)
    return isinstance(content, dict) and "results" in content


def _sequence_results(
    label: str,
    path: Path,
    curves: Mapping[str, RateCurve],
    clips: Sequence[Clip],
    sizes: dict[str, SequenceResult],
) -> tuple[SequenceResult, ...]:
    results = []
    for name, points in curves.items():
        clip = next((clip for clip in clips if clip.goes_by(Path(name).stem)), None)
        if clip is None or clip.name not in sizes:
            continue
        like = sizes[clip.name]
        pixels = like.width * like.height * like.num_frames
        results.append(
            SequenceResult(
                dataset=like.dataset,
                sequence=clip.name,
                codec=label,
                settings={"published in": path.name},
                width=like.width,
                height=like.height,
                num_frames=like.num_frames,
                fps=like.fps,
                points=tuple(_point(k, point, pixels) for k, point in enumerate(points)),
            )
        )
    return tuple(results)


def _point(k: int, point: RatePoint, pixels: int) -> Point:
    """Bytes are rounded from bpp; scores that are not ours, such as of YUV, are left out."""
    bpp, scores = point
    ours: dict[str, list[float | None]] = {
        metric: [score] for metric, score in scores.items() if metric in METRICS
    }
    return Point(f"rate {k}", round(bpp * pixels / 8), math.nan, math.nan, ours)


def _means(label: str, points: Sequence[RatePoint]) -> tuple[tuple[str, Curve], ...]:
    metrics = [metric for metric in METRICS if all(metric in scores for _, scores in points)]
    bpp = tuple(rate for rate, _ in points)
    return tuple(
        (metric, Curve(label, bpp, tuple(scores[metric] for _, scores in points)))
        for metric in metrics
    )
