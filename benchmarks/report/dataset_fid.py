"""FID of a whole dataset: the patches of all its sequences as one set, at each rate point.

FID is biased upwards with few patches, so that of a dataset is lower than the mean of those of its
sequences, and it is the one that papers print.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np

from benchmarks.points import Point, SequenceResult
from benchmarks.report.curves import Curve, CurveSet, average_curves
from benchmarks.study import REFERENCE, fid_path
from freegvc.metrics import FID
from freegvc.metrics.fid_statistics import FeatureStatistics, frechet_distance, pooled


@dataclass(frozen=True)
class DatasetFid:
    """FID of the pooled patches of each dataset.

    Attributes:
        curves: of each dataset that has one.
        notes: what is missing, and why.
    """

    curves: tuple[CurveSet, ...] = ()
    notes: tuple[str, ...] = ()


def dataset_fid(results: Sequence[SequenceResult], out: Path) -> DatasetFid:
    """Pool the features that a study has kept.

    The sequences and codecs are those of the averages, and rates are the mean bpp, as there.

    Args:
        results: of any datasets, with FID.
        out: the folder of the study.

    Raises:
        ValueError: a file of features is damaged; names it.
    """
    sets, notes = [], []
    ordered = sorted(results, key=lambda result: result.dataset)
    for dataset, found in groupby(ordered, key=lambda result: result.dataset):
        own = list(found)
        average = average_curves(own, FID)
        if len(average.sequences) < 2:
            continue  # that of the dataset is that of its one sequence
        try:
            curves = [_curve(own, c.codec, average.sequences, out) for c in average.mean.curves]
        except FileNotFoundError as error:
            notes.append(f"No FID of all patches of {dataset}: {error.filename} was not kept.")
            continue
        except _TwoSizesError as error:
            notes.append(f"No FID of all patches of {dataset}: {error}.")
            continue
        title = f"{dataset}, all patches of {len(average.sequences)} sequences"
        sets.append(CurveSet(title, tuple(curves)))
    return DatasetFid(tuple(sets), tuple(notes))


class _TwoSizesError(Exception):
    """Sequences whose patches differ in size."""


def _curve(
    results: Sequence[SequenceResult], codec: str, sequences: Sequence[str], out: Path
) -> Curve:
    """Of one codec over the sequences, whose points correspond, counted from the smallest file."""
    of_codec: Mapping[str, SequenceResult] = {r.sequence: r for r in results if r.codec == codec}
    points = [_ordered(of_codec[name]) for name in sequences]
    kept = [fid_path(out, name, REFERENCE, REFERENCE) for name in sequences]
    references = [FeatureStatistics.load(path) for path in kept]
    sides = sorted({one.patch_side for one in references})
    if len(sides) > 1:
        raise _TwoSizesError(f"patches of {' and '.join(map(str, sides))} pixels")
    reference = pooled(references)
    bpp, scores = [], []
    for same in zip(*points, strict=True):
        pairs = list(zip(sequences, same, strict=True))
        sets = [FeatureStatistics.load(fid_path(out, s, codec, p.file)) for s, p in pairs]
        bpp.append(float(np.mean([of_codec[name].bpp(point) for name, point in pairs])))
        scores.append(frechet_distance(reference, pooled(sets)))
    return Curve(codec, tuple(bpp), tuple(scores))


def _ordered(result: SequenceResult) -> list[Point]:
    scored = [point for point in result.points if point.score(FID) is not None]
    return sorted(scored, key=lambda point: point.num_bytes)
