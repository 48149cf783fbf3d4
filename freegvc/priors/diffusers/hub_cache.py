"""The Hugging Face cache: which models are on this machine, and in which folders.

freegvc uses the cache of the hub's own library, so other programs find the same models there.
Looking a model up takes no network and no library.
"""

from __future__ import annotations

import os
from pathlib import Path

from freegvc.errors import PriorUnavailableError
from freegvc.priors.diffusers.catalogue import find
from freegvc.priors.diffusers.checkpoint import Checkpoint


def cache_folder() -> Path:
    """Folder of the Hugging Face cache, by the environment variables of the hub's own library."""
    base = os.environ.get("XDG_CACHE_HOME", "~/.cache")
    home = os.environ.get("HF_HOME", str(Path(base) / "huggingface"))
    cache = os.environ.get("HUGGINGFACE_HUB_CACHE", str(Path(home) / "hub"))
    cache = os.environ.get("HF_HUB_CACHE", cache)
    return Path(os.path.expandvars(cache)).expanduser()


def find_folder(hub_id: str) -> Path | None:
    """Folder of a model that is complete on this machine, found without a network.

    Args:
        hub_id: "organisation/name"; a known model is also found under its old ids.

    Returns:
        The folder, or None if the model, or a file of its transformer, VAE or scheduler, is
        missing.
    """
    known = find(hub_id)
    for name in (known.hub_id, *known.old_ids) if known else (hub_id,):
        folder = _snapshot(name)
        if folder is not None and is_whole(folder):
            return folder
    return None


def is_whole(folder: Path) -> bool:
    """Whether transformer, VAE and scheduler have their configs and all files of weights."""
    try:
        checkpoint = Checkpoint(folder)
        checkpoint.config("scheduler")
        for part in ("transformer", "vae"):
            checkpoint.config(part)
            checkpoint.weight_files(part)
    except PriorUnavailableError:
        return False
    return True


def repository_folder(hub_id: str) -> Path:
    """Folder of a repository in the cache; it need not exist."""
    return cache_folder() / f"models--{hub_id.replace('/', '--')}"


def _snapshot(hub_id: str) -> Path | None:
    """The folder that the cache's main branch points to."""
    repository = repository_folder(hub_id)
    try:
        commit = (repository / "refs" / "main").read_text().strip()
    except (FileNotFoundError, NotADirectoryError):
        return None
    folder = repository / "snapshots" / commit
    return folder if folder.is_dir() else None
