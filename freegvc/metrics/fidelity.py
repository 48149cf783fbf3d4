"""PSNR and MS-SSIM per frame."""

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
    # int16 differences squared in float32 and summed in float64 are exact for any frame below 2^40
    difference = reference.astype(np.int16) - distorted
    squares = np.square(difference, dtype=np.float32)
    mse = squares.reshape(len(reference), -1).mean(axis=1, dtype=np.float64)
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
