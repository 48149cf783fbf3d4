"""Scores of two videos, frame by frame in chunks: memory does not grow with their length."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice

import numpy as np
import numpy.typing as npt

from freegvc.errors import UsageError
from freegvc.metrics import METRICS, MS_SSIM_MIN_SIZE

Frame = npt.NDArray[np.uint8]
# (index, reference, distorted), for who wants to look at the frames on their way
OnPair = Callable[[int, Frame, Frame], None]

_CHUNK_FRAMES = 8
_SMALL = f"not defined below {MS_SSIM_MIN_SIZE} px"


@dataclass
class Scores:
    """Scores of each frame.

    Attributes:
        width, height: of the picture, in pixels.
        per_frame: by metric, one score for each frame; None where the picture is too small for it.
    """

    width: int
    height: int
    num_frames: int = 0
    per_frame: dict[str, list[float] | None] = field(default_factory=dict)

    @property
    def num_pixels(self) -> int:
        """Pixels of all frames."""
        return self.num_frames * self.width * self.height

    def mean(self, metric: str) -> float | None:
        """Mean over the frames."""
        values = self.per_frame[metric]
        return float(np.mean(values)) if values else None

    def worst(self, metric: str) -> float | None:
        """The lowest score of a frame."""
        values = self.per_frame[metric]
        return min(values) if values else None

    def describe(self, metric: str) -> str:
        """Mean and minimum as text."""
        mean, worst = self.mean(metric), self.worst(metric)
        if mean is None or worst is None:
            return _SMALL
        if metric == "psnr":
            return f"{mean:.2f} dB, lowest {worst:.2f} dB"
        return f"{mean:.4f}, lowest {worst:.4f}"


def score_frames(
    reference: Iterable[Frame],
    distorted: Iterable[Frame],
    on_pair: OnPair = lambda index, a, b: None,
) -> Scores:
    """Score two videos.

    Args:
        reference, distorted: frames, uint8 [H, W, 3]; both are read once.
        on_pair: called with each pair of frames.

    Raises:
        UsageError: the videos differ in frame size or in number of frames; both are named.
    """
    references, distorteds = iter(reference), iter(distorted)
    scores: Scores | None = None
    while True:
        a, b = (list(islice(frames, _CHUNK_FRAMES)) for frames in (references, distorteds))
        done = scores.num_frames if scores else 0
        if a and b and a[0].shape != b[0].shape:
            raise UsageError(
                f"the reference measures {_size(a[0])}, the other video {_size(b[0])}: compare "
                "videos of one size"
            )
        if len(a) != len(b):
            counts = [done + len(c) + _rest(f) for c, f in ((a, references), (b, distorteds))]
            raise UsageError(
                f"the reference has {counts[0]} frames, the other video {counts[1]}: compare "
                "videos of one length"
            )
        if not a:
            break
        if scores is None:
            scores = _no_scores(a[0])
        for offset, pair in enumerate(zip(a, b, strict=True)):
            on_pair(done + offset, *pair)
        _add(scores, np.stack(a), np.stack(b))
    if scores is None:
        raise UsageError("both videos have no frames: there is nothing to score")
    return scores


def _no_scores(frame: Frame) -> Scores:
    height, width, _ = frame.shape
    small = min(height, width) < MS_SSIM_MIN_SIZE
    return Scores(
        width,
        height,
        per_frame={name: None if small and name == "ms_ssim" else [] for name in METRICS},
    )


def _add(scores: Scores, a: Frame, b: Frame) -> None:
    for name, values in scores.per_frame.items():
        if values is not None:
            values.extend(METRICS[name](a, b).tolist())
    scores.num_frames += len(a)


def _rest(frames: Iterator[Frame]) -> int:
    return sum(1 for _ in frames)


def _size(frame: Frame) -> str:
    return f"{frame.shape[1]}x{frame.shape[0]}"
