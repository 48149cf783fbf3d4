"""load_prior: from a name or a folder to a prior."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from difflib import get_close_matches
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from freegvc.errors import PriorUnavailableError, UsageError
from freegvc.priors.built_in import BUILT_IN_PRIORS
from freegvc.priors.memory import check_memory_options
from freegvc.priors.out_of_memory import out_of_memory_named

if TYPE_CHECKING:
    import torch

    from freegvc.priors.base import Prior
    from freegvc.priors.numerics import Numerics

ENTRY_POINTS = "freegvc.priors"
DEFAULT_PRIOR = "freegvc-small"

# priors that ship with the package: name to module and class
BUILT_IN = {prior.name: (prior.module, prior.class_name) for prior in BUILT_IN_PRIORS}
# options of diffusers models, at the values that change nothing
MODEL_OPTIONS = {"attention": "auto", "prompt": "", "offload": "none", "compile": False}

Name = str | PathLike[str]
# folder of a model, and its name in the stream
Finder = Callable[[Any], tuple[Path, str | None]]

_HUB_PART = r"[A-Za-z0-9](?:[A-Za-z0-9_]|[-.](?![-.]))*"
_HUB_ID = re.compile(f"{_HUB_PART}/{_HUB_PART}", re.ASCII)


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
    native_size: tuple[int, int] | None = None,
    vae_tiles: str = "auto",
    batch_tiles: int | None = None,
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
        native_size: height and width in pixels. An encoder cuts frames into tiles of that size if
            a side is more than a fifth longer; smaller tiles take less memory and more calls. By
            default that of the model.
        vae_tiles: whether the VAE works in tiles, which takes less memory, more time, and changes
            the picture a little. "auto" encodes in tiles where the free memory of a GPU asks for
            it, and decodes as the stream says; "on" and "off" decide for both.
        batch_tiles: tiles of a large frame that are predicted at once; by default as many as fit
            into the free memory of a GPU, and one on the CPU.

    Returns:
        The prior, ready to run on `device`.

    Raises:
        PriorUnavailableError: there is no such prior, its files are missing or damaged, or the
            device cannot be used.
        OutOfMemoryError: the model does not fit into the memory of the device.
        UsageError: an option has an unknown value, or the prior does not have the option.
    """
    check_memory_options(vae_tiles, batch_tiles)
    options = {"attention": attention, "prompt": prompt, "offload": offload, "compile": compile}
    from freegvc._bitstream.header import MAX_SIDE

    if native_size is not None and not all(1 <= side <= MAX_SIDE for side in native_size):
        raise UsageError(f"native_size is {native_size}; each side must be in 1..{MAX_SIDE} pixels")
    prior = _load(name, _find, device, dtype, options)
    prior.vae_tiles, prior.batch_tiles = vae_tiles, batch_tiles
    if native_size is not None:
        prior.defaults = replace(prior.defaults, native_size=native_size)
    return prior


def load_prior_by_name(
    name: str,
    *,
    device: str | torch.device = "cpu",
    dtype: str | torch.dtype | None = None,
    attention: str = "auto",
    prompt: str = "",
    offload: str = "none",
    compile: bool = False,
    vae_tiles: str = "auto",
    batch_tiles: int | None = None,
) -> Prior:
    """Load the prior that a stream names, which is never a folder.

    Whoever wrote the stream chose the name, so it must not reach into the file system: a folder of
    the working directory may have been sent along with the stream.

    Args:
        name: built in, of another package, in the catalogue, or the hub id of a model in the
            Hugging Face cache.
        device, dtype, attention, prompt, offload, compile, vae_tiles, batch_tiles: as for
            `load_prior`.

    Raises:
        PriorUnavailableError: as `load_prior`, or the name is of no such kind.
        OutOfMemoryError, UsageError: as `load_prior`.
    """
    check_memory_options(vae_tiles, batch_tiles)
    options = {"attention": attention, "prompt": prompt, "offload": offload, "compile": compile}
    prior = _load(name, _find_by_name, device, dtype, options)
    prior.vae_tiles, prior.batch_tiles = vae_tiles, batch_tiles
    return prior


def _load(
    name: Name,
    find: Finder,
    device: str | torch.device,
    dtype: str | torch.dtype | None,
    options: dict[str, Any],
) -> Prior:
    import torch

    from freegvc._bitstream.header import ATTENTIONS
    from freegvc.priors.numerics import Numerics

    attention = options["attention"]
    numerics = None if dtype is None else Numerics.parse(str(dtype))
    if attention not in ATTENTIONS:
        raise UsageError(f"attention is {attention!r}; it must be one of {', '.join(ATTENTIONS)}")
    try:
        where = torch.device(device)
    except RuntimeError as error:  # which lists all kinds that torch was ever made for
        raise PriorUnavailableError(
            f"device {str(device)!r} cannot be used: it must be cpu, cuda, or cuda:N for one of "
            "several GPUs"
        ) from error
    try:
        torch.empty(0, device=where)
    except (RuntimeError, AssertionError) as error:
        raise PriorUnavailableError(f"device {str(device)!r} cannot be used: {error}") from error
    if not isinstance(name, str | PathLike):
        raise UsageError(f"prior is {name!r}, but must be a name or a folder")
    installed = installed_priors()
    if not isinstance(name, str) or (name not in BUILT_IN and name not in installed):
        return _load_model(find(name), where, numerics, options)
    numerics = numerics or Numerics("float32")
    given = [option for option, usual in MODEL_OPTIONS.items() if options[option] != usual]
    if given or numerics.storage:
        todo = [f"leave out {' and '.join(given)}"] if given else []
        todo += ["choose a dtype without -fp8 or -int8"] if numerics.storage else []
        raise UsageError(
            f"prior {name!r} has no weights of a diffusers model: {', and '.join(todo)}"
        )
    if name in installed:
        return _load_installed(installed[name], where, numerics.dtype)
    module, class_name = BUILT_IN[name]
    built_in = getattr(import_module(f"freegvc.priors.{module}"), class_name)
    prior: Prior = built_in(where, numerics.dtype)
    return prior


def _load_model(
    found: tuple[Path, str | None],
    device: torch.device,
    numerics: Numerics | None,
    options: dict[str, Any],
) -> Prior:
    """A diffusers model, from a folder or from the Hugging Face cache."""
    from freegvc.priors.diffusers.checkpoint import Checkpoint
    from freegvc.priors.diffusers.families import find_adapter

    folder, stream_name = found
    checkpoint = Checkpoint(folder)
    family, adapter = find_adapter(checkpoint)
    numerics = numerics or adapter.default_numerics(checkpoint, device)
    name = stream_name or family
    with out_of_memory_named(
        f"load prior {name!r}",
        device,
        lambda: adapter.smaller_ways_to_load(numerics, options["offload"]),
        "choose a smaller model",
    ):
        return adapter(checkpoint, name=name, numerics=numerics, device=device, **options)


def _find(name: Name) -> tuple[Path, str | None]:
    """What a user names: a folder, whose name in the stream is None, or a model by its name."""
    if not isinstance(name, str) or Path(name).is_dir() or _is_path(name):
        return Path(name), None
    return _find_model(name, f"no prior is called {name!r} and there is no such folder")


def _is_path(name: str) -> bool:
    """Whether a name can only be a path: neither a short name nor a hub id looks like it."""
    return name.startswith((".", "~", "/")) or name.endswith("/") or name.count("/") > 1


def _find_by_name(name: str) -> tuple[Path, str | None]:
    """What a stream names."""
    return _find_model(
        name,
        f"the stream names the prior {name!r}, which is not known here; a stream cannot name a "
        "folder. If you have the model and trust it, say where it is (decompress --prior FOLDER)",
    )


def _find_model(name: str, unknown: str) -> tuple[Path, str | None]:
    """A model in the Hugging Face cache, by its short name or hub id.

    Args:
        name: of the model.
        unknown: begins the message if the name is neither.
    """
    from freegvc.priors.diffusers.catalogue import find
    from freegvc.priors.diffusers.families import FAMILIES
    from freegvc.priors.diffusers.hub_cache import find_folder

    if name in FAMILIES:
        raise PriorUnavailableError(
            f"{name!r} is a family of models. A stream whose prior came from a local folder names "
            "only the family: name the folder (decompress --prior FOLDER)"
        )
    known = find(name)
    if known is None and not _HUB_ID.fullmatch(name):
        close = get_close_matches(name.lower(), known_priors(), n=1)
        raise PriorUnavailableError(
            f"{unknown}{f' (did you mean {close[0]}?)' if close else ''}; "
            f"this release has: {', '.join(known_priors())}"
        )
    hub_id = known.hub_id if known else name
    folder = find_folder(hub_id)
    if folder is None:
        no_folder = "" if known else f"there is no folder {name}, and a model "
        raise PriorUnavailableError(
            f"{no_folder}{hub_id} is not on this machine; get it with: freegvc priors fetch {name}"
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
