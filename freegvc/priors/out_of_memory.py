"""Running out of memory as a typed error that names what to switch on."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from freegvc.errors import OutOfMemoryError

if TYPE_CHECKING:
    from freegvc.priors.base import Prior

Options = Mapping[str, str | int]

# what RuntimeErrors of torch say where an allocation failed: on the CPU, and in CUDA's libraries
_WORDS = re.compile(
    r"can't allocate memory|not enough memory|out of memory|STATUS_ALLOC_FAILED", re.IGNORECASE
)
_AMOUNT = re.compile(r"[Tt]ried to allocate ([\d.]+ ?\w+)")


@contextmanager
def out_of_memory_named(
    what: str, device: object, options: Callable[[], Options], otherwise: str
) -> Iterator[None]:
    """Turn allocations that fail in this block into an OutOfMemoryError.

    Args:
        what: is done in the block, such as "encode".
        device: where.
        options: called after a failure; keywords of `load_prior` that would take less memory.
        otherwise: what to do besides.

    Raises:
        OutOfMemoryError: a MemoryError, or torch's error, was raised in the block.
    """
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        # torch.OutOfMemoryError is a RuntimeError
        if not isinstance(error, MemoryError) and not _WORDS.search(str(error)):
            raise
        found = _AMOUNT.search(str(error))
        amount = f" (tried to allocate {found[1]})" if found else ""
        advice = _spelled(options())
        raise OutOfMemoryError(
            f"not enough memory on {device} to {what}{amount}: "
            f"{f'load the prior with {advice}, or ' if advice else ''}{otherwise}"
        ) from error


@contextmanager
def prior_out_of_memory_named(what: str, prior: Prior, otherwise: str) -> Iterator[None]:
    """`out_of_memory_named` for a prior, whose options are known.

    Args:
        what, otherwise: as there.
        prior: tiled or not.
    """
    with out_of_memory_named(
        f"{what} with prior {prior.name!r}", prior.device, lambda: smaller_options(prior), otherwise
    ):
        yield


def smaller_options(prior: Prior) -> dict[str, str | int]:
    """Keywords of `load_prior`, with values, with which a prior would take less memory."""
    from freegvc.priors.tiled import TiledPrior

    tiled = prior if isinstance(prior, TiledPrior) else None
    model = tiled.wrapped if tiled else prior
    options: dict[str, str | int] = {}
    has_side = model.side_count(model.latent.shape(1, 64, 64)) > 0  # then it cannot be tiled
    if not has_side and (tiled is None or tiled.vae_tile is None):
        options["vae_tiles"] = "on"
    options |= model.smaller_options()
    several = model.device.type == "cuda" if model.batch_tiles is None else model.batch_tiles > 1
    if tiled is not None and tiled.tile is not None and several:
        options["batch_tiles"] = 1
    return options


def _spelled(options: Options) -> str:
    """Options of the command line, and the same in Python."""
    if not options:
        return ""
    words = [f"--{name.replace('_', '-')} {value}" for name, value in options.items()]
    keywords = [f"{name}={value!r}" for name, value in options.items()]
    return f"{' and '.join(words)} (in Python {', '.join(keywords)})"
