"""What a user may ask for: targets as values, and the keywords of `compress` that mean them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from os import PathLike
from typing import Any, ClassVar, TypedDict

from freegvc._control.search import Goal
from freegvc._numbers import real_number, whole_number
from freegvc.errors import UsageError
from freegvc.metrics import POOLINGS, Metric, MetricLike, as_metric, default_metric


class TargetKeywords(TypedDict, total=False):
    """The targets that `compress` takes as keywords; at most one of them.

    Args:
        stop_step: `StopStep`.
        target_bpp, target_kbps, target_bytes: `Rate`.
        target_psnr, target_ms_ssim, target_lpips, target_dists: `Score` of that metric.
    """

    stop_step: int
    target_bpp: float
    target_kbps: float
    target_bytes: int
    target_psnr: float
    target_ms_ssim: float
    target_lpips: float
    target_dists: float


def _check_range(name: str, value: float, high: float) -> None:
    if not 0.0 < value < high:
        limit = "finite" if math.isinf(high) else f"below {high:g}"
        raise UsageError(f"{name} is {value}, but must be above 0 and {limit}")


def _frame_metric(metric: MetricLike) -> Metric:
    """A metric that scores single frames, as all targets need it."""
    found = as_metric(metric)
    if found.is_temporal:
        raise UsageError(
            f"metric {found.name!r} scores pairs of frames; a target needs one that scores single "
            "frames, such as lpips or ms_ssim"
        )
    return found


def _check_probe_frames(metric: Metric, probe_frames: int | None) -> None:
    """Refuse to score a few frames of a GOP with a metric that sees how they move."""
    if metric.takes_video and probe_frames is not None:
        raise UsageError(
            f"probe_frames is {probe_frames}, but metric {metric.name!r} scores moving pictures: "
            "leave probe_frames out, so that all frames are scored"
        )


@dataclass(frozen=True, slots=True)
class StopStep:
    """Stop every GOP at one timestep.

    Args:
        timestep: of the prior's schedule; larger is noisier, 0 is the clean end.

    Raises:
        UsageError: it is negative, or no integer.
    """

    timestep: int
    needs_num_frames: ClassVar[bool] = False
    pooling: ClassVar[str] = "mean"
    tolerance: ClassVar[None] = None
    weights: ClassVar[None] = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "timestep", whole_number("stop_step", self.timestep))
        if self.timestep < 0:
            raise UsageError(f"stop_step is {self.timestep}, but must be 0 or more")

    def metric_for(self, height: int, width: int) -> Metric:
        """The metric that a report shows for frames of this size."""
        return default_metric(height, width)

    def wanted_score(self, first: float | None) -> float | None:
        """None: no score is wanted."""

    def check(self, height: int, width: int) -> None:
        """A step needs nothing that could be missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """Keep the whole file within a rate, audio aside; its GOPs stop at one noise level.

    Args:
        bpp: bits per pixel of all frames, header and all.
        kbps: thousands of bits per second, from the start of the first frame to the end of the
            last.
        num_bytes: bytes of the file. At most one of these three; without one, the prior's own rate,
            which is raised for a video too small for it.
        even: the metric whose scores are kept even over the GOPs: a name in
            `freegvc.metrics.METRICS`, a `Metric`, or a distance between two arrays of frames. Two
            states of each GOP are then decoded and scored, and walks go further: 1.5 to 2 times the
            model calls. By default GOPs share a noise level, for which nothing is decoded.
        weights: folder of that metric's safetensors; by default as `freegvc.metrics` says.

    Raises:
        UsageError: more than one rate, or a value outside its range.
    """

    bpp: float | None = None
    kbps: float | None = None
    num_bytes: int | None = None
    even: MetricLike | None = None
    weights: str | PathLike[str] | None = None
    pooling: ClassVar[str] = "mean"
    tolerance: ClassVar[None] = None

    def __post_init__(self) -> None:
        rates = {"bpp": self.bpp, "kbps": self.kbps, "num_bytes": self.num_bytes}
        given = {name: value for name, value in rates.items() if value is not None}
        if len(given) > 1:
            raise UsageError(f"give one rate, not {len(given)}: {', '.join(given)}")
        for name, value in given.items():
            number = (whole_number if name == "num_bytes" else real_number)(name, value)
            _check_range(name, number, math.inf)
            object.__setattr__(self, name, number)
        if self.even is not None and _frame_metric(self.even).takes_video:
            raise UsageError(
                f"even is {as_metric(self.even).name!r}, which scores moving pictures, but a few "
                "frames of each GOP are scored: take one of single frames, such as lpips or ms_ssim"
            )

    @property
    def is_default(self) -> bool:
        """Whether it is the prior's own rate."""
        return self.bpp is None and self.kbps is None and self.num_bytes is None

    @property
    def needs_num_frames(self) -> bool:
        """Whether the length of the video has to be known before the first GOP is coded."""
        return self.num_bytes is not None or self.kbps is not None

    def metric_for(self, height: int, width: int) -> Metric:
        """The metric that is kept even, or else one that a report shows for frames of this size."""
        return default_metric(height, width) if self.even is None else as_metric(self.even)

    def wanted_score(self, first: float | None) -> float | None:
        """None: no score is wanted."""

    def check(self, height: int, width: int) -> None:
        """Make sure, before any work, that `even` works here; errors as `Metric.check`."""
        if self.even is not None:
            as_metric(self.even).check(size=(height, width), weights=self.weights)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scoring:
    """How the score of a GOP is measured, and how near to the target is near enough."""

    pooling: str = "mean"
    tolerance: float | None = None
    max_probes: int | None = None
    probe_frames: int | None = None
    strict: bool = False
    weights: str | PathLike[str] | None = None
    needs_num_frames: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if self.pooling not in POOLINGS:
            raise UsageError(
                f"pooling is {self.pooling!r}, but must be one of {', '.join(POOLINGS)}"
            )
        if self.tolerance is not None:
            object.__setattr__(self, "tolerance", real_number("tolerance", self.tolerance))
            _check_range("tolerance", self.tolerance, math.inf)
        for name in ("max_probes", "probe_frames"):
            if getattr(self, name) is not None:
                value = whole_number(name, getattr(self, name))
                if value < 1:
                    raise UsageError(f"{name} is {value}, but must be 1 or more")
                object.__setattr__(self, name, value)


@dataclass(frozen=True, slots=True)
class Score(Scoring):
    """Bring every GOP to one score, from either side, or warn that it was missed.

    Scores are of the frames that a GOP shows in the decoded video.

    Args:
        metric: a metric of single frames: a name in `freegvc.metrics.METRICS`, a `Metric`, or a
            distance between two arrays of frames, uint8 [T, H, W, 3]. With "cvvdp" and "vmaf",
            which see how frames move, the frames that a GOP shows are a video of their own.
        score: what to reach, in the metric's own unit.
        pooling: "mean", "p95" or "max" of the frames' scores in a GOP; the latter two are on the
            bad side of the metric.
        tolerance: largest difference between a GOP's score and its target; by default the
            metric's: 0.1 dB for PSNR, 0.05 JOD for ColorVideoVDP, 0.5 for VMAF, 0.005 for all
            others.
        max_probes: how many states of a GOP may be decoded and scored to find its stop step; by
            default as many as the effort allows.
        probe_frames: how many frames of a GOP a probe scores, evenly spread; by default all. A
            score that is near enough is measured on all frames before it counts.
        strict: raise TargetError where TargetWarning would be given.
        weights: folder of the metric's safetensors; by default as `freegvc.metrics` says.

    Raises:
        UsageError: no metric of that name, or a value outside its range.
    """

    metric: MetricLike
    score: float

    def __post_init__(self) -> None:
        Scoring.__post_init__(self)
        metric = _frame_metric(self.metric)
        _check_probe_frames(metric, self.probe_frames)
        name = f"the target of {metric.name}"
        object.__setattr__(self, "score", real_number(name, self.score))
        _check_range(name, self.score, metric.limit)

    def metric_for(self, height: int, width: int) -> Metric:
        """The metric, which does not depend on the size of the frames."""
        del height, width
        return as_metric(self.metric)

    def wanted_score(self, first: float | None) -> float | None:
        """The score of every GOP."""
        del first
        return self.score

    def check(self, height: int, width: int) -> None:
        """Make sure, before any work, that the metric works here; errors as `Metric.check`."""
        as_metric(self.metric).check(size=(height, width), weights=self.weights)


@dataclass(frozen=True, slots=True)
class LikeFirstGop(Scoring):
    """Code the first GOP to a step or a rate; its score becomes the target of all others.

    Args:
        first: of the first GOP.
        metric: as for `Score`; by default MS-SSIM, or PSNR for small frames.
        pooling, tolerance, max_probes, probe_frames, strict, weights: as for `Score`.
    """

    first: StopStep | Rate = Rate()
    metric: MetricLike | None = None

    def __post_init__(self) -> None:
        Scoring.__post_init__(self)
        if self.metric is not None:
            _check_probe_frames(_frame_metric(self.metric), self.probe_frames)
        if isinstance(self.first, Rate) and (self.first.even, self.first.weights) != (None, None):
            raise UsageError(
                "the rate of the first GOP has even or weights, which say nothing about one GOP: "
                "give metric and weights to LikeFirstGop"
            )

    @property
    def needs_num_frames(self) -> bool:  # type: ignore[override]  # the others always know
        """Whether the length of the video has to be known before the first GOP is coded."""
        return self.first.needs_num_frames

    def metric_for(self, height: int, width: int) -> Metric:
        """The metric that is scored for frames of this size."""
        return default_metric(height, width) if self.metric is None else as_metric(self.metric)

    def wanted_score(self, first: float | None) -> float | None:
        """The score of every GOP, given that of the first."""
        return first

    def check(self, height: int, width: int) -> None:
        """Make sure, before any work, that the metric works here; errors as `Metric.check`."""
        self.metric_for(height, width).check(size=(height, width), weights=self.weights)


Target = StopStep | Rate | Score | LikeFirstGop

_KEYWORDS: Mapping[str, Callable[[Any], StopStep | Rate | Score]] = {
    "stop_step": StopStep,
    "target_bpp": lambda value: Rate(bpp=value),
    "target_kbps": lambda value: Rate(kbps=value),
    "target_bytes": lambda value: Rate(num_bytes=value),
    "target_psnr": lambda value: Score("psnr", value),
    "target_ms_ssim": lambda value: Score("ms_ssim", value),
    "target_lpips": lambda value: Score("lpips", value),
    "target_dists": lambda value: Score("dists", value),
}


def target_of(keywords: Mapping[str, Any]) -> StopStep | Rate | Score:
    """The target that a keyword of `compress` names; without one, the prior's own rate.

    Args:
        keywords: of `TargetKeywords`, by name; None counts as not given.

    Raises:
        UsageError: more than one target, or a value outside its range.
    """
    given = {name: value for name, value in keywords.items() if value is not None}
    if len(given) > 1:
        raise UsageError(f"give one target, not {len(given)}: {', '.join(sorted(given))}")
    for name, value in given.items():
        return _KEYWORDS[name](value)
    return Rate()


def goal_of(metric: Metric, score: float, tolerance: float | None) -> Goal:
    """The losses that a score and its tolerance stand for."""
    tolerance = metric.tolerance if tolerance is None else tolerance
    ends = sorted(metric.loss(score + sign * tolerance) for sign in (-1, 1))
    return Goal(metric.loss(score), max(ends[0], 0.0), ends[1])
