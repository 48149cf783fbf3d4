"""Download models from the Hugging Face hub into the cache of the hub's own library."""

from __future__ import annotations

import errno
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from freegvc.errors import PriorUnavailableError, UsageError
from freegvc.priors.built_in import BUILT_IN_PRIORS
from freegvc.priors.diffusers.catalogue import find
from freegvc.priors.diffusers.checkpoint import Checkpoint
from freegvc.priors.diffusers.embedding_file import read_embedding
from freegvc.priors.diffusers.embeddings import files_digest, kept_embedding
from freegvc.priors.diffusers.families import find_adapter
from freegvc.priors.diffusers.hub_cache import (
    MAIN,
    OWN_REFERENCE,
    cache_folder,
    is_whole,
    repository_folder,
    set_reference,
)
from freegvc.priors.diffusers.ram import free_ram_bytes
from freegvc.priors.diffusers.repository import check_model, choose_files, read_object
from freegvc.priors.diffusers.text_encoder import ram_bytes

HUB = "https://huggingface.co"
SPARE_BYTES = 1 << 28  # of the disk, left free
UNAUTHORISED, FORBIDDEN = 401, 403

_HUB_ID = re.compile(r"(?!.*(?:--|\.\.))[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*", re.ASCII)
_REVISION = re.compile(r"(?!.*(?:\.\.|//|\.lock$))\w[\w./-]{0,199}(?<![./])", re.ASCII)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a fetch will download.

    Attributes:
        hub_id: the model.
        commit: which state of it.
        files: paths of the files that freegvc uses, within the model's folder.
        with_text_encoder: whether the text encoder is among them.
        num_bytes: size of all of them.
        missing_bytes: size of those that are not on this machine yet.
        free_bytes: free space on the disk.
        ram_bytes: memory that the text encoder takes when it runs, 0 without one.
        free_ram_bytes: free memory.
    """

    hub_id: str
    commit: str
    files: tuple[str, ...]
    with_text_encoder: bool
    num_bytes: int
    missing_bytes: int
    free_bytes: int
    ram_bytes: int
    free_ram_bytes: int


def fetch(
    name: str,
    *,
    revision: str = MAIN,
    with_text_encoder: bool | None = None,
    on_plan: Callable[[Plan], None] | None = None,
    endpoint: str | None = None,
) -> Path:
    """Download the files of a model that are not on this machine yet.

    These are configurations, weights in safetensors and the tokenizer. An interrupted fetch
    continues where it stopped. Progress is shown on stderr. From then on the model's name stands
    for the fetched commit.

    Args:
        name: a known model's name, or any "organisation/name" on the hub.
        revision: a branch, tag or commit of the model.
        with_text_encoder: whether to download the text encoder (5 to 23 GB) and the tokenizer,
            which are needed once for each prompt, including the empty one. By default, only if
            no embedding of the empty prompt by this text encoder is on this machine.
        on_plan: called before the download begins.
        endpoint: address of another hub; by default that in HF_ENDPOINT.

    Returns:
        The model's folder.

    Raises:
        PriorUnavailableError: there is no such model or revision, it is built in, its licence has
            to be accepted first, freegvc has no adapter for it, the hub does not answer, the disk
            is too full, or there is not enough memory for the text encoder.
        UsageError: the revision cannot be the name of one.
    """
    if name in {prior.name for prior in BUILT_IN_PRIORS}:
        raise PriorUnavailableError(f"{name} comes with freegvc: there is nothing to fetch")
    known = find(name)
    hub_id = known.hub_id if known else name
    if not _HUB_ID.fullmatch(hub_id):
        raise PriorUnavailableError(
            f"{name!r} is neither a known model (see: freegvc priors list) nor an id "
            "'organisation/name' on the Hugging Face hub"
        )
    if not _REVISION.fullmatch(revision):
        raise UsageError(f"revision is {revision!r}; it must be a branch, a tag or a commit")
    from huggingface_hub import HfApi, hf_hub_download, snapshot_download

    where = {"cache_dir": cache_folder(), "endpoint": endpoint}
    with _explained(hub_id, revision):
        info = HfApi(endpoint=endpoint).model_info(hub_id, revision=revision, files_metadata=True)

        def read(file: str) -> dict[str, Any]:
            path = Path(hf_hub_download(hub_id, file, revision=info.sha, **where))
            return read_object(hub_id, path)

        plan = _plan(hub_id, info, read, with_text_encoder)
        _check_room(plan)
        if on_plan is not None:
            on_plan(plan)
        folder = Path(
            snapshot_download(
                hub_id, revision=plan.commit, allow_patterns=list(plan.files), **where
            )
        )
    if not is_whole(folder):
        raise PriorUnavailableError(f"{folder} is incomplete after the download: fetch it again")
    for reference in {OWN_REFERENCE, revision} - {plan.commit}:
        set_reference(hub_id, reference, plan.commit)
    return folder


def embed_empty_prompt(folder: Path) -> None:
    """Make the embedding of the empty prompt and keep it.

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


def _plan(
    hub_id: str,
    info: Any,
    read: Callable[[str], dict[str, Any]],
    with_text_encoder: bool | None,
) -> Plan:
    """What to download.

    Args:
        hub_id: the model.
        info: what the hub says of it, with its files.
        read: downloads a JSON file and gives its content.
        with_text_encoder: as for `fetch`.
    """
    files = {sibling.rfilename: sibling for sibling in info.siblings or ()}
    if "model_index.json" not in files:
        raise PriorUnavailableError(
            f"{hub_id} has no model_index.json, so it is not in diffusers' layout; look for "
            "a repository of the same model whose name ends in -Diffusers"
        )
    check_model(hub_id, read("model_index.json"))
    if with_text_encoder is None:
        with_text_encoder = not _has_embedding(hub_id, files, read)
    chosen = choose_files(hub_id, files, read, with_text_encoder)
    snapshot = repository_folder(hub_id) / "snapshots" / info.sha
    missing = [f for f in chosen if not (snapshot / f).exists()]
    disk = cache_folder()
    while not disk.exists():
        disk = disk.parent
    return Plan(
        hub_id=hub_id,
        commit=info.sha,
        files=chosen,
        with_text_encoder=with_text_encoder,
        num_bytes=sum(files[f].size or 0 for f in chosen),
        missing_bytes=sum(files[f].size or 0 for f in missing),
        free_bytes=shutil.disk_usage(disk).free,
        ram_bytes=ram_bytes(read("text_encoder/config.json")) if with_text_encoder else 0,
        free_ram_bytes=free_ram_bytes(),
    )


def _has_embedding(
    hub_id: str, files: dict[str, Any], read: Callable[[str], dict[str, Any]]
) -> bool:
    """Whether this machine has the embedding of the empty prompt by the hub's text encoder.

    An embedding that does not say which files it was made from is taken to be.
    """
    file = kept_embedding(repository_folder(hub_id), "")
    if file is None:
        return False
    stated = read_embedding(file).origin.text_encoder_files
    prefix = "text_encoder/"
    blobs = {
        f.removeprefix(prefix): files[f].lfs.sha256 if files[f].lfs else files[f].blob_id
        for f in choose_files(hub_id, files, read, with_text_encoder=True)
        if f.startswith(prefix) and (f == f"{prefix}config.json" or f.endswith(".safetensors"))
    }
    return not stated or stated == files_digest(blobs)


def _check_room(plan: Plan) -> None:
    """Refuse a download that the disk cannot hold, or a text encoder that memory cannot."""
    if plan.missing_bytes + SPARE_BYTES > plan.free_bytes:
        raise PriorUnavailableError(
            f"{plan.hub_id} needs {plan.missing_bytes / 1e9:.2f} GB more in {cache_folder()}, "
            f"whose disk has {plan.free_bytes / 1e9:.2f} GB free, of which "
            f"{SPARE_BYTES / 1e9:.2f} GB are left alone; free some, or set HF_HOME to another "
            "disk"
        )
    if plan.ram_bytes > plan.free_ram_bytes:
        raise PriorUnavailableError(
            f"the text encoder of {plan.hub_id} takes {plan.ram_bytes / 1e9:.2f} GB of memory when "
            f"it runs, and {plan.free_ram_bytes / 1e9:.2f} GB are free: close other programs, or "
            "fetch the model on another machine, export the embedding there (freegvc priors "
            "export-embedding NAME FILE), import it here (freegvc priors import-embedding FILE), "
            "and fetch again"
        )


@contextmanager
def _explained(hub_id: str, revision: str) -> Iterator[None]:
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
        elif isinstance(error, errors.RevisionNotFoundError):
            message = (
                f"{hub_id} has no revision {revision!r}: see the branches, tags and commits on "
                f"{HUB}/{hub_id}/commits/main"
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
