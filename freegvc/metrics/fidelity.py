"""PSNR and MS-SSIM per frame."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from freegvc.errors import UsageError

Frames = npt.NDArray[np.uint8]
Scores = npt.NDArray[np.float64]

MAX_PSNR_DB = 100.0  # of two equal frames, so that means stay finite
MS_SSIM_MIN_SIZE = 176  # what torchmetrics asks for five scales of an 11-pixel window


def psnr(reference: Frames, distorted: Frames) -> Scores:
    """Peak signal to noise ratio of each frame over all three channels, in dB.

    Args:
        reference, distorted: uint8 [T, H, W, 3].

    Returns:
        float64 [T]; `MAX_PSNR_DB` for equal frames.

    Raises:
        UsageError: the shapes differ.
    """
    _check_shapes(reference, distorted)
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
    import torch
    from torchmetrics.functional.image import multiscale_structural_similarity_index_measure

    _check_shapes(reference, distorted)
    if min(reference.shape[1:3]) < MS_SSIM_MIN_SIZE:
        raise UsageError(
            f"MS-SSIM needs frames of at least {MS_SSIM_MIN_SIZE}x{MS_SSIM_MIN_SIZE}, these are "
            f"{reference.shape[2]}x{reference.shape[1]}; use PSNR"
        )
    scores = []
    for pair in zip(reference, distorted, strict=True):  # frame by frame, so that memory is bounded
        a, b = (torch.from_numpy(f).permute(2, 0, 1)[None].to(torch.float32) / 255 for f in pair)
        score = multiscale_structural_similarity_index_measure(a, b, data_range=1.0)
        scores.append(float(score))
    return np.array(scores, dtype=np.float64)


METRICS = {"psnr": psnr, "ms_ssim": ms_ssim}


def _check_shapes(reference: Frames, distorted: Frames) -> None:
    if reference.shape != distorted.shape:
        raise UsageError(
            f"the videos differ in shape: {reference.shape} and {distorted.shape} "
            f"(frames, height, width, channels); compare frames of one size"
        )
