"""A model's repository on the hub: whether freegvc can run it, and which of its files it takes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from freegvc.errors import PriorUnavailableError
from freegvc.priors.diffusers.families import ADAPTERS
from freegvc.priors.diffusers.text_encoder import check_class
from freegvc.priors.diffusers.weight_sets import find_weights, is_index

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path


def read_object(hub_id: str, path: Path) -> dict[str, Any]:
    """A JSON object from a downloaded file.

    Raises:
        PriorUnavailableError: it is not JSON, or no object.
    """
    try:
        content = json.loads(path.read_bytes())
    except ValueError as error:
        raise PriorUnavailableError(f"{hub_id}: {path.name} is not JSON ({error})") from error
    if not isinstance(content, dict):
        raise PriorUnavailableError(f"{hub_id}: {path.name} holds no JSON object")
    return content


def check_model(hub_id: str, index: dict[str, Any]) -> None:
    """Refuse a model that freegvc cannot run, before gigabytes are downloaded.

    Args:
        hub_id: begins the message of an error.
        index: its model_index.json.

    Raises:
        PriorUnavailableError: there is no adapter for its transformer, it has two transformers,
            or its text encoder is of another kind.
    """
    transformer = _class_of(index.get("transformer"))
    if not isinstance(transformer, str) or transformer not in ADAPTERS:
        raise PriorUnavailableError(
            f"{hub_id} has the transformer {transformer}; this release has adapters for "
            f"{', '.join(ADAPTERS)}"
        )
    if index.get("transformer_2") not in (None, [None, None]):
        raise PriorUnavailableError(
            f"{hub_id} has two transformers, for different levels of noise; freegvc runs only "
            "models with one"
        )
    check_class(str(_class_of(index.get("text_encoder"))), hub_id)


def _class_of(entry: Any) -> Any:
    """The class in an entry [library, class] of a model_index.json."""
    return entry[1] if isinstance(entry, list) and len(entry) == 2 else entry


def choose_files(
    hub_id: str,
    names: Iterable[str],
    read: Callable[[str], dict[str, Any]],
    with_text_encoder: bool,
) -> tuple[str, ...]:
    """The files to download: configurations, and one set of weights for each component.

    Args:
        hub_id: begins the message of an error.
        names: of all files in the repository.
        read: gives the content of a JSON file.
        with_text_encoder: also choose the text encoder and the tokenizer.

    Raises:
        PriorUnavailableError: a file is missing, or it is not clear which weights are meant.
    """
    names = set(names)
    files = ["model_index.json"]
    for part in ("transformer", "vae", *(("text_encoder",) if with_text_encoder else ())):
        own = {f.removeprefix(f"{part}/") for f in names if f.startswith(f"{part}/")}
        _, found = find_weights(own, f"{hub_id} in its folder {part}")
        indices = [name for name in found if is_index(name)]
        shards = {s for name in indices for s in _shards(hub_id, read(f"{part}/{name}"))}
        weights = [*indices, *sorted(shards)] or found
        missing = {"config.json", *weights} - own
        if missing or not weights:
            what = ", ".join(sorted(missing)) or "weights in safetensors"
            raise PriorUnavailableError(
                f"{hub_id} lacks {what} in its folder {part}: ask its authors, or choose another"
            )
        files += [f"{part}/{name}" for name in ("config.json", *weights)]
    if "scheduler/scheduler_config.json" not in names:
        raise PriorUnavailableError(f"{hub_id} has no scheduler/scheduler_config.json")
    files.append("scheduler/scheduler_config.json")
    if with_text_encoder:
        files += sorted(f for f in names if f.startswith("tokenizer/"))
    return tuple(files)


def _shards(hub_id: str, index: dict[str, Any]) -> set[str]:
    """Names of the files that an index of shards lists."""
    weight_map = index.get("weight_map")
    if not isinstance(weight_map, dict) or not weight_map:
        raise PriorUnavailableError(f"{hub_id} has an index of weights that lists no files")
    return {str(name) for name in weight_map.values()}
