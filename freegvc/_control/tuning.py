"""What latents can be tuned for before they are coded: the distance that a prior descends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from freegvc.errors import UsageError
from freegvc.metrics import METRICS

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch
    from torch import Tensor

    from freegvc.metrics.metric import Weights
    from freegvc.priors import Prior
    from freegvc.priors.base import Distance

# Exponents of LPIPS, of 1 - MS-SSIM and of the squared error in a distance. With one of them alone
# the others get worse.
TUNINGS = {"balanced": (0.3, 0.3, 0.4), "fidelity": (0.0, 0.5, 0.5)}
FLOORS = (0.02, 0.002, 1e-5)  # of each of the three; below, nothing is to be gained

SSIM_WINDOW = 8  # pixels, without weights: with gradients, torchmetrics takes 40 times as long
SSIM_EXPONENTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)  # of the scales, finest first
SSIM_CONSTANTS = (0.01**2, 0.03**2)
LUMA = (0.299, 0.587, 0.114)


@dataclass(frozen=True, slots=True)
class Tuning:
    """What latents are tuned for.

    Attributes:
        name: a word of `TUNINGS`.
        weights: folder of LPIPS's safetensors; by default as `freegvc.metrics` says.
    """

    name: str
    weights: Weights = None

    def check(self, prior: Prior, height: int, width: int) -> None:
        """Make sure that latents of a video can be tuned, before its first GOP.

        Raises:
            UsageError: a prior that cannot, or frames too small for LPIPS.
            MetricUnavailableError: weights of LPIPS are missing.
        """
        if not prior.is_tunable:
            raise UsageError(
                f"tune is {self.name!r}, but prior {prior.name!r} cannot tune latents: leave out "
                "tune, or choose freegvc-small"
            )
        if TUNINGS[self.name][0]:
            METRICS["lpips"].check(size=(height, width), weights=self.weights)

    def distance(self, device: torch.device) -> Distance:
        """The distance of pictures and their copies that tuning makes smaller."""
        exponents, network = TUNINGS[self.name], None
        if exponents[0]:
            from freegvc.metrics.perceptual import lpips_network
            from freegvc.metrics.weights import weights_folder

            network = lpips_network("alex", weights_folder(self.weights), str(device))
        return distance_of(exponents, network)


def distance_of(exponents: Sequence[float], network: Distance | None) -> Distance:
    """The geometric mean of LPIPS, 1 - MS-SSIM of the luma, and the squared error.

    Args:
        exponents: of the three.
        network: LPIPS of pictures and copies [N]; None leaves it out, whatever its exponent.
    """
    terms: list[Distance | None] = [None, structure_lost, _squared_error]
    if network:
        terms[0] = lambda pictures, copies: network(pictures, copies).mean()

    def distance(pictures: Tensor, copies: Tensor) -> Tensor:
        import torch

        copies = copies.clamp(-1, 1)
        logs = [
            exponent * torch.log(term(pictures, copies) + floor)
            for term, floor, exponent in zip(terms, FLOORS, exponents, strict=True)
            if term
        ]
        return torch.stack(logs).sum().exp()

    return distance


def _squared_error(pictures: Tensor, copies: Tensor) -> Tensor:
    return (pictures - copies).square().mean()


def structure_lost(pictures: Tensor, copies: Tensor) -> Tensor:
    """1 - MS-SSIM (Wang et al. 2003) of the luma, at the scales that the pictures have."""
    import torch
    from torch.nn import functional as F  # noqa: N812

    weights = torch.tensor(LUMA, device=pictures.device)[:, None, None] / 2
    a, b = ((each * weights).sum(1, keepdim=True) + 0.5 for each in (pictures, copies))
    smallest = min(a.shape[2:])
    exponents = [e for k, e in enumerate(SSIM_EXPONENTS) if not k or smallest >> k >= SSIM_WINDOW]
    luminance, contrast = SSIM_CONSTANTS
    similarity = torch.ones(len(a), device=a.device)
    for scale, exponent in enumerate(exponents):
        if scale:
            a, b = F.avg_pool2d(a, 2), F.avg_pool2d(b, 2)
        # at the two finest scales windows two pixels apart are enough
        moments = torch.cat([a, b, a * a, b * b, a * b], 1)
        means = F.avg_pool2d(moments, SSIM_WINDOW, stride=2 if scale < 2 else 1)
        mean_a, mean_b, square_a, square_b, product = means.unbind(1)
        numerator = 2 * (product - mean_a * mean_b) + contrast
        denominator = square_a - mean_a**2 + square_b - mean_b**2 + contrast
        local = numerator / denominator
        if scale == len(exponents) - 1:
            local = local * (2 * mean_a * mean_b + luminance) / (mean_a**2 + mean_b**2 + luminance)
        similarity = similarity * local.mean((1, 2)).clamp(min=1e-3) ** (exponent / sum(exponents))
    return 1 - similarity.mean()
