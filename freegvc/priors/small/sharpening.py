"""The last step of freegvc-small's decoder: unsharp masking.

What a loss with a squared error draws is softer than the source. A little contrast between
neighbouring pixels costs little of PSNR and MS-SSIM, and LPIPS gains several times as much
(docs/small-prior.md).
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

AMOUNT = 0.4  # of what the blur takes away
SIGMA_PIXELS = 0.7  # of the blur, a Gaussian
REACH_PIXELS = 2


def sharpened(frames: Tensor) -> Tensor:
    """Frames with more contrast between neighbouring pixels.

    Args:
        frames: float [N, C, H, W].

    Returns:
        The same shape and dtype; values may leave the range of the input.
    """
    offsets = torch.arange(-REACH_PIXELS, REACH_PIXELS + 1, device=frames.device)
    taps = (-offsets.square() / (2 * SIGMA_PIXELS**2)).softmax(0).to(frames.dtype)
    channels = frames.shape[1]
    blurred = F.pad(frames, (REACH_PIXELS,) * 4, "replicate")
    for shape in ((1, -1), (-1, 1)):
        kernel = taps.view(1, 1, *shape).expand(channels, 1, -1, -1)
        blurred = F.conv2d(blurred, kernel, groups=channels)
    return frames + AMOUNT * (frames - blurred)
