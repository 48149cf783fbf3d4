"""From a name to a prior."""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any

from freegvc.errors import PriorUnavailableError, UsageError

if TYPE_CHECKING:
    import torch

    from freegvc.priors.base import Prior

ENTRY_POINTS = "freegvc.priors"
DEFAULT_PRIOR = "freegvc-small"

# priors that come with the package: name to module and class
BUILT_IN = {
    "freegvc-small": ("small", "SmallPrior"),
    "analytic": ("analytic", "AnalyticPrior"),
}

# class of the transformer, as its config states it, to the family and its adapter
ADAPTERS = {
    "CogVideoXTransformer3DModel": ("cogvideox", "CogVideoXPrior"),
    "WanTransformer3DModel": ("wan", "WanPrior"),
    "SkyReelsV2Transformer3DModel": ("wan", "WanPrior"),
    "LTXVideoTransformer3DModel": ("ltx", "LTXPrior"),
}


def known_priors() -> tuple[str, ...]:
    """Names that `load_prior` accepts here: built in, known models, and those of other packages."""
    from freegvc.priors.catalogue import KNOWN_MODELS

    models = (model.name for model in KNOWN_MODELS)
    return (*BUILT_IN, *models, *sorted(installed_priors()))


def load_prior(
    name: str = DEFAULT_PRIOR,
    *,
    device: str | torch.device = "cpu",
    dtype: str | torch.dtype | None = None,
    attention: str = "auto",
    prompt: str = "",
    offload: str = "none",
    compiled: bool = False,
) -> Prior:
    """Load a prior. Nothing is downloaded: `freegvc priors fetch NAME` does that.

    Args:
        name: one of `known_priors()`, a model's id on the Hugging Face hub, or a folder in
            diffusers' layout.
        device: a torch device, such as "cpu" or "cuda:0".
        dtype: arithmetic of the model, one of `freegvc.bitstream.header.NUMERICS`; the suffixes
            "-fp8" and "-int8" say how the transformer's weights are stored. By default what the
            model was made for on a GPU, and float32 on the CPU.
        attention: attention kernel, one of `freegvc.bitstream.header.ATTENTIONS`.
        prompt: text that conditions the model; needs its text encoder.
        offload: "none", "model" or "group": what leaves the GPU when it is not used.
        compiled: compile the transformer with torch.compile.

    Raises:
        PriorUnavailableError: no such prior, its files are missing or damaged, or the device is
            not there.
        UsageError: an option is unknown, or the prior does not have it.
    """
    import torch

    from freegvc.bitstream.header import ATTENTIONS
    from freegvc.priors.numerics import Numerics

    numerics = None if dtype is None else Numerics.parse(str(dtype))
    if attention not in ATTENTIONS:
        raise UsageError(f"attention is {attention!r}; it must be one of {', '.join(ATTENTIONS)}")
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise PriorUnavailableError(f"device {str(device)!r} cannot be used: {error}") from error
    where = torch.device(device)
    options = {"attention": attention, "prompt": prompt, "offload": offload, "compiled": compiled}
    installed = installed_priors()
    if name not in BUILT_IN and name not in installed:
        return _load_model(name, where, numerics, options)
    numerics = numerics or Numerics("float32")
    if numerics.storage or options != {
        "attention": "auto",
        "prompt": "",
        "offload": "none",
        "compiled": False,
    }:
        raise UsageError(
            f"prior {name!r} has no weights of a diffusers model: leave attention, prompt, offload "
            "and compiled alone, and choose a dtype without -fp8 or -int8"
        )
    if name in installed:
        return _load_installed(installed[name], where, numerics.dtype)
    module, class_name = BUILT_IN[name]
    built_in: Prior = getattr(import_module(f"freegvc.priors.{module}"), class_name)(
        where, numerics.dtype
    )
    return built_in


def _load_model(name: str, device: torch.device, numerics: Any, options: dict[str, Any]) -> Prior:
    """A model of diffusers, from a folder or from the Hugging Face cache."""
    from freegvc.priors.checkpoint import Checkpoint

    folder, wire_name = _find(name)
    checkpoint = Checkpoint(folder)
    transformer = checkpoint.config("transformer").get("_class_name")
    if transformer not in ADAPTERS:
        raise PriorUnavailableError(
            f"{folder} holds a {transformer}; this release has adapters for {', '.join(ADAPTERS)}"
        )
    family, adapter_name = ADAPTERS[transformer]
    adapter = getattr(import_module(f"freegvc.priors.{family}"), adapter_name)
    prior: Prior = adapter(
        checkpoint,
        name=wire_name or family,
        numerics=numerics or adapter.default_numerics(checkpoint, device),
        device=device,
        **options,
    )
    return prior


def _find(name: str) -> tuple[Path, str | None]:
    """Folder of a model, and its name in the stream if the folder itself does not matter."""
    from freegvc.priors.catalogue import find
    from freegvc.priors.fetching import find_folder

    if Path(name).is_dir():
        return Path(name), None
    known = find(name)
    if name in {family for family, _ in ADAPTERS.values()}:
        raise PriorUnavailableError(
            f"{name!r} is a family of models, which is all that a stream names whose prior came "
            f"from a local folder: say which folder it is (decompress --prior FOLDER)"
        )
    if known is None and "/" not in name:
        raise PriorUnavailableError(
            f"no prior is called {name!r} and there is no such folder; this release knows: "
            f"{', '.join(known_priors())}"
        )
    hub_id = known.hub_id if known else name
    folder = find_folder(hub_id)
    if folder is None:
        raise PriorUnavailableError(
            f"{hub_id} is not on this machine; get it with: freegvc priors fetch {name}"
        )
    return folder, known.name if known else name


def installed_priors() -> dict[str, EntryPoint]:
    """Priors that other packages declare, by name."""
    return {point.name: point for point in entry_points(group=ENTRY_POINTS)}


def _load_installed(point: EntryPoint, device: torch.device, dtype: torch.dtype) -> Prior:
    from freegvc.priors.base import Prior

    prior = point.load()(device=device, dtype=dtype)
    if not isinstance(prior, Prior) or prior.name != point.name:
        raise PriorUnavailableError(
            f"the entry point {point.name!r} ({point.value}) gave {prior!r}, which is not a Prior "
            "of that name"
        )
    return prior
