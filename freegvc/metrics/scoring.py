"""Scores of two videos, frame by frame in chunks: memory does not grow with their length.

Frames of metrics that take a whole video wait for its end in temporary files.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from freegvc.errors import UsageError
from freegvc.metrics.fid import SMALL_PATCH_SIDE, PatchFid
from freegvc.metrics.frames import Frames
from freegvc.metrics.metric import Metric
from freegvc.metrics.pooling import Pooled, pool_gops, pool_scores, worst_frames
from freegvc.metrics.registry import FID, SCORES, as_metric
from freegvc.metrics.whole_video import StoredPair

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
        metrics: all but FID, by name.
        per_frame: by metric that scores frames, one score for each frame, NaN where it is not
            defined; None where the picture is too small. A temporal metric compares a frame with
            the one before it, so the first frame has no score.
        per_video: by metric that has one score for all frames, as ColorVideoVDP and FID have, that
            score; None where the picture is too small.
        fid_patches: patches of either video that FID compared.
        patch_fid: what FID was computed with, for the statistics of its patches; None without FID.
    """

    width: int
    height: int
    metrics: Mapping[str, Metric]
    num_frames: int = 0
    per_frame: dict[str, list[float] | None] = field(default_factory=dict)
    per_video: dict[str, float | None] = field(default_factory=dict)
    fid_patches: int = 0
    patch_fid: PatchFid | None = field(default=None, repr=False, compare=False)

    @property
    def fid(self) -> float | None:
        """Of the whole video; None if it was not requested or the picture is too small."""
        return self.per_video.get(FID)

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
        """Mean over the frames; of FID and the like, the one score of the video."""
        if metric in self.per_video:
            return self.per_video[metric]
        pooled = self.pooled(metric)
        return pooled.mean if pooled else None

    def worst(self, metric: str) -> float | None:
        """The worst score of a frame: the lowest where larger is better, else the highest.

        One score for the whole video, as FID, is its own worst.
        """
        if metric in self.per_video:
            return self.per_video[metric]
        pooled = self.pooled(metric)
        return pooled.worst if pooled else None

    def describe(self, metric: str) -> str:
        """Mean and worst as text, or the one score of the video."""
        scale = SCORES[FID] if metric == FID else self.metrics[metric]
        too_small = f"not defined below {scale.min_side} px"
        if metric in self.per_video:
            score = self.per_video[metric]
            return too_small if score is None else scale.format(score)
        pooled = self.pooled(metric)
        if self.per_frame[metric] is None:
            return too_small
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
    with ExitStack() as opened:
        tally: _Tally | None = None
        for a, b in _chunks(iter(reference), iter(distorted)):
            if tally is None:
                tally = opened.enter_context(closing(_Tally(a[0], metrics, weights, device)))
            done = tally.scores.num_frames
            for offset, pair in enumerate(zip(a, b, strict=True)):
                on_pair(done + offset, *pair)
            tally.add(np.stack(a), np.stack(b))
        if tally is None:
            raise UsageError("both videos have no frames: there is nothing to score")
        return tally.finish()


def _chunks(
    references: Iterator[Frame], distorteds: Iterator[Frame]
) -> Iterator[tuple[list[Frame], list[Frame]]]:
    """Some frames of both videos at a time.

    Raises:
        UsageError: the videos differ in frame size or in number of frames.
    """
    done = 0
    while True:
        a, b = (list(islice(frames, _CHUNK_FRAMES)) for frames in (references, distorteds))
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
            return
        done += len(a)
        yield a, b


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
            per_frame={
                name: None if side < m.min_side else []
                for name, m in by_name.items()
                if not m.is_single
            },
            per_video={name: None for name, m in by_name.items() if m.is_single},
        )
        self._at_once = [m for m in by_name.values() if m.takes_video and side >= m.min_side]
        self._stored = StoredPair(height, width) if self._at_once else None
        self._weights, self._device = weights, device
        self._before: tuple[Frame, Frame] | None = None
        self._fid: PatchFid | None = None
        if FID in metrics:
            self.scores.per_video[FID] = None
        if FID in metrics and side >= SMALL_PATCH_SIDE:
            self._fid = PatchFid(height, width, weights=weights, device=device)

    def add(self, a: Frame, b: Frame) -> None:
        """Score a chunk, uint8 [T, H, W, 3] twice."""
        for name, values in self.scores.per_frame.items():
            if values is not None and not self.scores.metrics[name].takes_video:
                values.extend(self._score(self.scores.metrics[name], a, b))
        if self._fid is not None:
            self._fid.update(a, b)
        if self._stored is not None:
            self._stored.add(a, b)
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
            self.scores.per_video[FID] = self._fid.compute()
            self.scores.fid_patches = self._fid.num_patches
            self.scores.patch_fid = self._fid
        if self._stored is not None:
            self._score_video(*self._stored.videos())
        return self.scores

    def close(self) -> None:
        """Delete what is on disk."""
        if self._stored is not None:
            self._stored.close()

    def _score_video(self, a: Frames, b: Frames) -> None:
        """All frames at once, uint8 [T, H, W, 3] twice."""
        for metric in self._at_once:
            scores = metric(a, b, weights=self._weights, device=self._device)
            if metric.is_single:
                self.scores.per_video[metric.name] = float(scores[0])
            else:
                self.scores.per_frame[metric.name] = scores.tolist()


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
