"""Motion in the decoder of freegvc-small: every frame as its neighbours show it.

Of the four frames that a latent covers, the second and the third are drawn well, and the first and
the fourth resemble them: motion comes in steps. So the flow between the well drawn frames, the
anchors, is estimated in what was decoded, and each anchor is moved along it to where the frames
beside it are. That costs no bits. Nothing moves across a cut. Optical flow: OpenCV's DIS, preset
FAST, on 8-bit luma. Flows of frames between two anchors: Jiang et al., "Super SloMo", 2018, eq. 4.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

PERIOD = 4  # frames of a latent
ANCHORS = FIRST, SECOND = 1, 2  # of which these are anchors
GAP = PERIOD + FIRST - SECOND  # frames from the second anchor of a latent to the first of the next
MIN_SIDE = 12  # pixels; DIS takes no smaller pictures
# Shares of the contrast that the flow leaves at a cut. Between any two of fifteen clips it leaves
# 0.77 and more, within them up to 0.57, and 0.67 once beside a cut. With gain and offset fitted,
# 0.57 and more between them, and up to 0.45 where four of them fade in from black or white.
CUT, CUT_FITTED = 0.67, 0.5
GAIN = (0.5, 2.0)  # from an anchor to the next
LEAST_CONTRAST = 16.0  # grey levels; flatter pictures count as this, or their noise would be a cut
# Of the picture across a cut in a frame: up to 0.05 where it holds none of that scene. Where its
# latent mixes both, 0.03 to 0.37 and mostly above 0.1 at 0.03 bpp, less at lower rates.
STRAY = 0.06


@dataclass(frozen=True, slots=True)
class Motion:
    """What happens from each anchor to the next.

    Attributes:
        forwards: float32 [T / 2 - 1, 2, H, W], columns and rows, in pixels, from anchor k to anchor
            k + 1 at the points of k.
        backwards: the same from k + 1 to k at the points of k + 1.
        is_cut: whether there is a cut between k and k + 1; then the flows mean nothing.
    """

    forwards: Tensor
    backwards: Tensor
    is_cut: list[bool]

    def joins(self, pair: int) -> bool:
        """Whether pair k of anchors, k and k + 1, is there and has no cut between them."""
        return 0 <= pair < len(self.is_cut) and not self.is_cut[pair]


@torch.no_grad()
def motion_of(video: Tensor) -> Motion:
    """Motion between the anchors of a video.

    Args:
        video: float32 [T, 3, H, W] in [-1, 1], T a multiple of PERIOD.
    """
    clips = video.reshape(-1, PERIOD, *video.shape[1:])
    anchors = clips[:, ANCHORS].flatten(0, 1)
    weights = torch.tensor([0.299, 0.587, 0.114], device=video.device)[:, None, None]
    luma = (anchors.clamp(-1, 1).add(1) * (127.5 * weights)).sum(1, keepdim=True).round()
    pictures = luma[:, 0].byte().cpu().numpy()
    forwards = _flows(pictures[:-1], pictures[1:]).to(video.device)
    backwards = _flows(pictures[1:], pictures[:-1]).to(video.device)
    pairs = (luma[:-1], warped(luma[1:], forwards)), (luma[1:], warped(luma[:-1], backwards))
    left = torch.stack([_size(a - b) for a, b in pairs]).sum(0)
    left_fitted = torch.stack([_size(a - _fitted(b, a)) for a, b in pairs]).sum(0)
    contrast = _size(luma - luma.mean((2, 3), keepdim=True)).clamp(LEAST_CONTRAST)
    contrasts = contrast[:-1] + contrast[1:]
    is_cut = (left > CUT * contrasts) & (left_fitted > CUT_FITTED * contrasts)
    return Motion(forwards, backwards, is_cut.tolist())


def _size(luma: Tensor) -> Tensor:
    return luma.abs().mean((1, 2, 3))


def _fitted(luma: Tensor, target: Tensor) -> Tensor:
    """Pictures with gain and offset that bring them nearest to others: a fade changes these."""
    mean, goal = (each.mean((2, 3), keepdim=True) for each in (luma, target))
    around = luma - mean
    covariance = (around * (target - goal)).mean((2, 3), keepdim=True)
    gain = covariance / around.square().mean((2, 3), keepdim=True).clamp(min=1)
    return goal + gain.clamp(*GAIN) * around


def _flows(pictures: npt.NDArray[np.uint8], others: npt.NDArray[np.uint8]) -> Tensor:
    """From pictures [N, H, W] to others: float32 [N, 2, H, W]; none where they are too small."""
    import cv2

    if min(pictures.shape[1:]) < MIN_SIDE:
        return torch.zeros(len(pictures), 2, *pictures.shape[1:])
    estimator = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    pairs = zip(pictures, others, strict=True)
    flows = [estimator.calc(a, b, None) for a, b in pairs]  # type: ignore[call-overload]
    return torch.from_numpy(np.stack(flows)).permute(0, 3, 1, 2)


def warped(pictures: Tensor, flow: Tensor) -> Tensor:
    """What stands at each point's end of the flow: pictures [N, C, H, W], flow [N, 2, H, W]."""
    height, width = pictures.shape[2:]
    size = torch.tensor([width, height], dtype=torch.float32, device=flow.device)
    rows = torch.arange(height, dtype=torch.float32, device=flow.device)
    columns = torch.arange(width, dtype=torch.float32, device=flow.device)
    points = torch.stack(torch.meshgrid(columns, rows, indexing="xy"), -1)
    grid = (points + flow.permute(0, 2, 3, 1) + 0.5) * (2 / size) - 1
    return F.grid_sample(pictures, grid, mode="bicubic", padding_mode="border", align_corners=False)


def from_neighbours(video: Tensor, motion: Motion, frames: range) -> tuple[Tensor, Tensor]:
    """Frames as the anchors before and after them show them; where there is none, as they are.

    Args:
        video: float32 [T, 3, H, W].
        motion: `motion_of` it.
        frames: numbers of frames.

    Returns:
        Two of float32 [N, 3, H, W].
    """
    still = torch.zeros_like(video[0, :2])
    sources, paths = [], []
    for side in (0, 1):
        for frame in frames:
            phase = frame % PERIOD
            before = frame // PERIOD * 2 + (-1, -1, 0, 1)[phase]  # anchors
            anchor = before + side * (2 if phase in (FIRST, SECOND) else 1)
            flow = _flow(motion, phase, anchor, is_before=side == 0)
            source = frame if flow is None else anchor // 2 * PERIOD + ANCHORS[anchor % 2]
            sources.append(source)
            paths.append(still if flow is None else flow)
    moved = warped(video[sources], torch.stack(paths))
    return moved[: len(frames)], moved[len(frames) :]


def replace_strays(fused: Tensor, video: Tensor, motion: Motion) -> None:
    """Replace frames that a cut separates from their latent's anchors.

    A latent that holds one frame of another scene draws it as a mixture. It becomes that scene's
    nearest anchor, two frames away, moved as if motion went on as it was.

    Args:
        fused: float32 [T, 3, H, W], the finished frames, changed in place.
        video: the frames as they were drawn.
        motion: `motion_of` the drawn frames.
    """
    drawn = video.detach()
    for pair in range(1, len(motion.is_cut), 2):
        if not motion.is_cut[pair]:
            continue
        end = (pair + 1) // 2 * PERIOD  # of the latent before the cut
        back = motion.backwards[pair - 1] if motion.joins(pair - 1) else None
        on = motion.forwards[pair + 1] if motion.joins(pair + 1) else None
        before, after = (end - PERIOD + SECOND, back), (end + FIRST, on)
        for frame, (beside, _), across in ((end - 1, before, after), (end, after, before)):
            there = drawn[across[0]] - drawn[beside]
            share = ((drawn[frame] - drawn[beside]) * there).sum() / there.square().sum()
            if share > STRAY:
                fused[frame] = _moved(fused, *across, 2)


def _moved(video: Tensor, anchor: int, flow: Tensor | None, num_frames: int) -> Tensor:
    """An anchor so many frames on; flow of one frame, None where it is not known."""
    picture = video[anchor].clone()  # gradients need it as it is now
    return picture if flow is None else warped(picture[None], num_frames * flow[None])[0]


def _flow(motion: Motion, phase: int, anchor: int, *, is_before: bool) -> Tensor | None:
    """From a frame of this phase to an anchor beside it; None if that one does not show it."""
    to, back = motion.forwards, motion.backwards
    pair = anchor if is_before else anchor - 1  # of anchors, around the frame
    if phase in (FIRST, SECOND):
        if not motion.joins(pair):
            return None
        return back[pair] if is_before else to[pair]
    share = (1 if phase > SECOND else GAP - 1) / GAP  # of the way between them
    if motion.joins(pair):
        if is_before:
            return share * (share * back[pair] - (1 - share) * to[pair])
        return (1 - share) * ((1 - share) * to[pair] - share * back[pair])
    # at an end of the clip, or a cut, motion goes on as it was
    is_beside = is_before == (phase > SECOND)
    beyond = anchor - 1 if is_before else anchor
    if not is_beside or not motion.joins(beyond):
        return None
    return back[beyond] if is_before else to[beyond]
