"""Where text embeddings are kept.

An embedding is kept beside the snapshots of its model, `<cache>/models--.../freegvc/`, so that a
new commit does not lose it; that of a model in a plain folder is kept in `<folder>/freegvc/`. Where
these cannot be written, it is kept in freegvc's own cache.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from freegvc.errors import PriorUnavailableError, UsageError
from freegvc.priors.diffusers.embedding_file import (
    Embedding,
    write_embedding,
)
from freegvc.priors.diffusers.hub_cache import repository_of
from freegvc.priors.weights import cache_folder

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from freegvc.priors.diffusers.checkpoint import Checkpoint


def model_base(folder: Path) -> Path:
    """The folder that embeddings of a model belong to: of its repository, or its own."""
    repository = repository_of(folder)
    return folder.absolute() if repository is None else repository[0]


def file_name(prompt: str) -> str:
    """Name of the file of a prompt's embedding."""
    return f"prompt-{hashlib.sha256(prompt.encode()).hexdigest()[:16]}.safetensors"


def kept_embedding(base: Path, prompt: str) -> Path | None:
    """The file of a prompt's embedding, or None if it is not on this machine."""
    return next((file for file in _places(base, prompt) if file.exists()), None)


def kept_embeddings(base: Path) -> list[Path]:
    """The files of all embeddings of a model."""
    return [f for place in _folders(base) for f in sorted(place.glob("prompt-*.safetensors"))]


def keep_embedding(base: Path, embedding: Embedding) -> Path:
    """Write an embedding where `kept_embedding` finds it.

    Returns:
        Its file.

    Raises:
        PriorUnavailableError: none of the folders can be written.
    """
    reasons = []
    for file in _places(base, embedding.origin.prompt):
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            write_embedding(file, embedding)
        except (OSError, UsageError) as error:
            reasons.append(str(error))
        else:
            return file
    raise PriorUnavailableError(
        f"the embedding of the prompt {embedding.origin.prompt!r} cannot be stored "
        f"({'; '.join(reasons)}): make one of these folders writable, or set FREEGVC_CACHE to a "
        "folder that is"
    )


def text_encoder_files(checkpoint: Checkpoint) -> str:
    """The digest that `files_digest` gives for the text encoder in a snapshot, or "".

    The cache links each file of a snapshot to a blob, which has the hub's own name for its content.
    """
    if repository_of(checkpoint.folder) is None or not checkpoint.has("text_encoder"):
        return ""
    folder = checkpoint.folder / "text_encoder"
    try:
        files = [folder / "config.json", *checkpoint.weight_files("text_encoder")]
        return files_digest({f.name: f.readlink().name for f in files})
    except (OSError, PriorUnavailableError):  # no links on this system, or files are missing
        return ""


def files_digest(blobs: Mapping[str, str]) -> str:
    """SHA-256 in hex over the names of files and the hub's names of their contents."""
    lines = "".join(f"{name} {blob}\n" for name, blob in sorted(blobs.items()))
    return hashlib.sha256(lines.encode()).hexdigest()


def _folders(base: Path) -> tuple[Path, Path]:
    """Folders that embeddings are kept in, the preferred one first."""
    own = hashlib.sha256(str(base).encode()).hexdigest()[:16]
    return base / "freegvc", cache_folder() / "embeddings" / own


def _places(base: Path, prompt: str) -> list[Path]:
    """Files that the embedding of a prompt may be in."""
    return [folder / file_name(prompt) for folder in _folders(base)]
