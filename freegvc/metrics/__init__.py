"""Scores of a decoded video: RGB, full range, full resolution, no resizing.

`METRICS` holds every score of frames by name; `PatchFid` scores a whole video; `SCORES` says of
all of them which way is better and how to print them.
"""

from freegvc.metrics.fid import PatchFid
from freegvc.metrics.fidelity import MS_SSIM_MIN_SIZE, ms_ssim, psnr
from freegvc.metrics.perceptual import dists, lpips
from freegvc.metrics.pooling import POOLINGS, Pooled, pool, pool_gops, pool_scores, worst_frames
from freegvc.metrics.registry import (
    FID,
    METRIC_NAMES,
    METRICS,
    SCORES,
    Metric,
    MetricStatus,
    Score,
    check_metric,
    metric_status,
)
from freegvc.metrics.temporal import tlp, tof, warp_error
from freegvc.metrics.weights import WEIGHTS_VARIABLE

__all__ = [
    "FID",
    "METRICS",
    "METRIC_NAMES",
    "MS_SSIM_MIN_SIZE",
    "POOLINGS",
    "SCORES",
    "WEIGHTS_VARIABLE",
    "Metric",
    "MetricStatus",
    "PatchFid",
    "Pooled",
    "Score",
    "check_metric",
    "dists",
    "lpips",
    "metric_status",
    "ms_ssim",
    "pool",
    "pool_gops",
    "pool_scores",
    "psnr",
    "tlp",
    "tof",
    "warp_error",
    "worst_frames",
]
