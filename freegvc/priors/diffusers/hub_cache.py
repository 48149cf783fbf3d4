"""The Hugging Face cache: which models are on this machine, and in which folders.

freegvc uses the cache of the hub's own library, so other programs find the same models there.
Looking a model up takes no network and no library.

A repository's folder has a snapshot for each commit, and references that name commits. freegvc
keeps a reference of its own to the commit that it fetched last. So a model does not change, and
none is lost, when another program fetches a new commit, or a part of one.
"""

from __future__ import annotations

import os
from pathlib import Path

from freegvc._atomic import atomic_path
from freegvc.errors import PriorUnavailableError
from freegvc.priors.diffusers.catalogue import find
from freegvc.priors.diffusers.checkpoint import Checkpoint

OWN_REFERENCE = "freegvc"
MAIN = "main"


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
        for reference in (OWN_REFERENCE, MAIN):
            folder = _snapshot(name, reference)
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


def repository_of(folder: Path) -> tuple[Path, str, str] | None:
    """What a snapshot belongs to, by its path alone.

    Returns:
        The repository's folder, the hub id and the commit; None if the folder is no snapshot.
    """
    folder = folder.absolute()
    repository = folder.parent.parent
    organisation, _, name = repository.name.removeprefix("models--").partition("--")
    is_snapshot = folder.parent.name == "snapshots" and repository.name.startswith("models--")
    if not is_snapshot or not name:
        return None
    return repository, f"{organisation}/{name}", folder.name


def set_reference(hub_id: str, reference: str, commit: str) -> None:
    """Let a reference, such as "main" or a tag, name a commit of a repository in the cache."""
    path = repository_folder(hub_id) / "refs" / reference
    if _read_reference(path) != commit:
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_path(path, overwrite=True) as temporary:
            temporary.write_text(commit, encoding="ascii")


def _snapshot(hub_id: str, reference: str) -> Path | None:
    """The folder of the commit that a reference names."""
    repository = repository_folder(hub_id)
    commit = _read_reference(repository / "refs" / reference)
    folder = repository / "snapshots" / commit
    return folder if commit and folder.is_dir() else None


def _read_reference(path: Path) -> str:
    """The commit that a reference names, or ""."""
    try:
        return path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""
