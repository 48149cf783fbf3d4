"""What a user may ask for."""

from __future__ import annotations

import math
from dataclasses import dataclass

from freegvc.errors import UsageError

DEFAULT_BPP = 0.02
METRICS = ("psnr", "ms_ssim")


@dataclass(frozen=True, slots=True)
class StepTarget:
    """Stop each GOP at this timestep of the prior's schedule."""

    stop_step: int


@dataclass(frozen=True, slots=True)
class RateTarget:
    """Keep the whole file within a rate; exactly one of the two is set.

    Attributes:
        bpp: bits per pixel of all frames.
        num_bytes: bytes of the file.
    """

    bpp: float | None = None
    num_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class QualityTarget:
    """Stop each GOP at the first step whose score reaches `score`.

    Attributes:
        metric: "psnr" (dB) or "ms_ssim" (0 .. 1); larger is better.
        score: mean over the GOP's frames.
    """

    metric: str
    score: float


Target = StepTarget | RateTarget | QualityTarget


def make_target(
    *,
    stop_step: int | None = None,
    target_bpp: float | None = None,
    target_bytes: int | None = None,
    target_psnr: float | None = None,
    target_ms_ssim: float | None = None,
) -> Target:
    """The target that the keywords of `compress` name; `DEFAULT_BPP` bits per pixel if none.

    Raises:
        UsageError: more than one target, or a value outside its range.
    """
    named = {k: v for k, v in locals().items() if v is not None}
    if len(named) > 1:
        raise UsageError(f"give one target, not {len(named)}: {', '.join(sorted(named))}")
    for name, value in named.items():
        low, high = (0.0, 1.0) if name == "target_ms_ssim" else (0.0, math.inf)
        in_range = low <= value if name == "stop_step" else low < value < high
        if not in_range:
            raise UsageError(f"{name} is {value}, but must be above {low:g} and below {high:g}")
    if stop_step is not None:
        return StepTarget(stop_step)
    if target_psnr is not None:
        return QualityTarget("psnr", target_psnr)
    if target_ms_ssim is not None:
        return QualityTarget("ms_ssim", target_ms_ssim)
    if target_bytes is not None:
        return RateTarget(num_bytes=target_bytes)
    return RateTarget(bpp=DEFAULT_BPP if target_bpp is None else target_bpp)
