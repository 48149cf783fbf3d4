"""Runs codecs over sequences: every file decoded and scored, every finished pair kept.

A run can be killed at any moment and started again: what is finished stays as it is, the pair of
codec and sequence that was at work begins anew. What fails is kept as a result that says why.
"""

from __future__ import annotations

import math
import shutil
import sys
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from benchmarks.codecs.base import Codec, CodecUnavailableError, Encoded, Frames
from benchmarks.datasets import Sequence as Clip
from benchmarks.points import Point, SequenceResult
from benchmarks.record import is_answer, provenance
from freegvc.metrics import FID
from freegvc.metrics.scoring import score_frames

METRICS = ("lpips", "ms_ssim", "psnr", "tof", "tlp")


@dataclass(frozen=True)
class Job:
    """What is run, over which frames, and where it is kept.

    Attributes:
        dataset: its name.
        clips: the sequences.
        codecs: all of different labels.
        num_frames: the first so many of each sequence.
        max_size: height and width to which larger frames are scaled and cut; None for never.
        metrics: of `freegvc.metrics.SCORES`.
        device: where the metrics' networks run.
        out: folder.
    """

    dataset: str
    clips: Sequence[Clip]
    codecs: Sequence[Codec]
    num_frames: int
    max_size: tuple[int, int] | None
    metrics: Sequence[str]
    out: Path
    device: str = "cpu"

    def result_path(self, clip: Clip, codec: Codec) -> Path:
        """Where a result is kept."""
        return self.out / "results" / clip.name / f"{codec.label}.json"

    def asked(self, clip: Clip) -> dict[str, Any]:
        """What a result must have been measured with to be kept, beside its codec's settings."""
        return {
            "source": clip.source,
            "num_frames": self.num_frames,
            "max_size": self.max_size and list(self.max_size),
            "metrics": list(self.metrics),
        }

    def files_folder(self, clip: Clip, codec: Codec) -> Path:
        """Where the files of a codec are kept."""
        return self.out / "files" / clip.name / codec.label


def run(job: Job) -> list[SequenceResult]:
    """Run what is not finished yet; all results, sequence by sequence."""
    unavailable = _unavailable(job.codecs)
    results = []
    for clip in job.clips:
        loaded: tuple[Frames, Fraction] | None = None
        for codec in job.codecs:
            kept = _kept(job, clip, codec)
            if kept is None and codec.label in unavailable:
                kept = _failed(job, clip, codec, unavailable[codec.label])
                _say(kept)
            elif kept is None:
                try:
                    loaded = loaded or load(job, clip)
                    kept = measure(job, clip, codec, *loaded)
                except Exception as error:  # whatever a codec dies of is its result
                    traceback.print_exc(file=sys.stderr)
                    kept = _failed(job, clip, codec, error)
                kept.write(job.result_path(clip, codec))
                _say(kept)
            results.append(kept)
    return results


def load(job: Job, clip: Clip) -> tuple[Frames, Fraction]:
    """Frames of a clip as the job wants them, uint8 [T, H, W, 3], and their rate.

    Raises:
        Exception: whatever is wrong with the file.
    """
    clip.check()
    return clip.load(job.num_frames, max_size=job.max_size)


def measure(job: Job, clip: Clip, codec: Codec, frames: Frames, fps: Fraction) -> SequenceResult:
    """Encode, decode and score one sequence with one codec."""
    folder = job.files_folder(clip, codec)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    points = []
    for encoded in codec.encode(frames, fps, folder):
        began = time.perf_counter()
        decoded = codec.decode(encoded)
        seconds = time.perf_counter() - began
        points.append(_point(encoded, decoded, seconds, frames, job))
    _, height, width, _ = frames.shape
    return SequenceResult(
        dataset=job.dataset,
        sequence=clip.name,
        codec=codec.label,
        settings=codec.settings,
        width=width,
        height=height,
        num_frames=len(frames),
        fps=str(fps),
        points=tuple(sorted(points, key=lambda point: point.num_bytes)),
        asked=job.asked(clip),
        provenance=provenance(),
    )


def _point(encoded: Encoded, decoded: Frames, seconds: float, frames: Frames, job: Job) -> Point:
    if decoded.shape != frames.shape:
        raise ValueError(
            f"{encoded.path.name} ({encoded.setting}) decodes to {decoded.shape}, but "
            f"{frames.shape} was encoded"
        )
    scores = score_frames(frames, decoded, metrics=job.metrics, device=job.device)
    return Point(
        setting=encoded.setting,
        num_bytes=encoded.path.stat().st_size,
        encode_seconds=round(encoded.encode_seconds, 3),
        decode_seconds=round(seconds, 3),
        per_frame={
            name: [_number(score) for score in values]
            for name, values in scores.per_frame.items()
            if values is not None
        },
        per_video={} if scores.fid is None else {FID: scores.fid},
        stages={name: round(value, 3) for name, value in encoded.stages.items()},
        file=encoded.path.name,
    )


def _number(score: float) -> float | None:
    """Six digits are more than any metric has; NaN is what JSON does not know."""
    return None if math.isnan(score) else float(f"{score:.6g}")


def _kept(job: Job, clip: Clip, codec: Codec) -> SequenceResult | None:
    """A finished result of the same settings, frames and metrics."""
    path = job.result_path(clip, codec)
    if not path.exists():
        return None
    kept = SequenceResult.read(path)
    is_same = kept.settings == dict(codec.settings) and is_answer(kept.asked, job.asked(clip))
    return kept if is_same and not kept.error else None


def _failed(job: Job, clip: Clip, codec: Codec, error: Exception) -> SequenceResult:
    return SequenceResult(
        dataset=job.dataset,
        sequence=clip.name,
        codec=codec.label,
        settings=codec.settings,
        width=clip.width,
        height=clip.height,
        num_frames=job.num_frames,
        fps=str(clip.fps or 0),
        error=f"{type(error).__name__}: {error}",
        asked=job.asked(clip),
        provenance=provenance(),
    )


def _unavailable(codecs: Sequence[Codec]) -> dict[str, CodecUnavailableError]:
    """Codecs that do not run here, by label, and why."""
    found = {}
    for codec in codecs:
        try:
            codec.check()
        except CodecUnavailableError as error:
            found[codec.label] = error
    return found


def _say(result: SequenceResult) -> None:
    if result.error:
        print(f"{result.sequence} {result.codec}: {result.error}", file=sys.stderr, flush=True)
        return
    rates = ", ".join(f"{result.bpp(point):.4f}" for point in result.points)
    print(f"{result.sequence} {result.codec}: {rates} bpp", file=sys.stderr, flush=True)
