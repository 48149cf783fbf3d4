"""Pictures of a run: what each codec made of a few sequences at about one rate."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.codecs.base import Encoded
from benchmarks.datasets import Sequence as Clip
from benchmarks.points import SequenceResult
from benchmarks.report.pictures import (
    Decode,
    common_rate,
    points_near,
    save_contact_sheet,
    save_time_slices,
)
from benchmarks.study import Study

NUM_SAMPLES = 3


def sample_pictures(study: Study, results: Sequence[SequenceResult]) -> dict[str, Path]:
    """Contact sheets and x-t slices of the first sequences that codecs finished, by caption.

    The files that the run kept are decoded again; nothing is encoded.
    """
    pictures: dict[str, Path] = {}
    judged = study.codecs[0].label
    (study.out / "pictures").mkdir(parents=True, exist_ok=True)
    for clip in study.clips:
        own = [r for r in results if r.sequence == clip.name and r.has_finished]
        if judged not in {r.codec for r in own} or len(pictures) >= 2 * NUM_SAMPLES:
            continue
        try:
            pictures |= _pictures_of(study, clip, own, judged)
        except Exception as error:  # files that are gone, no score to judge by: the report stays
            print(f"no pictures of {clip.name}: {error}", file=sys.stderr, flush=True)
    return pictures


def _pictures_of(
    study: Study, clip: Clip, own: Sequence[SequenceResult], judged: str
) -> dict[str, Path]:
    frames, _ = study.load(clip)
    rate = common_rate(own)
    decodes = {}
    for codec in study.codecs:
        point = points_near(own, rate).get(codec.label)
        if point is None:
            continue
        result = next(r for r in own if r.codec == codec.label)
        path = study.files_folder(clip, codec) / point.file
        decoded = codec.decode(Encoded(point.setting, path, point.encode_seconds))
        decodes[codec.label] = Decode(decoded, result.bpp(point), point.per_frame)
    title = f"{clip.name} near {rate:.4f} bpp"
    folder = study.out / "pictures"
    sheet, slices = folder / f"{clip.name}.png", folder / f"{clip.name}_xt.png"
    save_contact_sheet(sheet, frames, decodes, judged=judged, title=title)
    save_time_slices(slices, frames, decodes, title=title)
    return {
        f"{title}: worst and median frame of {judged}": sheet,
        f"{title}: one row of pixels over time": slices,
    }
