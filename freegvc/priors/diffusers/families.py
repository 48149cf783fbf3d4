"""The adapter of a model, by the class of its transformer."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from freegvc.errors import PriorUnavailableError

if TYPE_CHECKING:
    from freegvc.priors.diffusers.checkpoint import Checkpoint
    from freegvc.priors.diffusers.prior import DiffusersPrior

# class of the transformer, as its config names it, to the family (a module here) and its adapter
ADAPTERS = {
    "CogVideoXTransformer3DModel": ("cogvideox", "CogVideoXPrior"),
    "WanTransformer3DModel": ("wan", "WanPrior"),
    "SkyReelsV2Transformer3DModel": ("wan", "WanPrior"),
    "LTXVideoTransformer3DModel": ("ltx", "LTXPrior"),
}
FAMILIES = tuple(dict.fromkeys(family for family, _ in ADAPTERS.values()))


def find_adapter(checkpoint: Checkpoint) -> tuple[str, type[DiffusersPrior]]:
    """Family and adapter class of a model on disk.

    Raises:
        PriorUnavailableError: the transformer's config is missing or damaged, or no adapter runs
            its class.
    """
    transformer = checkpoint.config("transformer").get("_class_name")
    if not isinstance(transformer, str) or transformer not in ADAPTERS:
        raise PriorUnavailableError(
            f"{checkpoint.folder} holds a {transformer}; this release has adapters for "
            f"{', '.join(ADAPTERS)}"
        )
    family, class_name = ADAPTERS[transformer]
    module = import_module(f"freegvc.priors.diffusers.{family}")
    adapter: type[DiffusersPrior] = getattr(module, class_name)
    return family, adapter
