"""Scores of two videos, frame by frame in chunks: memory does not grow with their length."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from freegvc.errors import UsageError
from freegvc.metrics.fid import SMALL_PATCH_SIDE, PatchFid
from freegvc.metrics.metric import Metric
from freegvc.metrics.pooling import Pooled, pool_gops, pool_scores, worst_frames
from freegvc.metrics.registry import FID, SCORES, as_metric

if TYPE_CHECKING:
    from freegvc.metrics.metric import Weights
    from freegvc.metrics.registry import Distance

Frame = npt.NDArray[np.uint8]
# (index, reference, distorted), for callers that look at the frames while they are scored
OnPair = Callable[[int, Frame, Frame], None]

DEFAULT_METRICS = ("psnr", "ms_ssim")
_CHUNK_FRAMES = 8


@dataclass
class Scores:
    """Scores of each frame of a video.

    Attributes:
        width, height: of the picture in pixels.
        num_frames: of either video.
        metrics: those that score frames, by name.
        per_frame: by metric, one score for each frame, NaN where it is not defined; None where the
            picture is too small. A temporal metric compares a frame with the one before it, so the
            first frame has no score.
        fid: of the whole video; None if it was not requested or the picture is too small.
        fid_patches: patches of either video that FID compared.
    """

    width: int
    height: int
    metrics: Mapping[str, Metric]
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
        return pool_scores(values, higher_is_better=self.metrics[metric].higher_is_better)

    def pooled_gops(self, metric: str, gops: Sequence[range]) -> list[Pooled | None]:
        """The same for the frames of each GOP."""
        values = self.per_frame[metric] or [math.nan] * self.num_frames
        return pool_gops(values, gops, higher_is_better=self.metrics[metric].higher_is_better)

    def worst_frames(self, metric: str, count: int) -> list[tuple[int, float]]:
        """Index and score of the worst frames, the worst first."""
        values = self.per_frame[metric] or []
        return worst_frames(values, count, higher_is_better=self.metrics[metric].higher_is_better)

    def mean(self, metric: str) -> float | None:
        """Mean over the frames; of FID, the one score of the video."""
        if metric == FID:
            return self.fid
        pooled = self.pooled(metric)
        return pooled.mean if pooled else None

    def worst(self, metric: str) -> float | None:
        """The worst score of a frame: the lowest where larger is better, else the highest.

        FID is one score for the whole video, and so its own worst.
        """
        if metric == FID:
            return self.fid
        pooled = self.pooled(metric)
        return pooled.worst if pooled else None

    def describe(self, metric: str) -> str:
        """Mean and worst as text."""
        scale, pooled = self.metrics[metric], self.pooled(metric)
        if self.per_frame[metric] is None:
            return f"not defined below {scale.min_side} px"
        if pooled is None:
            return "not defined for these frames"
        extreme = "lowest" if scale.higher_is_better else "highest"
        return f"{scale.format(pooled.mean)}, {extreme} {scale.format(pooled.worst)}"


def score_frames(
    reference: Iterable[Frame],
    distorted: Iterable[Frame],
    on_pair: OnPair = lambda index, a, b: None,
    *,
    metrics: Sequence[str | Metric | Distance] = DEFAULT_METRICS,
    weights: Weights = None,
    device: str = "cpu",
) -> Scores:
    """Score two videos.

    Args:
        reference, distorted: frames, uint8 [H, W, 3]; both are read once.
        on_pair: called with each pair of frames.
        metrics: what `as_metric` takes, or "fid".
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


def check_metrics(
    metrics: Sequence[str | Metric | Distance], *, weights: Weights = None, device: str = "cpu"
) -> None:
    """`Metric.check` of all of them, before any video is opened; arguments as for `score_frames`.

    Raises:
        UsageError: a metric does not exist.
        MetricUnavailableError: weights or a package of a metric are missing.
    """
    for metric in metrics:
        scale = SCORES[FID] if metric == FID else as_metric(metric)
        scale.check(weights=weights, device=device)


class _Tally:
    """The scores so far, and the pair of frames with which the next temporal scores begin."""

    def __init__(
        self,
        frame: Frame,
        metrics: Sequence[str | Metric | Distance],
        weights: Weights,
        device: str,
    ) -> None:
        height, width, _ = frame.shape
        side = min(height, width)
        by_name = _by_name([as_metric(metric) for metric in metrics if metric != FID])
        self.scores = Scores(
            width,
            height,
            by_name,
            per_frame={name: None if side < m.min_side else [] for name, m in by_name.items()},
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
                values.extend(self._score(self.scores.metrics[name], a, b))
        if self._fid is not None:
            self._fid.update(a, b)
        self._before = (a[-1:], b[-1:])
        self.scores.num_frames += len(a)

    def _score(self, metric: Metric, a: Frame, b: Frame) -> list[float]:
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


def _by_name(metrics: Sequence[Metric]) -> dict[str, Metric]:
    by_name = {metric.name: metric for metric in metrics}
    for metric in metrics:
        if by_name[metric.name] is not metric:
            raise UsageError(
                f"two different metrics are called {metric.name!r}: give each function its own name"
            )
    return by_name


def _rest(frames: Iterator[Frame]) -> int:
    return sum(1 for _ in frames)


def _size(frame: Frame) -> str:
    return f"{frame.shape[1]}x{frame.shape[0]}"
