"""load_prior: from a name or a folder to a prior."""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from freegvc.errors import PriorUnavailableError, UsageError

if TYPE_CHECKING:
    import torch

    from freegvc.priors.base import Prior
    from freegvc.priors.numerics import Numerics

ENTRY_POINTS = "freegvc.priors"
DEFAULT_PRIOR = "freegvc-small"

# priors that ship with the package: name to module and class
BUILT_IN = {
    "freegvc-small": ("small.prior", "SmallPrior"),
    "analytic": ("analytic", "AnalyticPrior"),
}
# options of diffusers models, at the values that change nothing
MODEL_OPTIONS = {"attention": "auto", "prompt": "", "offload": "none", "compile": False}


def known_priors() -> tuple[str, ...]:
    """The names that `load_prior` accepts: built in, known models, priors of other packages."""
    from freegvc.priors.diffusers.catalogue import KNOWN_MODELS

    models = (model.name for model in KNOWN_MODELS)
    return (*BUILT_IN, *models, *sorted(installed_priors()))


def installed_priors() -> dict[str, EntryPoint]:
    """Entry points of the priors that other packages declare, by name."""
    return {point.name: point for point in entry_points(group=ENTRY_POINTS)}


def load_prior(
    name: str | PathLike[str] = DEFAULT_PRIOR,
    *,
    device: str | torch.device = "cpu",
    dtype: str | torch.dtype | None = None,
    attention: str = "auto",
    prompt: str = "",
    offload: str = "none",
    compile: bool = False,
) -> Prior:
    """Load a prior. Nothing is downloaded; `freegvc priors fetch NAME` does that.

    Args:
        name: one of `known_priors()`, a model's id on the Hugging Face hub, or a folder in
            diffusers' layout. A path object is always a folder.
        device: a torch device, such as "cpu" or "cuda:0".
        dtype: what the model computes in, one of `freegvc._bitstream.header.NUMERICS`; a suffix
            "-fp8" or "-int8" says how the transformer's weights are stored. By default float32 on
            the CPU, and on a GPU the dtype that the model was made for.
        attention: the attention kernel, one of `freegvc._bitstream.header.ATTENTIONS`.
        prompt: text that conditions the model; needs the model's text encoder.
        offload: what leaves the GPU while it is not in use: "none", "model" or "group".
        compile: compile the transformer with torch.compile.

    Returns:
        The prior, ready to run on `device`.

    Raises:
        PriorUnavailableError: there is no such prior, its files are missing or damaged, or the
            device cannot be used.
        UsageError: an option has an unknown value, or the prior does not have the option.
    """
    import torch

    from freegvc._bitstream.header import ATTENTIONS
    from freegvc.priors.numerics import Numerics

    numerics = None if dtype is None else Numerics.parse(str(dtype))
    if attention not in ATTENTIONS:
        raise UsageError(f"attention is {attention!r}; it must be one of {', '.join(ATTENTIONS)}")
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise PriorUnavailableError(f"device {str(device)!r} cannot be used: {error}") from error
    where = torch.device(device)
    options = {"attention": attention, "prompt": prompt, "offload": offload, "compile": compile}
    installed = installed_priors()
    if not isinstance(name, str) or (name not in BUILT_IN and name not in installed):
        return _load_model(name, where, numerics, options)
    numerics = numerics or Numerics("float32")
    if numerics.storage or options != MODEL_OPTIONS:
        raise UsageError(
            f"prior {name!r} has no weights of a diffusers model: leave out attention, prompt, "
            "offload and compile, and choose a dtype without -fp8 or -int8"
        )
    if name in installed:
        return _load_installed(installed[name], where, numerics.dtype)
    module, class_name = BUILT_IN[name]
    built_in = getattr(import_module(f"freegvc.priors.{module}"), class_name)
    prior: Prior = built_in(where, numerics.dtype)
    return prior


def _load_model(
    name: str | PathLike[str],
    device: torch.device,
    numerics: Numerics | None,
    options: dict[str, Any],
) -> Prior:
    """A diffusers model, from a folder or from the Hugging Face cache."""
    from freegvc.priors.diffusers.checkpoint import Checkpoint
    from freegvc.priors.diffusers.families import find_adapter

    folder, stream_name = _find(name)
    checkpoint = Checkpoint(folder)
    family, adapter = find_adapter(checkpoint)
    return adapter(
        checkpoint,
        name=stream_name or family,
        numerics=numerics or adapter.default_numerics(checkpoint, device),
        device=device,
        **options,
    )


def _find(name: str | PathLike[str]) -> tuple[Path, str | None]:
    """Folder of a model, and its name in the stream: None for a local folder."""
    from freegvc.priors.diffusers.catalogue import find
    from freegvc.priors.diffusers.families import FAMILIES
    from freegvc.priors.diffusers.hub_cache import find_folder

    if not isinstance(name, str) or Path(name).is_dir():
        return Path(name), None
    if name in FAMILIES:
        raise PriorUnavailableError(
            f"{name!r} is a family of models. A stream whose prior came from a local folder names "
            "only the family: name the folder (decompress --prior FOLDER)"
        )
    known = find(name)
    if known is None and "/" not in name:
        raise PriorUnavailableError(
            f"no prior is called {name!r} and there is no such folder; this release has: "
            f"{', '.join(known_priors())}"
        )
    hub_id = known.hub_id if known else name
    folder = find_folder(hub_id)
    if folder is None:
        raise PriorUnavailableError(
            f"{hub_id} is not on this machine; get it with: freegvc priors fetch {name}"
        )
    return folder, known.name if known else name


def _load_installed(point: EntryPoint, device: torch.device, dtype: torch.dtype) -> Prior:
    from freegvc.priors.base import Prior

    prior = point.load()(device=device, dtype=dtype)
    if not isinstance(prior, Prior) or prior.name != point.name:
        raise PriorUnavailableError(
            f"the entry point {point.name!r} ({point.value}) gave {prior!r}, which is not a Prior "
            "of that name"
        )
    return prior
