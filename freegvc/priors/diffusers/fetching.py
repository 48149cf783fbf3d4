"""Download models from the Hugging Face hub into the cache of the hub's own library."""

from __future__ import annotations

import errno
import json
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from freegvc.errors import PriorUnavailableError
from freegvc.priors.diffusers.catalogue import find
from freegvc.priors.diffusers.checkpoint import Checkpoint
from freegvc.priors.diffusers.families import ADAPTERS, find_adapter
from freegvc.priors.diffusers.hub_cache import cache_folder, is_whole, repository_folder

HUB = "https://huggingface.co"
SPARE_BYTES = 1 << 28  # of the disk, left free
UNAUTHORISED, FORBIDDEN = 401, 403

_HUB_ID = re.compile(r"(?!.*(?:--|\.\.))[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
_INDEX = re.compile(r"(?:diffusion_pytorch_model|model)\.safetensors\.index\.json")
_WHOLE = re.compile(r"(?:diffusion_pytorch_model|model)\.safetensors")


@dataclass(frozen=True, slots=True)
class Plan:
    """What a fetch will download.

    Attributes:
        hub_id: the model.
        files: paths of the files that freegvc uses, within the model's folder.
        num_bytes: size of all of them.
        missing_bytes: size of those that are not on this machine yet.
        free_bytes: free space on the disk.
    """

    hub_id: str
    files: tuple[str, ...]
    num_bytes: int
    missing_bytes: int
    free_bytes: int


def fetch(
    name: str,
    *,
    with_text_encoder: bool = True,
    on_plan: Callable[[Plan], None] | None = None,
    endpoint: str | None = None,
) -> Path:
    """Download the files of a model that are not on this machine yet.

    These are configurations, weights in safetensors and the tokenizer. An interrupted fetch
    continues where it stopped. Progress is shown on stderr.

    Args:
        name: a known model's name, or any "organisation/name" on the hub.
        with_text_encoder: also download the text encoder (5 to 23 GB) and the tokenizer, which
            are needed once for each prompt, including the empty one.
        on_plan: called before the download begins.
        endpoint: address of another hub; by default that in HF_ENDPOINT.

    Returns:
        The model's folder.

    Raises:
        PriorUnavailableError: there is no such model, its licence has to be accepted first,
            freegvc has no adapter for it, the hub does not answer, or the disk is too full.
    """
    known = find(name)
    hub_id = known.hub_id if known else name
    if not _HUB_ID.fullmatch(hub_id):
        raise PriorUnavailableError(
            f"{name!r} is neither a known model (see: freegvc priors list) nor an id "
            "'organisation/name' on the Hugging Face hub"
        )
    from huggingface_hub import HfApi, hf_hub_download, snapshot_download

    where = {"cache_dir": cache_folder(), "endpoint": endpoint}
    with _explained(hub_id):
        info = HfApi(endpoint=endpoint).model_info(hub_id, files_metadata=True)
        sizes = {s.rfilename: s.size or 0 for s in info.siblings or ()}

        def read(file: str) -> dict[str, Any]:
            path = Path(hf_hub_download(hub_id, file, revision=info.sha, **where))
            return _read_object(hub_id, path)

        if "model_index.json" not in sizes:
            raise PriorUnavailableError(
                f"{hub_id} has no model_index.json, so it is not in diffusers' layout; look for "
                "a repository of the same model whose name ends in -Diffusers"
            )
        _check_adapter(hub_id, read("model_index.json"))
        files = _choose(hub_id, sizes, read, with_text_encoder)
        plan = _plan(hub_id, files, sizes, info.sha)
        if plan.missing_bytes + SPARE_BYTES > plan.free_bytes:
            raise PriorUnavailableError(
                f"{hub_id} needs {plan.missing_bytes / 1e9:.2f} GB more in {cache_folder()}, whose "
                f"disk has {plan.free_bytes / 1e9:.2f} GB free, of which "
                f"{SPARE_BYTES / 1e9:.2f} GB are left alone; free some, or set HF_HOME to another "
                "disk"
            )
        if on_plan is not None:
            on_plan(plan)
        folder = Path(snapshot_download(hub_id, allow_patterns=list(files), **where))
    if not is_whole(folder):
        raise PriorUnavailableError(f"{folder} is incomplete after the download: fetch it again")
    return folder


def embed_empty_prompt(folder: Path) -> None:
    """Make the embedding of the empty prompt and store it in the model's folder.

    Does nothing if it is there already. The text encoder runs on the CPU in float32 and is freed
    afterwards.

    Args:
        folder: the model, with its text encoder or with the embedding.

    Raises:
        PriorUnavailableError: the text encoder is missing or damaged.
    """
    from freegvc.priors.diffusers.prompt import load_prompt

    checkpoint = Checkpoint(folder)
    _, adapter = find_adapter(checkpoint)
    load_prompt(checkpoint, adapter.text_spec(checkpoint), "")


def _read_object(hub_id: str, path: Path) -> dict[str, Any]:
    """A JSON object from a downloaded file."""
    try:
        content = json.loads(path.read_bytes())
    except ValueError as error:
        raise PriorUnavailableError(f"{hub_id}: {path.name} is not JSON ({error})") from error
    if not isinstance(content, dict):
        raise PriorUnavailableError(f"{hub_id}: {path.name} holds no JSON object")
    return content


def _check_adapter(hub_id: str, index: dict[str, Any]) -> None:
    """Refuse a model that freegvc cannot run, before gigabytes are downloaded.

    Raises:
        PriorUnavailableError: there is no adapter for its transformer, or it has two transformers.
    """
    entry = index.get("transformer")
    transformer = entry[1] if isinstance(entry, list) and len(entry) == 2 else entry
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


def _choose(
    hub_id: str,
    sizes: dict[str, int],
    read: Callable[[str], dict[str, Any]],
    with_text_encoder: bool,
) -> tuple[str, ...]:
    """The files to download: configurations, and one set of weights for each component."""
    files = ["model_index.json"]
    for part in ("transformer", "vae", *(("text_encoder",) if with_text_encoder else ())):
        names = {f.removeprefix(f"{part}/") for f in sizes if f.startswith(f"{part}/")}
        indices = sorted(n for n in names if _INDEX.fullmatch(n))
        shards = {s for n in indices for s in _shards(hub_id, read(f"{part}/{n}"))}
        weights = [*indices, *sorted(shards)] or sorted(n for n in names if _WHOLE.fullmatch(n))
        missing = {"config.json", *weights} - names
        if missing or not weights:
            what = ", ".join(sorted(missing)) or "weights in safetensors"
            raise PriorUnavailableError(
                f"{hub_id} lacks {what} in its folder {part}: ask its authors, or choose another"
            )
        files += [f"{part}/{n}" for n in ("config.json", *weights)]
    if "scheduler/scheduler_config.json" not in sizes:
        raise PriorUnavailableError(f"{hub_id} has no scheduler/scheduler_config.json")
    files.append("scheduler/scheduler_config.json")
    if with_text_encoder:
        files += [f for f in sizes if f.startswith("tokenizer/")]
    return tuple(files)


def _shards(hub_id: str, index: dict[str, Any]) -> set[str]:
    """Names of the files that an index of shards lists."""
    weight_map = index.get("weight_map")
    if not isinstance(weight_map, dict) or not weight_map:
        raise PriorUnavailableError(f"{hub_id} has an index of weights that lists no files")
    return {str(name) for name in weight_map.values()}


def _plan(hub_id: str, files: tuple[str, ...], sizes: dict[str, int], commit: str) -> Plan:
    """Sizes of the files, those on this machine left out, and the free space on the disk."""
    snapshot = repository_folder(hub_id) / "snapshots" / commit
    disk = cache_folder()
    while not disk.exists():
        disk = disk.parent
    return Plan(
        hub_id=hub_id,
        files=files,
        num_bytes=sum(sizes[f] for f in files),
        missing_bytes=sum(sizes[f] for f in files if not (snapshot / f).exists()),
        free_bytes=shutil.disk_usage(disk).free,
    )


@contextmanager
def _explained(hub_id: str) -> Iterator[None]:
    """Turn errors of the hub's library into PriorUnavailableError with advice."""
    from huggingface_hub import errors

    try:
        yield
    except (errors.HTTPError, OSError) as error:
        status = getattr(getattr(error, "response", None), "status_code", None)
        if isinstance(error, errors.GatedRepoError) or status == FORBIDDEN:
            message = (
                f"{hub_id} is available only to users who accepted its licence: do so on "
                f"{HUB}/{hub_id}, log in with 'hf auth login' or set HF_TOKEN, and fetch again"
            )
        elif isinstance(error, errors.RepositoryNotFoundError) or status == UNAUTHORISED:
            message = (
                f"the hub has no model {hub_id}, or a private one: check the spelling; if it is "
                "private, log in with 'hf auth login' or set HF_TOKEN"
            )
        elif status is not None:
            message = f"the hub answered {status} for {hub_id}: try again later"
        elif isinstance(error, OSError) and error.errno in errno.errorcode:
            raise  # an error of the disk, not of the hub
        else:
            message = (
                f"the hub cannot be reached for {hub_id} ({str(error) or type(error).__name__}): "
                "check the network, or copy the model's folder here and name it instead"
            )
        raise PriorUnavailableError(message) from error
