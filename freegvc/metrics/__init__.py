"""Scores of a decoded video: RGB, full range, full resolution, no resizing."""

from freegvc.metrics.fidelity import METRICS, MS_SSIM_MIN_SIZE, ms_ssim, psnr

__all__ = ["METRICS", "MS_SSIM_MIN_SIZE", "ms_ssim", "psnr"]
