"""PSNR, of RGB and of luma, and MS-SSIM per frame."""

from __future__ import annotations

import numpy as np

from freegvc.metrics.frames import Frames, Scores, check_pair, check_side, unit_batches

MAX_PSNR_DB = 100.0  # PSNR of two equal frames, so that means stay finite
MS_SSIM_MIN_SIZE = 176  # torchmetrics' limit for five scales of an 11-pixel window


def psnr(reference: Frames, distorted: Frames) -> Scores:
    """Peak signal to noise ratio of each frame over all three channels, in dB.

    Args:
        reference, distorted: uint8 [T, H, W, 3].

    Returns:
        float64 [T]; `MAX_PSNR_DB` for equal frames.

    Raises:
        UsageError: the shapes differ.
    """
    check_pair(reference, distorted)
    return _decibels(reference, distorted)


def psnr_y(reference: Frames, distorted: Frames) -> Scores:
    """PSNR of luma, as HM, VTM and x265 print it as Y-PSNR: 10 log10(255^2 / MSE) of each frame.

    Luma is BT.709, limited range (16 .. 235), rounded to 8 bits, with the peak at 255 all the same.
    The number of a video is the mean over its frames. FFmpeg's filter psnr prints that of the mean
    MSE as its average, which is never larger.

    Args:
        reference, distorted: uint8 [T, H, W, 3].

    Returns:
        float64 [T]; `MAX_PSNR_DB` for equal luma.

    Raises:
        UsageError: the shapes differ.
    """
    check_pair(reference, distorted)
    scores = [
        _decibels(luma(a)[None], luma(b)[None]) for a, b in zip(reference, distorted, strict=True)
    ]
    return np.concatenate([np.zeros(0), *scores])


def luma(frame: Frames) -> Frames:
    """Y of a frame: BT.709, limited range, 8 bits.

    Args:
        frame: uint8 [H, W, 3].

    Returns:
        uint8 [H, W].
    """
    from freegvc._video import BT709, rgb_to_yuv

    return rgb_to_yuv(np.asarray(frame), BT709)[0].astype(np.uint8, copy=False)


def _decibels(reference: Frames, distorted: Frames) -> Scores:
    """Of each frame, over all its samples."""
    mse = np.empty(len(reference))
    # one at a time: the differences and squares of a video take six times its memory
    for k, (a, b) in enumerate(zip(reference, distorted, strict=True)):
        # int16 differences squared in float32 and summed in float64 are exact below 2^40
        squares = np.square(a.astype(np.int16) - b, dtype=np.float32)
        mse[k] = squares.mean(dtype=np.float64)
    floor = 255.0**2 / 10.0 ** (MAX_PSNR_DB / 10.0)
    scores: Scores = 10.0 * np.log10(255.0**2 / np.maximum(mse, floor))
    return scores


def ms_ssim(reference: Frames, distorted: Frames) -> Scores:
    """Multi-scale SSIM of each frame (Wang et al. 2003) on RGB, computed by torchmetrics.

    Args:
        reference, distorted: uint8 [T, H, W, 3], both sides at least `MS_SSIM_MIN_SIZE` pixels.

    Returns:
        float64 [T].

    Raises:
        UsageError: the shapes differ, or the frames are too small for five scales.
    """
    from torchmetrics.functional.image import multiscale_structural_similarity_index_measure

    check_pair(reference, distorted)
    check_side("MS-SSIM", reference.shape[1], reference.shape[2], MS_SSIM_MIN_SIZE)
    scores = []
    # frame by frame, because torchmetrics returns only the mean of a batch
    for a, b in unit_batches(reference, distorted, "cpu", batch_pixels=1):
        score = multiscale_structural_similarity_index_measure(a, b, data_range=1.0)
        scores.append(float(score))
    return np.array(scores, dtype=np.float64)
