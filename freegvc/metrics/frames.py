"""The input of every metric: two stacks of frames, their checks, and tensors made of them.

Frames are uint8 [T, H, W, 3]: RGB as `freegvc._video` reads it, full range 0 .. 255, made with the
BT.709 matrix or the one that the file states, at full resolution. No metric here resizes, crops
or converts them further, because scores depend on it; the one exception is FID, whose definition
resizes the patches.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from freegvc.errors import UsageError

if TYPE_CHECKING:
    from torch import Tensor

Frames = npt.NDArray[np.uint8]
Scores = npt.NDArray[np.float64]

# Larger batches are not faster on a CPU: their feature maps do not fit into its caches.
BATCH_PIXELS = 1 << 18


def check_pair(reference: Frames, distorted: Frames) -> None:
    """Refuse two videos of different shapes.

    Args:
        reference, distorted: uint8 [T, H, W, 3].

    Raises:
        UsageError: the shapes differ; the message names both.
    """
    if reference.shape != distorted.shape:
        raise UsageError(
            f"the videos differ in shape: {reference.shape} and {distorted.shape} "
            f"(frames, height, width, channels); compare frames of one size"
        )


def check_side(label: str, height: int, width: int, min_side: int) -> None:
    """Refuse pictures that are too small for a metric's filters.

    Args:
        label: of the metric.
        height, width: of the frames in pixels.
        min_side: smallest side in pixels that the metric takes.

    Raises:
        UsageError: a side is below `min_side` pixels.
    """
    if min(height, width) < min_side:
        raise UsageError(
            f"{label} needs frames of at least {min_side}x{min_side}, these are {width}x{height}; "
            "use PSNR"
        )


def unit_batches(
    first: Frames, second: Frames, device: str, batch_pixels: int = BATCH_PIXELS
) -> Iterator[tuple[Tensor, Tensor]]:
    """Both stacks in pieces, float32 [N, 3, H, W] in 0 .. 1 on `device`.

    Args:
        first, second: uint8 [T, H, W, 3].
        device: where the tensors are placed.
        batch_pixels: pixels of one stack in a piece, roughly; a piece has at least one frame.
    """
    import torch

    num_frames, height, width, _ = first.shape
    step = max(batch_pixels // (height * width), 1)
    for start in range(0, num_frames, step):
        yield tuple(  # type: ignore[misc]  # a pair, made of two stacks
            torch.from_numpy(np.array(stack[start : start + step]))  # a copy: may be read-only
            .to(device)
            .permute(0, 3, 1, 2)
            .to(torch.float32)
            / 255.0
            for stack in (first, second)
        )
