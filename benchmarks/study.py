"""Runs codecs over sequences: every file decoded and scored, every finished pair kept.

A run can be killed at any moment and started again. Finished pairs of codec and sequence stay as
they are, and an unfinished pair starts again. A failure is kept as a result that holds the reason.
"""

from __future__ import annotations

import math
import shutil
import sys
import time
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

from benchmarks.codecs.base import Codec, CodecUnavailableError, Encoded, Frames
from benchmarks.datasets import Sequence as Clip
from benchmarks.points import Point, SequenceResult
from benchmarks.record import provenance
from freegvc.metrics.scoring import Scores, score_frames

REFERENCE = "reference"  # beside the codecs, where features are kept


@dataclass(frozen=True)
class Study:
    """What is run, over which frames, and where it is kept.

    Attributes:
        dataset: its name.
        clips: the sequences.
        codecs: all of different labels.
        num_frames: how many frames of each sequence, from its start.
        max_size: height and width to which larger frames are scaled and cut; None never scales.
        metrics: of `freegvc.metrics.SCORES`.
        out: folder.
        device: where the metrics' networks run.
        missing: metrics that belong to the table and cannot be computed here, and why.
    """

    dataset: str
    clips: Sequence[Clip]
    codecs: Sequence[Codec]
    num_frames: int
    max_size: tuple[int, int] | None
    metrics: Sequence[str]
    out: Path
    device: str = "cpu"
    missing: Mapping[str, str] = field(default_factory=dict)

    def result_path(self, clip: Clip, codec: Codec) -> Path:
        """Where a result is kept."""
        return self.out / "results" / clip.name / f"{codec.label}.json"

    def files_folder(self, clip: Clip, codec: Codec) -> Path:
        """Where the files of a codec are kept."""
        return self.out / "files" / clip.name / codec.label

    def asked(self, clip: Clip) -> dict[str, Any]:
        """What a result must have been measured with to be kept, beside its codec's settings."""
        return {
            "source": clip.source,
            "num_frames": self.num_frames,
            "max_size": self.max_size and list(self.max_size),
            "metrics": list(self.metrics),
        }

    def load(self, clip: Clip) -> tuple[Frames, Fraction]:
        """Frames of a clip, uint8 [T, H, W, 3], and their rate.

        Raises:
            Exception: the file cannot be read, for any reason.
        """
        clip.check()
        return clip.load(self.num_frames, max_size=self.max_size)

    def kept(self, clip: Clip, codec: Codec) -> SequenceResult | None:
        """A finished result of the same settings, frames and metrics.

        If the source is missing, a result of any source is taken: reports need no videos.

        Raises:
            ValueError: the file of the result is damaged; names it.
        """
        path = self.result_path(clip, codec)
        if not path.exists():
            return None
        result, asked = SequenceResult.read(path), self.asked(clip)
        if asked["source"] is None:
            asked["source"] = result.asked.get("source")
        is_same = result.settings == dict(codec.settings) and result.asked == asked
        return result if is_same and not result.error else None


def fid_path(out: Path, sequence: str, codec: str, file: str) -> Path:
    """Where statistics of a file's features are kept, or of the reference's with `REFERENCE`."""
    return out / "results" / sequence / "fid" / codec / f"{file}.npz"


def run(study: Study) -> list[SequenceResult]:
    """Run what is not finished yet; all results, sequence by sequence."""
    unavailable: dict[str, Exception] = {}
    for codec in study.codecs:
        try:
            codec.check()
        except CodecUnavailableError as error:
            unavailable[codec.label] = error
    results = []
    for clip in study.clips:
        loaded: tuple[Frames, Fraction] | None = None
        for codec in study.codecs:
            result = study.kept(clip, codec)
            if result is None and codec.label in unavailable:
                result = _failed(study, clip, codec, unavailable[codec.label])
                _say(result)
            elif result is None:
                try:
                    loaded = loaded or study.load(clip)
                    result = measure(study, clip, codec, *loaded)
                except Exception as error:  # any failure of a codec becomes its result
                    traceback.print_exc(file=sys.stderr)
                    result = _failed(study, clip, codec, error)
                result.write(study.result_path(clip, codec))
                _say(result)
            results.append(result)
    return results


def measure(
    study: Study, clip: Clip, codec: Codec, frames: Frames, fps: Fraction
) -> SequenceResult:
    """Encode, decode and score one sequence with one codec."""
    folder = study.files_folder(clip, codec)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    points = []
    for encoded in codec.encode(frames, fps, folder):
        began = time.perf_counter()
        decoded = codec.decode(encoded)
        seconds = time.perf_counter() - began
        point, scores = _point(encoded, decoded, seconds, frames, study)
        if scores.patch_fid is not None:
            # before the result is written, so that a result that is kept has them
            reference, distorted = scores.patch_fid.statistics()
            reference.save(fid_path(study.out, clip.name, REFERENCE, REFERENCE))
            distorted.save(fid_path(study.out, clip.name, codec.label, point.file))
        points.append(point)
    _, height, width, _ = frames.shape
    size = {"width": width, "height": height, "num_frames": len(frames), "fps": str(fps)}
    points.sort(key=lambda point: point.num_bytes)
    return _result(study, clip, codec, **size, points=tuple(points))


def _point(
    encoded: Encoded, decoded: Frames, seconds: float, frames: Frames, study: Study
) -> tuple[Point, Scores]:
    if decoded.shape != frames.shape:
        raise ValueError(
            f"{encoded.path.name} ({encoded.setting}) decodes to {decoded.shape}, but "
            f"{frames.shape} was encoded"
        )
    scores = score_frames(frames, decoded, metrics=study.metrics, device=study.device)
    point = Point(
        setting=encoded.setting,
        num_bytes=encoded.path.stat().st_size,
        encode_seconds=round(encoded.encode_seconds, 3),
        decode_seconds=round(seconds, 3),
        per_frame={
            name: [_number(score) for score in values]
            for name, values in scores.per_frame.items()
            if values is not None
        },
        per_video={
            name: float(f"{score:.6g}")
            for name, score in scores.per_video.items()
            if score is not None
        },
        stages={name: round(value, 3) for name, value in encoded.stages.items()},
        file=encoded.path.name,
        details=encoded.details,
    )
    return point, scores


def _number(score: float) -> float | None:
    """Rounded to six digits, more than any metric needs; None for NaN, which JSON lacks."""
    return None if math.isnan(score) else float(f"{score:.6g}")


def _failed(study: Study, clip: Clip, codec: Codec, error: Exception) -> SequenceResult:
    size = {"width": clip.width, "height": clip.height, "num_frames": study.num_frames}
    said = f"{type(error).__name__}: {error}"
    return _result(study, clip, codec, **size, fps=str(clip.fps or 0), error=said)


def _result(study: Study, clip: Clip, codec: Codec, **fields: Any) -> SequenceResult:
    settings: Mapping[str, Any] = codec.settings
    return SequenceResult(
        dataset=study.dataset,
        sequence=clip.name,
        codec=codec.label,
        settings=settings,
        asked=study.asked(clip),
        provenance=provenance(),
        **fields,
    )


def _say(result: SequenceResult) -> None:
    rates = ", ".join(f"{result.bpp(point):.4f}" for point in result.points)
    said = result.error or f"{rates} bpp"
    print(f"{result.sequence} {result.codec}: {said}", file=sys.stderr, flush=True)
