"""What a metric is: its scale, what it needs on this machine, and how to compute it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.util import find_spec
from os import PathLike
from typing import Protocol

from freegvc.errors import MetricUnavailableError, UsageError
from freegvc.metrics.fidelity import MAX_PSNR_DB
from freegvc.metrics.frames import Frames, Scores, check_side
from freegvc.metrics.weights import WeightFile, locate, missing_message, weights_folder

# Folder of the networks' parameters; None for FREEGVC_METRIC_WEIGHTS, then torch's cache.
Weights = str | PathLike[str] | None


class _Compute(Protocol):
    def __call__(
        self, reference: Frames, distorted: Frames, *, weights: Weights, device: str
    ) -> Scores: ...


@dataclass(frozen=True, slots=True)
class MetricStatus:
    """Whether a metric works on this machine.

    Attributes:
        name: of the metric.
        available: whether everything that it needs is on this machine.
        detail: what was found, or what is missing and what to do about it.
    """

    name: str
    available: bool
    detail: str


@dataclass(frozen=True, slots=True)
class ScoreScale:
    """The scale of a score, of frames or of a whole video, and what computing it needs.

    Attributes:
        name: on the command line and in JSON.
        label: in tables and plots.
        higher_is_better: direction of the scale.
        min_side: smallest side of a frame in pixels.
        decimals, unit: how to print a score.
        tolerance: largest difference between a score and its target that still meets the target,
            unless the user states one; by default the epsilon of the paper.
        limit: a target lies above 0 and below this; where higher is better, it is the perfect score
            unless `loss` says otherwise.
        weights: parameters of the network that it runs, or None.
        prepare: loads what the score needs, or raises MetricUnavailableError; None if it needs
            only freegvc's own dependencies.
        package: a module that it needs, and the package to install for it.
        found: what its status says if nothing is missing and it has no weights.
    """

    name: str
    label: str
    higher_is_better: bool
    min_side: int
    decimals: int = 4
    unit: str = ""
    tolerance: float = 0.005
    limit: float = 1.0
    weights: WeightFile | None = None
    prepare: Callable[[Weights, str], object] | None = None
    package: tuple[str, str] | None = None
    found: str = "needs no files"

    def format(self, score: float) -> str:
        """A score as text, with its unit."""
        return f"{score:.{self.decimals}f}{self.unit}"

    def loss(self, score: float) -> float:
        """Distance of a score from a perfect one; smaller is better on every scale."""
        return self.limit - score if self.higher_is_better else score

    def score(self, loss: float) -> float:
        """The score that has this loss: the inverse of `loss`."""
        return self.limit - loss if self.higher_is_better else loss

    def check(
        self, *, size: tuple[int, int] | None = None, weights: Weights = None, device: str = "cpu"
    ) -> None:
        """Make sure that the score can be computed, before any work that relies on it begins.

        Loads what the score needs, and so downloads weights that torchvision would download.

        Args:
            size: height and width of the frames in pixels, if known.
            weights: folder of safetensors; by default FREEGVC_METRIC_WEIGHTS, then torch's cache.
            device: where networks will run.

        Raises:
            UsageError: the frames are too small, or there is no such device.
            MetricUnavailableError: weights or a package are missing; the message states what to
                fetch, where to put it, and which targets work without it.
        """
        if size is not None:
            check_side(self.label, *size, self.min_side)
        self._check_package()
        if self.prepare is not None:
            _check_device(device)
            self.prepare(weights, device)

    def status(self, *, weights: Weights = None) -> MetricStatus:
        """Whether the score can be computed on this machine as it is; never downloads.

        Args:
            weights: folder of safetensors; by default FREEGVC_METRIC_WEIGHTS, then torch's cache.
        """
        detail = self.found
        try:
            self._check_package()
            if self.weights is not None:
                folder = weights_folder(weights)
                place = locate(self.weights, folder)
                if place is None:
                    reason = "would be downloaded on first use"
                    message = missing_message(self.weights, folder, reason)
                    return MetricStatus(self.name, False, message)
                detail = f"weights {place}"
            self.check(weights=weights)
        except MetricUnavailableError as error:
            return MetricStatus(self.name, False, str(error))
        return MetricStatus(self.name, True, detail)

    def _check_package(self) -> None:
        """First of all, so that `check` and `status` say the same."""
        if self.package is not None and find_spec(self.package[0]) is None:
            name = self.package[1]
            raise MetricUnavailableError(f"{self.label} needs {name}: pip install {name}")


@dataclass(frozen=True, slots=True)
class Metric(ScoreScale):
    """A score of frames, or of pairs of frames: `METRICS["lpips"](reference, distorted)`.

    Attributes:
        compute: the function behind it; called as the metric itself.
        is_temporal: the scores belong to pairs of neighbours, so there is one fewer than frames.
        takes_video: a score depends on more than one frame or two, so all frames of a video, or of
            a GOP that a target is about, are scored at once.
        is_single: there is one score for all frames together, which is returned for each of them.
    """

    compute: _Compute = field(kw_only=True)
    is_temporal: bool = False
    takes_video: bool = False
    is_single: bool = False

    def __call__(
        self, reference: Frames, distorted: Frames, *, weights: Weights = None, device: str = "cpu"
    ) -> Scores:
        """Scores of a video.

        Args:
            reference, distorted: uint8 [T, H, W, 3], RGB, full range, as `freegvc._video` reads it.
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
class DecibelMetric(Metric):
    """A metric in decibels. Its loss is the mean squared error relative to white."""

    decimals: int = 2
    unit: str = " dB"
    tolerance: float = 0.1
    limit: float = math.inf

    def loss(self, score: float) -> float:
        """10^(-dB / 10), > 0."""
        return float(10.0 ** (-score / 10.0))

    def score(self, loss: float) -> float:
        """-10 log10(loss), at most `MAX_PSNR_DB`."""
        return -10.0 * math.log10(max(loss, 10.0 ** (-MAX_PSNR_DB / 10.0)))


def _check_device(device: str) -> None:
    import torch

    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:  # which may list all kinds of devices
        raise UsageError(
            f"networks of metrics cannot run on device {str(device)!r}: it must be cpu, cuda, or "
            "cuda:N for one of several GPUs, and be on this machine"
        ) from error
