"""Scores of a decoded video: RGB, full range, full resolution, no resizing.

`METRICS` holds every score of frames by name; `PatchFid` scores a whole video.
"""

from freegvc.metrics.fid import PatchFid
from freegvc.metrics.fidelity import MS_SSIM_MIN_SIZE, ms_ssim, psnr
from freegvc.metrics.perceptual import dists, lpips
from freegvc.metrics.pooling import POOLINGS, Pooled, pool, pool_gops, pool_scores, worst_frames
from freegvc.metrics.registry import (
    FID,
    METRIC_NAMES,
    METRICS,
    Metric,
    MetricStatus,
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
    "WEIGHTS_VARIABLE",
    "Metric",
    "MetricStatus",
    "PatchFid",
    "Pooled",
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
