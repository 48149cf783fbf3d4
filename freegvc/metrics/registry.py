"""All metrics by name, and metrics made from a user's own function."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from functools import partial
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from freegvc.errors import UsageError
from freegvc.metrics import fid
from freegvc.metrics.colorvideovdp import CVVDP_MIN_SIDE, DISPLAY, cvvdp, cvvdp_predictor
from freegvc.metrics.fidelity import MS_SSIM_MIN_SIZE, ms_ssim, psnr, psnr_y
from freegvc.metrics.frames import Frames, Scores, check_pair
from freegvc.metrics.libvmaf import VMAF_MIN_SIDE, ffmpeg_with_vmaf, vmaf
from freegvc.metrics.metric import DecibelMetric, Metric, MetricStatus, ScoreScale, Weights
from freegvc.metrics.perceptual import (
    DISTS_MIN_SIDE,
    LPIPS_NETS,
    dists,
    dists_network,
    lpips,
    lpips_network,
)
from freegvc.metrics.temporal import FLOW_MIN_SIDE, check_opencv, tlp, tof, warp_error
from freegvc.metrics.weights import ALEXNET, INCEPTION, VGG16, weights_folder

# A user's own metric: a distance of each frame, [T], or one of all of them; 0 is perfect.
Distance = Callable[[Frames, Frames], npt.ArrayLike]
MetricLike = str | Metric | Distance  # what `as_metric` takes


def _plain(score: Callable[[Frames, Frames], Scores]) -> Callable[..., Scores]:
    """Let a function of two videos take the options of networks, which it does not need."""

    def compute(reference: Frames, distorted: Frames, *, weights: Weights, device: str) -> Scores:
        return score(reference, distorted)

    return compute


def _load_lpips(weights: Weights, device: str, *, net: str) -> object:
    return lpips_network(net, weights_folder(weights), device)


def _load_dists(weights: Weights, device: str) -> object:
    return dists_network(weights_folder(weights), device)


def _load_inception(weights: Weights, device: str) -> object:
    return fid.inception(weights_folder(weights))


def _load_opencv(weights: Weights, device: str) -> None:
    check_opencv()


def _load_cvvdp(weights: Weights, device: str) -> object:
    return cvvdp_predictor(DISPLAY, device)


def _find_vmaf(weights: Weights, device: str) -> object:
    return ffmpeg_with_vmaf()


def _cvvdp(reference: Frames, distorted: Frames, *, weights: Weights, device: str) -> Scores:
    """The one score for each frame."""
    return np.full(len(reference), cvvdp(reference, distorted, device=device))


# the module, and the package that has it
_OPENCV = ("cv2", "opencv-python-headless")
_TORCHVISION = ("torchvision", "torchvision")


def _lpips(name: str, label: str, net: str) -> Metric:
    weights, min_side = LPIPS_NETS[net]
    return Metric(
        name,
        label,
        False,
        min_side,
        weights=weights,
        prepare=partial(_load_lpips, net=net),
        package=_TORCHVISION,
        compute=partial(lpips, net=net),
    )


_ALL = (
    DecibelMetric("psnr", "PSNR", True, 1, compute=_plain(psnr)),
    DecibelMetric("psnr_y", "PSNR-Y", True, 1, compute=_plain(psnr_y)),
    Metric("ms_ssim", "MS-SSIM", True, MS_SSIM_MIN_SIZE, compute=_plain(ms_ssim)),
    _lpips("lpips", "LPIPS", "alex"),
    _lpips("lpips_vgg", "LPIPS (VGG16)", "vgg"),
    _lpips("lpips_squeeze", "LPIPS (SqueezeNet)", "squeeze"),
    Metric(
        "dists",
        "DISTS",
        False,
        DISTS_MIN_SIDE,
        weights=VGG16,
        prepare=_load_dists,
        package=_TORCHVISION,
        compute=dists,
    ),
    Metric(
        "tof",
        "tOF",
        False,
        FLOW_MIN_SIDE,
        unit=" px",
        prepare=_load_opencv,
        package=_OPENCV,
        compute=_plain(tof),
        is_temporal=True,
    ),
    Metric(
        "tlp",
        "tLP",
        False,
        LPIPS_NETS["alex"][1],
        weights=ALEXNET,
        prepare=partial(_load_lpips, net="alex"),
        package=_TORCHVISION,
        compute=tlp,
        is_temporal=True,
    ),
    Metric(
        "warp_error",
        "warp error",
        False,
        FLOW_MIN_SIDE,
        decimals=6,
        prepare=_load_opencv,
        package=_OPENCV,
        compute=_plain(warp_error),
        is_temporal=True,
    ),
    Metric(
        "cvvdp",
        "ColorVideoVDP",
        True,
        CVVDP_MIN_SIDE,
        decimals=3,
        unit=" JOD",
        tolerance=0.05,
        limit=10.0,
        prepare=_load_cvvdp,
        found="package cvvdp",
        compute=_cvvdp,
        takes_video=True,
        is_single=True,
    ),
    Metric(
        "vmaf",
        "VMAF",
        True,
        VMAF_MIN_SIDE,
        decimals=2,
        tolerance=0.5,
        limit=100.0,
        prepare=_find_vmaf,
        found="an ffmpeg with libvmaf",
        compute=_plain(vmaf),
        takes_video=True,
    ),
)
METRICS: Mapping[str, Metric] = MappingProxyType({metric.name: metric for metric in _ALL})

FID = "fid"  # of a whole video: `PatchFid`
_FID_SCALE = ScoreScale(
    FID,
    "FID",
    False,
    fid.SMALL_PATCH_SIDE,
    decimals=3,
    weights=INCEPTION,
    prepare=_load_inception,
    package=("torch_fidelity", "torch-fidelity"),
)
SCORES: Mapping[str, ScoreScale] = MappingProxyType({**METRICS, FID: _FID_SCALE})
METRIC_NAMES = tuple(SCORES)


def default_metric(height: int, width: int) -> Metric:
    """MS-SSIM, or PSNR for frames too small for it: neither needs weights.

    Args:
        height, width: of the frames in pixels.
    """
    preferred = METRICS["ms_ssim"]
    return preferred if min(height, width) >= preferred.min_side else METRICS["psnr"]


def as_metric(metric: MetricLike) -> Metric:
    """A metric from its name or from a function.

    Args:
        metric: a name in `METRICS`, a `Metric`, which is returned as it is, or a function
            `f(reference, distorted)` of two videos, uint8 [T, H, W, 3] each. The function returns
            a distance: 0 is perfect, larger is worse; [T], one for each frame, or one number for
            all of them. Its `__name__` becomes the metric's name. Targets give it the frames of a
            GOP, `freegvc.metrics.score_frames` a few at a time; `Metric(..., takes_video=True)`
            makes a metric that gets all frames of a video at once.

    Raises:
        UsageError: no metric has that name, or `metric` is not callable. Calling the metric raises
            it too where the function returns something else than distances.
    """
    if isinstance(metric, str):
        if metric not in METRICS:
            raise _unknown(metric, tuple(METRICS))
        return METRICS[metric]
    if isinstance(metric, Metric):
        return metric
    if not callable(metric):
        raise UsageError(
            f"metric is {metric!r}, but must be a name ({', '.join(METRICS)}), a Metric, or a "
            "function of two arrays of frames"
        )
    name = getattr(metric, "__name__", type(metric).__name__)
    compute = _plain(partial(_distances, metric, name))
    return Metric(name, name, False, 1, limit=math.inf, compute=compute)


def check_metric(
    name: str,
    *,
    size: tuple[int, int] | None = None,
    weights: Weights = None,
    device: str = "cpu",
) -> None:
    """`ScoreScale.check` of the score with this name, which may be FID's.

    Raises:
        UsageError: no score has that name, or the frames are too small for it.
        MetricUnavailableError: weights or a package are missing.
    """
    _scale_of(name).check(size=size, weights=weights, device=device)


def metric_status(name: str, *, weights: Weights = None) -> MetricStatus:
    """`ScoreScale.status` of the score with this name, which may be FID's.

    Raises:
        UsageError: no score has that name.
    """
    return _scale_of(name).status(weights=weights)


def _scale_of(name: str) -> ScoreScale:
    if name not in SCORES:
        raise _unknown(name, METRIC_NAMES)
    return SCORES[name]


def _unknown(name: str, names: tuple[str, ...]) -> UsageError:
    close = get_close_matches(name, names, n=1)
    guess = f" (did you mean {close[0]!r}?)" if close else ""
    return UsageError(f"there is no metric {name!r}{guess}; there are {', '.join(names)}")


def _distances(function: Distance, name: str, reference: Frames, distorted: Frames) -> Scores:
    """What a user's function returns, checked: float64 [T]."""
    check_pair(reference, distorted)
    returned = function(reference, distorted)
    try:
        scores = np.asarray([] if returned is None else returned, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise UsageError(
            f"metric {name!r} returned a {type(returned).__name__}, but must return numbers: "
            f"{error}"
        ) from error
    if scores.size == 1:
        scores = np.full(len(reference), scores.item())
    if scores.shape != (len(reference),):
        raise UsageError(
            f"metric {name!r} returned an array of shape {scores.shape} for {len(reference)} "
            "frames, but must return one number, or one for each frame"
        )
    if not (scores >= 0.0).all():  # NaN included
        raise UsageError(
            f"metric {name!r} returned {scores.min():g}, but must return distances: 0 is perfect, "
            "larger is worse"
        )
    return scores
