"""From a name to a prior."""

from __future__ import annotations

from typing import TYPE_CHECKING

from freegvc.errors import PriorUnavailableError, UsageError

if TYPE_CHECKING:
    import torch

    from freegvc.priors.base import Prior

DTYPES = ("float32", "float64", "bfloat16", "float16")


def known_priors() -> tuple[str, ...]:
    """Names that `load_prior` accepts in this release."""
    return ("analytic",)


def load_prior(
    name: str = "analytic",
    *,
    device: str | torch.device = "cpu",
    dtype: str | torch.dtype = "float32",
) -> Prior:
    """Load a prior by name.

    Args:
        name: one of `known_priors()`.
        device: a torch device, such as "cpu" or "cuda:0".
        dtype: arithmetic of the model: "float32", "float64", "bfloat16" or "float16".

    Raises:
        PriorUnavailableError: no prior of that name, or the device is not there.
        UsageError: unknown dtype.
    """
    import torch

    from freegvc.priors.analytic import AnalyticPrior

    if name not in known_priors():
        raise PriorUnavailableError(
            f"no prior is called {name!r}; this release knows: {', '.join(known_priors())}"
        )
    name_of_dtype = str(dtype).removeprefix("torch.")
    if name_of_dtype not in DTYPES:
        raise UsageError(f"dtype {name_of_dtype!r} is not one of {', '.join(DTYPES)}")
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise PriorUnavailableError(f"device {str(device)!r} cannot be used: {error}") from error
    return AnalyticPrior(device, getattr(torch, name_of_dtype))
