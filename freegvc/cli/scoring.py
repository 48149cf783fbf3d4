"""Scores of two videos, frame by frame in chunks: memory does not grow with their length."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from freegvc.errors import UsageError
from freegvc.metrics import FID, METRICS, PatchFid, Pooled, pool_gops, pool_scores, worst_frames
from freegvc.metrics.fid import SMALL_PATCH_SIDE

if TYPE_CHECKING:
    from os import PathLike

Frame = npt.NDArray[np.uint8]
# (index, reference, distorted), for who wants to look at the frames on their way
OnPair = Callable[[int, Frame, Frame], None]

DEFAULT_METRICS = ("psnr", "ms_ssim")
_CHUNK_FRAMES = 8


@dataclass
class Scores:
    """Scores of each frame.

    Attributes:
        width, height: of the picture, in pixels.
        num_frames: of either video.
        per_frame: by metric, one score for each frame, NaN where it is not defined; None where the
            picture is too small. A temporal metric compares a frame with the one before it, so the
            first frame has no score.
        fid: of the whole video; None if it was not asked for or the picture is too small.
        fid_patches: patches of either video that FID saw.
    """

    width: int
    height: int
    num_frames: int = 0
    per_frame: dict[str, list[float] | None] = field(default_factory=dict)
    fid: float | None = None
    fid_patches: int = 0

    @property
    def num_pixels(self) -> int:
        """Pixels of all frames."""
        return self.num_frames * self.width * self.height

    def pooled(self, metric: str) -> Pooled | None:
        """Mean, tail and worst over all frames; None if no frame has a score."""
        values = self.per_frame[metric] or []
        return pool_scores(values, higher_is_better=METRICS[metric].higher_is_better)

    def pooled_gops(self, metric: str, gops: Sequence[range]) -> list[Pooled | None]:
        """The same for the frames of each GOP."""
        values = self.per_frame[metric] or [math.nan] * self.num_frames
        return pool_gops(values, gops, higher_is_better=METRICS[metric].higher_is_better)

    def worst_frames(self, metric: str, count: int) -> list[tuple[int, float]]:
        """Index and score of the worst frames, the worst first."""
        values = self.per_frame[metric] or []
        return worst_frames(values, count, higher_is_better=METRICS[metric].higher_is_better)

    def mean(self, metric: str) -> float | None:
        """Mean over the frames; of FID, the one score of the video."""
        if metric == FID:
            return self.fid
        pooled = self.pooled(metric)
        return pooled.mean if pooled else None

    def worst(self, metric: str) -> float | None:
        """The worst score of a frame: the lowest where larger is better, else the highest."""
        pooled = self.pooled(metric)
        return pooled.worst if pooled else None

    def describe(self, metric: str) -> str:
        """Mean and worst as text."""
        what, pooled = METRICS[metric], self.pooled(metric)
        if self.per_frame[metric] is None:
            return f"not defined below {what.min_side} px"
        if pooled is None:
            return "not defined for these frames"
        extreme = "lowest" if what.higher_is_better else "highest"
        return f"{what.format(pooled.mean)}, {extreme} {what.format(pooled.worst)}"


def score_frames(
    reference: Iterable[Frame],
    distorted: Iterable[Frame],
    on_pair: OnPair = lambda index, a, b: None,
    *,
    metrics: Sequence[str] = DEFAULT_METRICS,
    weights: str | PathLike[str] | None = None,
    device: str = "cpu",
) -> Scores:
    """Score two videos.

    Args:
        reference, distorted: frames, uint8 [H, W, 3]; both are read once.
        on_pair: called with each pair of frames.
        metrics: of `freegvc.metrics.METRIC_NAMES`.
        weights: folder of the metrics' safetensors; by default as `freegvc.metrics` says.
        device: where the metrics' networks run.

    Raises:
        UsageError: the videos differ in frame size or in number of frames; both are named.
        MetricUnavailableError: weights or a package of a metric are missing.
    """
    references, distorteds = iter(reference), iter(distorted)
    tally: _Tally | None = None
    while True:
        a, b = (list(islice(frames, _CHUNK_FRAMES)) for frames in (references, distorteds))
        done = tally.scores.num_frames if tally else 0
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
        if tally is None:
            tally = _Tally(a[0], metrics, weights, device)
        for offset, pair in enumerate(zip(a, b, strict=True)):
            on_pair(done + offset, *pair)
        tally.add(np.stack(a), np.stack(b))
    if tally is None:
        raise UsageError("both videos have no frames: there is nothing to score")
    return tally.finish()


class _Tally:
    """The scores so far, and the pair of frames that the next temporal scores begin with."""

    def __init__(
        self,
        frame: Frame,
        metrics: Sequence[str],
        weights: str | PathLike[str] | None,
        device: str,
    ) -> None:
        height, width, _ = frame.shape
        side = min(height, width)
        frame_metrics = [name for name in metrics if name != FID]
        self.scores = Scores(
            width,
            height,
            per_frame={
                name: None if side < METRICS[name].min_side else [] for name in frame_metrics
            },
        )
        self._weights, self._device = weights, device
        self._before: tuple[Frame, Frame] | None = None
        self._fid: PatchFid | None = None
        if FID in metrics and side >= SMALL_PATCH_SIDE:
            self._fid = PatchFid(height, width, weights=weights, device=device)

    def add(self, a: Frame, b: Frame) -> None:
        """Score a chunk, uint8 [T, H, W, 3] twice."""
        for name, values in self.scores.per_frame.items():
            if values is not None:
                values.extend(self._score(name, a, b))
        if self._fid is not None:
            self._fid.update(a, b)
        self._before = (a[-1:], b[-1:])
        self.scores.num_frames += len(a)

    def _score(self, name: str, a: Frame, b: Frame) -> list[float]:
        metric = METRICS[name]
        first: list[float] = []
        if metric.is_temporal:
            if self._before is None:
                first = [math.nan]
                if len(a) == 1:
                    return first
            else:
                a, b = (np.concatenate(c) for c in zip(self._before, (a, b), strict=True))
        scores: list[float] = metric(a, b, weights=self._weights, device=self._device).tolist()
        return first + scores

    def finish(self) -> Scores:
        """All scores."""
        if self._fid is not None and self._fid.num_patches >= 2:
            self.scores.fid = self._fid.compute()
            self.scores.fid_patches = self._fid.num_patches
        return self.scores


def _rest(frames: Iterator[Frame]) -> int:
    return sum(1 for _ in frames)


def _size(frame: Frame) -> str:
    return f"{frame.shape[1]}x{frame.shape[0]}"
