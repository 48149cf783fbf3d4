"""Rate-distortion curves of results: of each sequence, and averaged over sequences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.points import SequenceResult
from freegvc.metrics import SCORES

HOW_AVERAGED = (
    "Averages: mean bpp and mean score over the sequences at the same point, counted from the "
    "smallest file, and only over sequences that all codecs finished. Codecs that finished none "
    "are left out of that condition."
)


@dataclass(frozen=True)
class Curve:
    """Points of one codec.

    Attributes:
        codec: its label.
        bpp: bits per pixel, rising.
        scores: at these rates.
    """

    codec: str
    bpp: tuple[float, ...]
    scores: tuple[float, ...]


@dataclass(frozen=True)
class CurveSet:
    """Curves that belong together: on one sequence, or averages over one dataset.

    Attributes:
        title: where they were measured.
        curves: one of each codec, by label.
    """

    title: str
    curves: tuple[Curve, ...]


@dataclass(frozen=True)
class Average:
    """Curves averaged over the sequences of a dataset.

    Attributes:
        dataset: its name.
        mean: of the codecs that could be averaged; none if there is no such sequence.
        sequences: those averaged over.
        left_out: sequence or codec, and why it is not in the average.
    """

    dataset: str
    mean: CurveSet
    sequences: tuple[str, ...]
    left_out: Mapping[str, str]


def metrics_of(results: Sequence[SequenceResult]) -> list[str]:
    """Metrics that have a curve, in the order of `freegvc.metrics.SCORES`.

    Raises:
        ValueError: a metric that freegvc does not know, so which way is better is unknown.
    """
    points = [point for result in results if result.has_finished for point in result.points]
    names = {name for point in points for name in (*point.per_frame, *point.per_video)}
    found = {name for name in names if any(point.score(name) is not None for point in points)}
    if unknown := found - set(SCORES):
        raise ValueError(f"not metrics of freegvc: {', '.join(sorted(unknown))}")
    return [name for name in SCORES if name in found]


def curve_of(result: SequenceResult, metric: str) -> Curve | None:
    """The curve of one codec on one sequence.

    Returns:
        None if the codec failed there, or if no point has a score of this metric.
    """
    if not result.has_finished:
        return None
    scored = [(result.bpp(point), point.score(metric)) for point in result.points]
    pairs = sorted((bpp, score) for bpp, score in scored if score is not None)
    if not pairs:
        return None
    return Curve(result.codec, tuple(bpp for bpp, _ in pairs), tuple(score for _, score in pairs))


def curves_by_sequence(results: Sequence[SequenceResult], metric: str) -> list[CurveSet]:
    """The curves of each sequence that has any, by dataset and sequence."""
    sets: dict[tuple[str, str], list[Curve]] = {}
    for result in sorted(results, key=lambda r: (r.dataset, r.sequence, r.codec)):
        curve = curve_of(result, metric)
        if curve is not None:
            sets.setdefault((result.dataset, result.sequence), []).append(curve)
    return [CurveSet("/".join(place), tuple(curves)) for place, curves in sets.items()]


def average_curves(results: Sequence[SequenceResult], metric: str) -> Average:
    """Average the curves of each codec over the sequences: see `HOW_AVERAGED`.

    Args:
        results: of one dataset.
        metric: name of it.

    Raises:
        ValueError: results of two datasets.
    """
    (dataset,) = {result.dataset for result in results}
    found: dict[str, dict[str, Curve]] = {}  # by codec and sequence
    for result in results:
        curve = curve_of(result, metric)
        if curve is not None:
            found.setdefault(result.codec, {})[result.sequence] = curve
    absent = sorted({result.codec for result in results} - set(found))
    left_out = dict.fromkeys(absent, "finished no sequence")
    shared = []
    sides = {r.sequence: min(r.width, r.height) for r in results if r.has_finished}
    about = SCORES[metric]
    for sequence in sorted({result.sequence for result in results}):
        missing = [codec for codec in sorted(found) if sequence not in found[codec]]
        if sides.get(sequence, about.min_side) < about.min_side:
            left_out[sequence] = f"whose frames are too small for {about.label}"
        elif missing:
            by = "any codec" if len(missing) == len(found) else ", ".join(missing)
            left_out[sequence] = f"not finished by {by}"
        elif found:
            shared.append(sequence)
    curves = []
    for codec in sorted(found) if shared else ():
        parts = [found[codec][sequence] for sequence in shared]
        counts = sorted({len(part.bpp) for part in parts})
        if len(counts) > 1:
            left_out[codec] = f"has {' or '.join(map(str, counts))} points, by sequence"
            continue
        bpp = np.mean([part.bpp for part in parts], axis=0)
        scores = np.mean([part.scores for part in parts], axis=0)
        curves.append(Curve(codec, tuple(map(float, bpp)), tuple(map(float, scores))))
    title = (
        f"{dataset}/{shared[0]}"
        if len(shared) == 1
        else f"{dataset}, mean of {len(shared)} sequences"
    )
    return Average(dataset, CurveSet(title, tuple(curves)), tuple(shared), left_out)
