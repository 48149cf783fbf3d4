"""Scores of a decoded video: RGB, full range, full resolution, no resizing.

`METRICS` holds by name every score that frames or a GOP can have; `PatchFid` scores a whole video;
`SCORES` holds the scales of all of them. A metric owns its scale: direction, loss, tolerance,
smallest frame.
"""

from freegvc.metrics.colorvideovdp import cvvdp
from freegvc.metrics.fid import PatchFid
from freegvc.metrics.fidelity import MS_SSIM_MIN_SIZE, ms_ssim, psnr, psnr_y
from freegvc.metrics.libvmaf import vmaf
from freegvc.metrics.metric import Metric, MetricStatus, ScoreScale
from freegvc.metrics.perceptual import dists, lpips
from freegvc.metrics.pooling import POOLINGS, Pooled, pool, pool_gops, pool_scores, worst_frames
from freegvc.metrics.registry import (
    FID,
    METRIC_NAMES,
    METRICS,
    SCORES,
    MetricLike,
    as_metric,
    check_metric,
    default_metric,
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
    "MetricLike",
    "MetricStatus",
    "PatchFid",
    "Pooled",
    "ScoreScale",
    "as_metric",
    "check_metric",
    "cvvdp",
    "default_metric",
    "dists",
    "lpips",
    "metric_status",
    "ms_ssim",
    "pool",
    "pool_gops",
    "pool_scores",
    "psnr",
    "psnr_y",
    "tlp",
    "tof",
    "vmaf",
    "warp_error",
    "worst_frames",
]
