"""All metrics by name: which way is better, what they need, and how to compute them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from os import PathLike
from types import MappingProxyType
from typing import Protocol

from freegvc.errors import MetricUnavailableError, UsageError
from freegvc.metrics.fid import SMALL_PATCH_SIDE, inception
from freegvc.metrics.fidelity import MS_SSIM_MIN_SIZE, ms_ssim, psnr
from freegvc.metrics.frames import Frames, Scores, check_side
from freegvc.metrics.perceptual import (
    DISTS_MIN_SIDE,
    LPIPS_NETS,
    dists,
    dists_network,
    lpips,
    lpips_network,
)
from freegvc.metrics.temporal import FLOW_MIN_SIDE, check_opencv, tlp, tof, warp_error
from freegvc.metrics.weights import (
    ALEXNET,
    INCEPTION,
    VGG16,
    WeightFile,
    locate,
    missing_message,
    weights_folder,
)

Weights = str | PathLike[str] | None


class _Compute(Protocol):
    def __call__(
        self, reference: Frames, distorted: Frames, *, weights: Weights, device: str
    ) -> Scores: ...


@dataclass(frozen=True, slots=True)
class Score:
    """What is to be known of a score, of frames or of a whole video.

    Attributes:
        name: on the command line and in JSON.
        label: for people.
        higher_is_better: which way.
        min_side: the smallest side of a frame, in pixels.
        decimals, unit: how to print it.
        weights: of the network that it needs, or None.
    """

    name: str
    label: str
    higher_is_better: bool
    min_side: int
    decimals: int = 4
    unit: str = ""
    weights: WeightFile | None = None

    def format(self, score: float) -> str:
        """A score as text, with its unit."""
        return f"{score:.{self.decimals}f}{self.unit}"


@dataclass(frozen=True, slots=True)
class Metric(Score):
    """A score of frames, or of pairs of frames: `METRICS["lpips"](reference, distorted)`.

    Attributes:
        is_temporal: the scores belong to pairs of neighbours, so there is one fewer than frames.
    """

    compute: _Compute = field(kw_only=True)
    is_temporal: bool = False

    def __call__(
        self, reference: Frames, distorted: Frames, *, weights: Weights = None, device: str = "cpu"
    ) -> Scores:
        """Scores of a video.

        Args:
            reference, distorted: uint8 [T, H, W, 3], RGB, full range, as `freegvc.video` reads it.
            weights: folder of safetensors; by default FREEGVC_METRIC_WEIGHTS, then torch's cache.
            device: where networks run.

        Returns:
            float64 [T]; [T - 1] if the metric is temporal.

        Raises:
            UsageError: the shapes differ, or the frames are too small or too few.
            MetricUnavailableError: weights or a package are missing.
        """
        return self.compute(reference, distorted, weights=weights, device=device)


@dataclass(frozen=True, slots=True)
class MetricStatus:
    """Whether a metric works here.

    Attributes:
        name: of the metric.
        available: whether all that it needs is on this machine.
        detail: what was found, or what is missing and what to do about it.
    """

    name: str
    available: bool
    detail: str


def _plain(score: Callable[[Frames, Frames], Scores]) -> _Compute:
    """A metric that needs no network."""

    def compute(reference: Frames, distorted: Frames, *, weights: Weights, device: str) -> Scores:
        return score(reference, distorted)

    return compute


def _lpips(name: str, label: str, net: str) -> Metric:
    weights, min_side = LPIPS_NETS[net]
    compute = partial(lpips, net=net)
    return Metric(name, label, False, min_side, weights=weights, compute=compute)


_ALL = (
    Metric("psnr", "PSNR", True, 1, decimals=2, unit=" dB", compute=_plain(psnr)),
    Metric("ms_ssim", "MS-SSIM", True, MS_SSIM_MIN_SIZE, compute=_plain(ms_ssim)),
    _lpips("lpips", "LPIPS", "alex"),
    _lpips("lpips_vgg", "LPIPS (VGG16)", "vgg"),
    _lpips("lpips_squeeze", "LPIPS (SqueezeNet)", "squeeze"),
    Metric("dists", "DISTS", False, DISTS_MIN_SIDE, weights=VGG16, compute=dists),
    Metric("tof", "tOF", False, FLOW_MIN_SIDE, unit=" px", compute=_plain(tof), is_temporal=True),
    Metric(
        "tlp",
        "tLP",
        False,
        LPIPS_NETS["alex"][1],
        weights=ALEXNET,
        compute=tlp,
        is_temporal=True,
    ),
    Metric(
        "warp_error",
        "warp error",
        False,
        FLOW_MIN_SIDE,
        decimals=6,
        compute=_plain(warp_error),
        is_temporal=True,
    ),
)
METRICS: Mapping[str, Metric] = MappingProxyType({metric.name: metric for metric in _ALL})

FID = "fid"  # of a whole video: `PatchFid`
SCORES: Mapping[str, Score] = MappingProxyType(
    {**METRICS, FID: Score(FID, "FID", False, SMALL_PATCH_SIDE, decimals=3, weights=INCEPTION)}
)
METRIC_NAMES = tuple(SCORES)
_USE_FLOW = ("tof", "warp_error")
_LPIPS_NETS = {"lpips": "alex", "lpips_vgg": "vgg", "lpips_squeeze": "squeeze", "tlp": "alex"}


def check_metric(
    name: str,
    *,
    size: tuple[int, int] | None = None,
    weights: Weights = None,
    device: str = "cpu",
) -> None:
    """Make sure that a metric will work, before any work that relies on it begins.

    Loads what the metric needs, and so downloads weights that torchvision would download.

    Args:
        name: one of `METRIC_NAMES`.
        size: height and width of the frames, if they are known.
        weights, device: as they will be given to the metric.

    Raises:
        UsageError: no metric of that name, or the frames are too small for it.
        MetricUnavailableError: weights or a package are missing; says what to fetch, where to put
            it, and which targets work without.
    """
    if name not in METRIC_NAMES:
        raise UsageError(f"there is no metric {name!r}; there are {', '.join(METRIC_NAMES)}")
    if size is not None:
        check_side(SCORES[name].label, *size, SCORES[name].min_side)
    if name in _USE_FLOW:
        check_opencv()
    elif name == FID:
        inception(weights_folder(weights))
    elif name == "dists":
        dists_network(weights_folder(weights), device)
    elif name in _LPIPS_NETS:
        lpips_network(_LPIPS_NETS[name], weights_folder(weights), device)


def metric_status(name: str, *, weights: Weights = None) -> MetricStatus:
    """Whether a metric works here as the machine is: never downloads; for `freegvc doctor`.

    Arguments as for `check_metric`.

    Raises:
        UsageError: no metric of that name.
    """
    needed = SCORES[name].weights if name in SCORES else None
    detail = "needs no files"
    try:
        if needed is not None:
            folder = weights_folder(weights)
            place = locate(needed, folder)
            if place is None:
                reason = "would be downloaded on first use"
                return MetricStatus(name, False, missing_message(needed, folder, reason))
            detail = f"weights {place}"
        check_metric(name, weights=weights)
    except MetricUnavailableError as error:
        return MetricStatus(name, False, str(error))
    return MetricStatus(name, True, detail)
