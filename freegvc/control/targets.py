"""What a user may ask for."""

from __future__ import annotations

import math
from dataclasses import dataclass

from freegvc.control.search import Goal
from freegvc.control.surrogate import loss_of
from freegvc.errors import UsageError

DEFAULT_BPP = 0.02
DEFAULT_MAX_PROBES = 12
FIRST_GOP = "first-gop"
_STEP_AND_RATES = ("stop_step", "target_bpp", "target_kbps", "target_bytes")
_QUALITIES = ("target_psnr", "target_ms_ssim", "target_lpips", "target_dists")
_UNBOUNDED = ("target_psnr", *_STEP_AND_RATES)


@dataclass(frozen=True, slots=True)
class StepTarget:
    """Stop each GOP at this timestep of the prior's schedule."""

    stop_step: int


@dataclass(frozen=True, slots=True)
class RateTarget:
    """Keep the whole file within a rate; exactly one of the first three is set.

    Attributes:
        bpp: bits per pixel of all frames.
        kbps: thousands of bits per second.
        num_bytes: bytes of the file.
        metric: what is kept even over the GOPs; None for MS-SSIM, or PSNR for small frames.
    """

    bpp: float | None = None
    kbps: float | None = None
    num_bytes: int | None = None
    metric: str | None = None


@dataclass(frozen=True, slots=True)
class Quality:
    """How a score is measured, and how near to the target is near enough.

    Attributes:
        metric: a name in `freegvc.metrics.METRICS`; None for MS-SSIM, or PSNR for small frames.
        pooling: how the scores of a GOP's frames become one: "mean", "p95" or "max".
        tolerance: largest difference between score and target; None for 0.1 dB of PSNR, and 0.005
            of anything else.
        max_probes: decodes that may be spent on a GOP.
        probe_frames: how many frames of a GOP a probe scores, evenly spread; None for all. What is
            near enough is scored in full before it counts.
        strict: a GOP that misses its target is an error.
    """

    metric: str | None = None
    pooling: str = "mean"
    tolerance: float | None = None
    max_probes: int = DEFAULT_MAX_PROBES
    probe_frames: int | None = None
    strict: bool = False


@dataclass(frozen=True, slots=True)
class QualityTarget:
    """Bring each GOP to this score."""

    quality: Quality
    score: float


@dataclass(frozen=True, slots=True)
class FirstGopTarget:
    """Code the first GOP to a step or a rate; its score becomes the target of all others."""

    quality: Quality
    first: StepTarget | RateTarget


Target = StepTarget | RateTarget | QualityTarget | FirstGopTarget


def make_target(
    *,
    stop_step: int | None = None,
    target_bpp: float | None = None,
    target_kbps: float | None = None,
    target_bytes: int | None = None,
    target_psnr: float | None = None,
    target_ms_ssim: float | None = None,
    target_lpips: float | None = None,
    target_dists: float | None = None,
    target: str | None = None,
    metric: str | None = None,
    pooling: str = "mean",
    tolerance: float | None = None,
    max_probes: int = DEFAULT_MAX_PROBES,
    probe_frames: int | None = None,
    strict: bool = False,
) -> Target:
    """The target that the keywords of `compress` name; `DEFAULT_BPP` bits per pixel if none.

    Raises:
        UsageError: more than one target, keywords that do not go with it, or a value outside its
            range.
    """
    given = locals()
    named = {k: given[k] for k in (*_STEP_AND_RATES, *_QUALITIES) if given[k] is not None}
    _check_values(named, target)
    quality = Quality(metric, pooling, tolerance, max_probes, probe_frames, strict)
    _check_quality(quality)
    scored = next((name for name in _QUALITIES if name in named), None)
    if scored is not None:
        if metric is not None:
            raise UsageError(f"metric={metric!r} was given with {scored}, which names its own")
        own = scored.removeprefix("target_")
        own_quality = Quality(own, pooling, tolerance, max_probes, probe_frames, strict)
        return QualityTarget(own_quality, named[scored])
    first: StepTarget | RateTarget
    if stop_step is not None:
        first = StepTarget(stop_step)
    else:
        bpp = DEFAULT_BPP if not named else target_bpp
        first = RateTarget(bpp, target_kbps, target_bytes, metric if target is None else None)
    if target is not None:
        return FirstGopTarget(quality, first)
    _refuse_unused(quality, is_step=stop_step is not None)
    return first


def _check_values(named: dict[str, float], target: str | None) -> None:
    if target not in (None, FIRST_GOP):
        raise UsageError(f"target is {target!r}, but must be {FIRST_GOP!r}")
    if target is not None and (scored := [name for name in _QUALITIES if name in named]):
        raise UsageError(
            f"target={target!r} takes its score from the first GOP, but {scored[0]} gives one: say "
            f"metric={scored[0].removeprefix('target_')!r}"
        )
    if len(named) > 1:
        raise UsageError(f"give one target, not {len(named)}: {', '.join(sorted(named))}")
    for name, value in named.items():
        high = math.inf if name in _UNBOUNDED else 1.0
        in_range = value >= 0.0 if name == "stop_step" else 0.0 < value < high
        if not in_range:
            raise UsageError(f"{name} is {value}, but must be above 0 and below {high:g}")


def _check_quality(quality: Quality) -> None:
    from freegvc.metrics import METRICS, POOLINGS

    frame_metrics = [name for name, metric in METRICS.items() if not metric.is_temporal]
    if quality.metric is not None and quality.metric not in frame_metrics:
        raise UsageError(
            f"metric is {quality.metric!r}, but must be one that scores single frames: "
            f"{', '.join(frame_metrics)}"
        )
    if quality.pooling not in POOLINGS:
        raise UsageError(
            f"pooling is {quality.pooling!r}, but must be one of {', '.join(POOLINGS)}"
        )
    if quality.tolerance is not None and not 0.0 < quality.tolerance < math.inf:
        raise UsageError(f"tolerance is {quality.tolerance}, but must be above 0")
    for name in ("max_probes", "probe_frames"):
        value = getattr(quality, name)
        if value is not None and value < 1:
            raise UsageError(f"{name} is {value}, but must be 1 or more")


def _refuse_unused(quality: Quality, *, is_step: bool) -> None:
    """Keywords about scores mean nothing where none is aimed at."""
    plain = Quality(metric=None if is_step else quality.metric)
    unused = [name for name in Quality.__slots__ if getattr(quality, name) != getattr(plain, name)]
    if unused:
        raise UsageError(
            f"{', '.join(unused)} cannot be given without a target for a score: add one, or leave "
            "it out"
        )


def default_metric(height: int, width: int) -> str:
    """What is scored unless it is said: needs no weights, and works on frames of any size."""
    from freegvc import metrics

    return metrics.default_metric(height, width).name


def goal_of(metric: str, score: float, tolerance: float | None) -> Goal:
    """The losses that a score and its tolerance stand for."""
    from freegvc.metrics import METRICS

    if tolerance is None:
        tolerance = METRICS[metric].tolerance
    ends = sorted(loss_of(metric, score + sign * tolerance) for sign in (-1, 1))
    return Goal(loss_of(metric, score), max(ends[0], 0.0), ends[1])
