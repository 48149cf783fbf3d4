"""What one codec made of one sequence: rate points, and the JSON file that holds them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.record import write_json

SCHEMA = 1


@dataclass(frozen=True)
class Point:
    """One file and its decode.

    Attributes:
        setting: the rate setting, as the codec names it, such as "crf 40".
        num_bytes: of the file that was decoded; all that a decoder reads.
        encode_seconds, decode_seconds: wall clock; NaN where others published the point.
        per_frame: metric name to one score for each frame; None where it is not defined (the
            first frame of a temporal metric).
        stages: seconds by stage, if the codec reports them.
        file: its name in the run's folder of files.
        per_video: metric name to the one score of all frames: FID's.
        details: what else the codec reports, such as the peak of memory.
    """

    setting: str
    num_bytes: int
    encode_seconds: float
    decode_seconds: float
    per_frame: Mapping[str, list[float | None]]
    stages: Mapping[str, float] = field(default_factory=dict)
    file: str = ""
    per_video: Mapping[str, float] = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)

    def score(self, metric: str) -> float | None:
        """Of all frames, or the mean over the frames that have one; None if none has."""
        if metric in self.per_video:
            return self.per_video[metric]
        scores = [s for s in self.per_frame.get(metric, ()) if s is not None]
        return float(np.mean(scores)) if scores else None


@dataclass(frozen=True)
class SequenceResult:
    """All rate points of one codec on one sequence, or why there are none.

    Attributes:
        dataset, sequence: names, such as "clips" and "bikes".
        codec: label of the codec, such as "x265-ra".
        settings: everything that is needed to run the codec again, as printed in reports.
        width, height, num_frames, fps: of the pictures that were scored; fps as "25/1".
        points: by rising size.
        error: what failed; "" if nothing did.
        asked: the source, frames, size and metrics that the run asked for.
        provenance: commit, versions, hardware, date: `benchmarks.record.provenance()`.
    """

    dataset: str
    sequence: str
    codec: str
    settings: Mapping[str, Any]
    width: int
    height: int
    num_frames: int
    fps: str
    points: tuple[Point, ...] = ()
    error: str = ""
    asked: Mapping[str, Any] = field(default_factory=dict)
    provenance: Mapping[str, Any] = field(default_factory=dict)

    @property
    def has_finished(self) -> bool:
        """Whether the codec did all its points."""
        return not self.error and bool(self.points)

    def bpp(self, point: Point) -> float:
        """Bits per pixel of all frames."""
        return 8 * point.num_bytes / (self.width * self.height * self.num_frames)

    def write(self, path: Path) -> None:
        """Write JSON; a killed run leaves no partial file."""
        write_json(path, {"schema": SCHEMA, **asdict(self)}, indent=None)

    @classmethod
    def read(cls, path: Path) -> SequenceResult:
        """Read what `write` wrote.

        Raises:
            ValueError: the file has another schema, or is not a result.
        """
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            schema = content.pop("schema")
            content["points"] = tuple(Point(**point) for point in content["points"])
            result = cls(**content)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"{path} is not a result ({error}): remove it") from error
        if schema != SCHEMA:
            raise ValueError(f"{path} has another schema than {SCHEMA}: measure it again")
        return result
