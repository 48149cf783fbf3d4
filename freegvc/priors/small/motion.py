"""Motion in the decoder of freegvc-small: every frame as its neighbours show it.

Of the four frames that a latent covers, the second and the third are drawn well, and the first and
the fourth resemble them: motion comes in steps. So the flow between the well drawn frames, the
anchors, is estimated in what was decoded, and each anchor is moved along it to where the frames
beside it are. That costs no bits. Optical flow: OpenCV's DIS, preset FAST, on 8-bit luma. Flows of
frames between two anchors: Jiang et al., "Super SloMo", 2018, eq. 4.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

PERIOD = 4  # frames of a latent
ANCHORS = FIRST, SECOND = 1, 2  # of which these are anchors
GAP = PERIOD + FIRST - SECOND  # frames from the second anchor of a latent to the first of the next
MIN_SIDE = 12  # pixels; DIS takes no smaller pictures


@torch.no_grad()
def anchor_flows(video: Tensor) -> tuple[Tensor, Tensor]:
    """Flows between neighbouring anchors, forwards and backwards.

    Args:
        video: float32 [T, 3, H, W] in [-1, 1], T a multiple of PERIOD.

    Returns:
        Two of float32 [T / 2 - 1, 2, H, W]: columns and rows, in pixels, from anchor k to anchor
        k + 1 at the points of k, and from k + 1 to k at the points of k + 1.
    """
    import cv2

    clips = video.reshape(-1, PERIOD, *video.shape[1:])
    anchors = clips[:, ANCHORS].flatten(0, 1)
    height, width = anchors.shape[2:]
    if min(height, width) < MIN_SIDE:
        zeros = torch.zeros(len(anchors) - 1, 2, height, width, device=video.device)
        return zeros, zeros
    weights = torch.tensor([0.299, 0.587, 0.114], device=video.device)[:, None, None]
    luma = (anchors.clamp(-1, 1).add(1) * (127.5 * weights)).sum(1).round().byte()
    estimator = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    pictures = luma.cpu().numpy()
    there, back = (
        torch.from_numpy(
            np.stack([estimator.calc(a, b, None) for a, b in pairs])  # type: ignore[call-overload]
        )
        for pairs in (pairwise(pictures), zip(pictures[1:], pictures[:-1], strict=True))
    )
    return there.permute(0, 3, 1, 2).to(video.device), back.permute(0, 3, 1, 2).to(video.device)


def warped(pictures: Tensor, flow: Tensor) -> Tensor:
    """What stands at each point's end of the flow: pictures [N, 3, H, W], flow [N, 2, H, W]."""
    height, width = pictures.shape[2:]
    size = torch.tensor([width, height], dtype=torch.float32, device=flow.device)
    rows = torch.arange(height, dtype=torch.float32, device=flow.device)
    columns = torch.arange(width, dtype=torch.float32, device=flow.device)
    points = torch.stack(torch.meshgrid(columns, rows, indexing="xy"), -1)
    grid = (points + flow.permute(0, 2, 3, 1) + 0.5) * (2 / size) - 1
    return F.grid_sample(pictures, grid, mode="bicubic", padding_mode="border", align_corners=False)


def from_neighbours(
    video: Tensor, flows: tuple[Tensor, Tensor], frames: range
) -> tuple[Tensor, Tensor]:
    """Frames as the anchors before and after them show them; where there is none, as they are.

    Args:
        video: float32 [T, 3, H, W].
        flows: `anchor_flows` of it.
        frames: numbers of frames.

    Returns:
        Two of float32 [N, 3, H, W].
    """
    forwards, backwards = flows
    last = len(video) // 2 - 1  # anchor
    still = torch.zeros_like(video[0, :2])
    sources, paths = [], []
    for side in (0, 1):
        for frame in frames:
            phase = frame % PERIOD
            before = frame // PERIOD * 2 + (-1, -1, 0, 1)[phase]  # anchors
            anchor = before + side * (2 if phase in (FIRST, SECOND) else 1)
            if 0 <= anchor <= last:
                sources.append(anchor // 2 * PERIOD + ANCHORS[anchor % 2])
                paths.append(_flow(forwards, backwards, phase, anchor, is_before=side == 0))
            else:
                sources.append(frame)
                paths.append(still)
    moved = warped(video[sources], torch.stack(paths))
    return moved[: len(frames)], moved[len(frames) :]


def _flow(
    forwards: Tensor, backwards: Tensor, phase: int, anchor: int, *, is_before: bool
) -> Tensor:
    """From a frame of this phase to an anchor beside it."""
    if phase in (FIRST, SECOND):
        return backwards[anchor] if is_before else forwards[anchor - 1]
    pair = anchor if is_before else anchor - 1  # of anchors, around the frame
    if not 0 <= pair < len(forwards):
        # at an end of the clip, motion goes on as it was
        return backwards[anchor - 1] if is_before else forwards[anchor]
    share = (1 if phase > SECOND else GAP - 1) / GAP  # of the way between them
    to, back = forwards[pair], backwards[pair]
    if is_before:
        return share * (share * back - (1 - share) * to)
    return (1 - share) * ((1 - share) * to - share * back)
