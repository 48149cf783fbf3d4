"""What latents can be tuned for before they are coded: the loss that a prior descends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from freegvc.errors import UsageError
from freegvc.metrics import METRICS

if TYPE_CHECKING:
    from torch import Tensor

    from freegvc.priors import Prior
    from freegvc.priors.base import Distance

TUNINGS = ("lpips", "psnr")  # names of metrics
LPIPS_FLOOR, SQUARED_FLOOR = 0.02, 1e-5  # below, nothing is to be gained


def check_tuning(tune: str, prior: Prior, height: int, width: int) -> None:
    """Make sure that latents of a video can be tuned, before its first GOP.

    Raises:
        UsageError: an unknown word, a prior that cannot, or frames that the metric does not take.
        MetricUnavailableError: weights of the metric are missing.
    """
    if tune not in TUNINGS:
        raise UsageError(f"tune is {tune!r}; choose one of {', '.join(TUNINGS)}, or leave it out")
    if not prior.is_tunable:
        raise UsageError(
            f"tune is {tune!r}, but prior {prior.name!r} cannot tune latents: leave out tune, or "
            "choose freegvc-small"
        )
    METRICS[tune].check(size=(height, width))


def distance_for(tune: str, device: str) -> Distance:
    """The distance of frames and their copies that stands for a metric."""
    return _squared_error if tune == "psnr" else _lpips(device)


def _squared_error(video: Tensor, decoded: Tensor, turn: int) -> Tensor:
    del turn
    return (video - decoded).square().mean()


def _lpips(device: str) -> Distance:
    """The geometric mean of LPIPS, of every second frame in turn, and the squared error of all.

    With LPIPS alone, what other metrics say gets worse.
    """
    from freegvc.metrics.perceptual import lpips_network
    from freegvc.metrics.weights import weights_folder

    network = lpips_network("alex", weights_folder(None), device)

    def distance(video: Tensor, decoded: Tensor, turn: int) -> Tensor:
        pictures = (each[turn % 2 :: 2].clamp(-1, 1) for each in (video, decoded))
        perceived: Tensor = network(*pictures).mean() + LPIPS_FLOOR
        squared = _squared_error(video, decoded, turn) + SQUARED_FLOOR
        return (perceived * squared).sqrt()

    return distance
