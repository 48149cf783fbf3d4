"""Scores of motion: tOF, tLP and the warp error. Score k belongs to the frames k and k + 1.

tOF and tLP compare how the distorted video changes with how the reference changes (Chu et al.,
"Learning temporal coherence via self-supervision for GAN-based video generation", TecoGAN, 2020).
The warp error looks at the distorted video along the motion of the reference (Lai et al.,
"Learning blind video temporal consistency", 2018). Optical flow: OpenCV's DIS, preset MEDIUM, on
8-bit luma as cv2.COLOR_RGB2GRAY makes it, at full resolution and without a margin cut off.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from freegvc.errors import MetricUnavailableError, UsageError
from freegvc.metrics.frames import Frames, Scores, check_pair, check_side
from freegvc.metrics.perceptual import LPIPS_NETS, lpips

if TYPE_CHECKING:
    from os import PathLike

FLOW_MIN_SIDE = 16  # two of the 8-pixel patches that DIS matches

Flow = npt.NDArray[np.float32]


def tof(reference: Frames, distorted: Frames) -> Scores:
    """tOF: the mean distance between the flows of both videos, in pixels; larger is worse.

    At each pixel the distance is the length of the difference of the two flow vectors, and it is
    averaged over all pixels: what TecoGAN's published code computes, and the scale of its tables
    and of Free-GVC's (0.3 to 0.4 pixels at 0.05 bpp).

    Args:
        reference, distorted: uint8 [T, H, W, 3], T >= 2, sides of at least `FLOW_MIN_SIDE`.

    Returns:
        float64 [T - 1].

    Raises:
        UsageError: the shapes differ, or there are too few frames or pixels.
        MetricUnavailableError: OpenCV is not installed.
    """
    _check(reference, distorted, "tOF", FLOW_MIN_SIDE)
    flows = [_flows(_luma(frames)) for frames in (reference, distorted)]
    lengths = np.linalg.norm(flows[0] - flows[1], axis=-1)
    scores: Scores = lengths.mean(axis=(1, 2), dtype=np.float64)
    return scores


def tlp(
    reference: Frames,
    distorted: Frames,
    *,
    weights: str | PathLike[str] | None = None,
    device: str = "cpu",
) -> Scores:
    """tLP: |LPIPS(r_k, r_k+1) - LPIPS(d_k, d_k+1)| on AlexNet, in LPIPS units; larger is worse.

    The scale is that of Free-GVC's tables (0.02 at 0.05 bpp); TecoGAN prints 100 times as much.

    Arguments and errors as for `freegvc.metrics.lpips`, with T >= 2.

    Returns:
        float64 [T - 1].
    """
    _check(reference, distorted, "tLP", LPIPS_NETS["alex"][1])
    changes = [
        lpips(frames[:-1], frames[1:], weights=weights, device=device)
        for frames in (reference, distorted)
    ]
    return np.abs(changes[0] - changes[1])


def warp_error(reference: Frames, distorted: Frames) -> Scores:
    """Mean squared change of the distorted video along the reference's motion; larger is worse.

    Frame k + 1 is warped onto frame k with the flow of the reference; the squares of the
    difference, with samples in 0 .. 1, are averaged over three channels and all pixels that are
    visible in both frames. Visible is where the flows forward and backward cancel and the motion
    stays in the picture (the test of Sundaram et al. 2010 that Lai et al. use). The reference has
    an error of its own, since light changes and flows are not perfect: `warp_error(r, r)` is the
    level to compare with.

    Args:
        reference, distorted: uint8 [T, H, W, 3], T >= 2, sides of at least `FLOW_MIN_SIDE`.

    Returns:
        float64 [T - 1]; NaN where no pixel is visible in both frames, as at a cut.

    Raises:
        UsageError: the shapes differ, or there are too few frames or pixels.
        MetricUnavailableError: OpenCV is not installed.
    """
    _check(reference, distorted, "the warp error", FLOW_MIN_SIDE)
    luma = _luma(reference)
    scores = []
    for k, (here, there) in enumerate(pairwise(luma)):
        forward, backward = _flow(here, there), _flow(there, here)
        visible = _visible(forward, backward)
        difference = _warp(distorted[k + 1], forward) - distorted[k].astype(np.float32)
        squares = np.square(difference[visible] / np.float32(255.0))
        scores.append(squares.mean(dtype=np.float64) if visible.any() else np.nan)
    return np.array(scores, dtype=np.float64)


def check_opencv() -> None:
    """Refuse to compute flows without OpenCV.

    Raises:
        MetricUnavailableError: OpenCV is not installed.
    """
    try:
        import cv2  # noqa: F401  # only to see whether it is installed
    except ImportError as error:
        raise MetricUnavailableError(
            f"tOF and the warp error need OpenCV ({error}): pip install opencv-python-headless"
        ) from None


def _check(reference: Frames, distorted: Frames, label: str, min_side: int) -> None:
    check_pair(reference, distorted)
    num_frames, height, width, _ = reference.shape
    check_side(label, height, width, min_side)
    if num_frames < 2:
        raise UsageError(f"{label} needs two frames or more, there is {num_frames}; use PSNR")


def _luma(frames: Frames) -> list[Frames]:
    check_opencv()
    import cv2

    return [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in frames]


def _flows(luma: list[Frames]) -> Flow:
    """Motion from each frame to the next, float32 [T - 1, H, W, 2]: x, then y."""
    return np.stack([_flow(a, b) for a, b in pairwise(luma)])


def _flow(here: Frames, there: Frames) -> Flow:
    import cv2

    estimator = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    flow: Flow = estimator.calc(here, there, None)  # type: ignore[call-overload]
    return flow


def _warp(image: npt.NDArray[np.uint8] | Flow, flow: Flow) -> npt.NDArray[np.float32]:
    """The image sampled where the flow points, bilinearly, float32."""
    import cv2

    height, width = flow.shape[:2]
    y, x = np.mgrid[:height, :width].astype(np.float32)
    at_x, at_y = x + flow[..., 0], y + flow[..., 1]
    samples = image.astype(np.float32)
    warped = cv2.remap(samples, at_x, at_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(warped, dtype=np.float32)


def _visible(forward: Flow, backward: Flow) -> npt.NDArray[np.bool_]:
    """Pixels whose motion stays in the picture and is undone by the motion back, bool [H, W]."""
    height, width = forward.shape[:2]
    y, x = np.mgrid[:height, :width].astype(np.float32)
    at_x, at_y = x + forward[..., 0], y + forward[..., 1]
    inside = (at_x >= 0) & (at_x <= width - 1) & (at_y >= 0) & (at_y <= height - 1)
    back = _warp(backward, forward)
    miss = np.square(forward + back).sum(axis=-1)
    lengths = np.square(forward).sum(axis=-1) + np.square(back).sum(axis=-1)
    consistent: npt.NDArray[np.bool_] = inside & (miss <= 0.01 * lengths + 0.5)
    return consistent
