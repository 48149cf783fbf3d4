"""Patch FID of a whole video: one number, not one for each frame.

The protocol is the one of learned image compression (Mentzer et al., "High-fidelity generative
image compression", 2020, as NeuralCompression's and GLC's code does it): each frame is cut into
patches of f x f pixels from its top left corner, and once more from (f / 2, f / 2), where both
sides measure at least 3 f / 2; pixels that do not fill a patch are left out. f is 256, or 64
where a side is below 256 pixels. All patches of all frames of the reference are one set, those of
the distorted video the other. torchmetrics resizes the patches to 299x299 for the Inception
network of 2015 and computes the distance in float64.

With fewer patches than its 2048 features FID is biased upwards: compare only equal clips.
"""

from __future__ import annotations

import io
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from freegvc.errors import MetricUnavailableError, UsageError
from freegvc.metrics.fid_statistics import FeatureStatistics
from freegvc.metrics.frames import Frames, check_pair, check_side
from freegvc.metrics.weights import INCEPTION, load_weights, weights_folder

if TYPE_CHECKING:
    from os import PathLike

    from torch import nn

PATCH_SIDE, SMALL_PATCH_SIDE = 256, 64
_BATCH = 16  # patches through the network at a time


class PatchFid:
    """Collects the patches of two videos and computes the distance between them.

    Args:
        height, width: of the frames; both at least `SMALL_PATCH_SIDE`.
        weights: folder of safetensors; by default FREEGVC_METRIC_WEIGHTS, then torch's cache.
        device: where the network runs.
        network: features instead of Inception's: uint8 [N, 3, f, f] to float32 [N, D].

    Raises:
        UsageError: the frames are too small.
        MetricUnavailableError: torch-fidelity or the weights of the network are missing.
    """

    def __init__(
        self,
        height: int,
        width: int,
        *,
        weights: str | PathLike[str] | None = None,
        device: str = "cpu",
        network: nn.Module | None = None,
    ) -> None:
        from torchmetrics.image.fid import FrechetInceptionDistance

        check_side("FID", height, width, SMALL_PATCH_SIDE)
        self.patch_side = PATCH_SIDE if min(height, width) >= PATCH_SIDE else SMALL_PATCH_SIDE
        self.num_patches = 0
        features = inception(weights_folder(weights)) if network is None else network
        example = (3, self.patch_side, self.patch_side)
        self._fid = FrechetInceptionDistance(feature=features, input_img_size=example).to(device)
        self._device = device

    def update(self, reference: Frames, distorted: Frames) -> None:
        """Add frames.

        Args:
            reference, distorted: uint8 [T, H, W, 3].

        Raises:
            UsageError: the shapes differ.
        """
        import torch

        check_pair(reference, distorted)
        sets = [cut_patches(frames, self.patch_side) for frames in (reference, distorted)]
        self.num_patches += len(sets[0])
        with torch.inference_mode():
            for patches, is_real in zip(sets, (True, False), strict=True):
                for start in range(0, len(patches), _BATCH):
                    batch = torch.from_numpy(patches[start : start + _BATCH]).to(self._device)
                    self._fid.update(batch.permute(0, 3, 1, 2), real=is_real)

    def compute(self) -> float:
        """The Frechet distance between the two sets; larger is worse.

        Raises:
            UsageError: fewer than two patches.
        """
        if self.num_patches < 2:
            raise UsageError(
                f"FID needs two patches or more, there is {self.num_patches}: score more frames"
            )
        return max(float(self._fid.compute()), 0.0)  # rounding can make it negative for equal sets

    def statistics(self) -> tuple[FeatureStatistics, FeatureStatistics]:
        """Of the reference's patches and of the other video's, to pool with those of others."""
        return self._statistics("real"), self._statistics("fake")

    def _statistics(self, kind: str) -> FeatureStatistics:
        total, products = (
            getattr(self._fid, f"{kind}_features_{name}").double().cpu().numpy()
            for name in ("sum", "cov_sum")
        )
        count = max(self.num_patches, 1)
        scatter = products - np.outer(total, total) / count
        return FeatureStatistics(self.num_patches, self.patch_side, total / count, scatter)


def cut_patches(frames: Frames, side: int) -> Frames:
    """Cut frames into patches, in the order that the module states.

    Args:
        frames: uint8 [T, H, W, 3], H and W at least `side`.
        side: of a patch in pixels.

    Returns:
        uint8 [N, side, side, 3].
    """
    height, width = frames.shape[1:3]
    shifts = [0] if 2 * min(height, width) < 3 * side else [0, side // 2]
    patches = [
        frames[:, y : y + side, x : x + side]
        for shift in shifts
        for y in range(shift, height - side + 1, side)
        for x in range(shift, width - side + 1, side)
    ]
    return np.concatenate(patches)


@lru_cache(maxsize=1)
def inception(folder: Path | None) -> nn.Module:
    """The Inception network of 2015 as torch-fidelity converted it, by its pooled features; cached.

    Args:
        folder: as `weights_folder` returns it.

    Raises:
        MetricUnavailableError: torch-fidelity or the weights are missing.
    """
    import torch
    from torchmetrics.image.fid import NoTrainInceptionV3

    if find_spec("torch_fidelity") is None:
        raise MetricUnavailableError("FID needs torch-fidelity: pip install torch-fidelity")
    stored = io.BytesIO()  # the network reads no format but torch's own
    torch.save(load_weights(INCEPTION, folder), stored)
    stored.seek(0)
    try:
        network: nn.Module = NoTrainInceptionV3(
            "inception-v3-compat",
            ["2048"],
            feature_extractor_weights_path=stored,  # type: ignore[arg-type]  # torch.load takes it
        )
    except RuntimeError as error:
        raise MetricUnavailableError(
            f"the weights of {INCEPTION.net} do not fit ({error}): fetch {INCEPTION.url}"
        ) from error
    return network
