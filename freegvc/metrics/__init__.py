"""Scores of a decoded video against its reference: RGB, full range, full resolution, no resizing."""

from freegvc.metrics.fidelity import MS_SSIM_MIN_SIZE, METRICS, ms_ssim, psnr

__all__ = ["METRICS", "MS_SSIM_MIN_SIZE", "ms_ssim", "psnr"]
