"""Take embeddings from one machine to another, so that only one needs the text encoder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from freegvc._atomic import check_output
from freegvc.errors import PriorUnavailableError
from freegvc.priors.diffusers.catalogue import find
from freegvc.priors.diffusers.checkpoint import Checkpoint
from freegvc.priors.diffusers.embedding_file import Embedding, read_embedding, write_embedding
from freegvc.priors.diffusers.embeddings import (
    file_name,
    keep_embedding,
    kept_embedding,
    model_base,
)
from freegvc.priors.diffusers.families import find_adapter
from freegvc.priors.diffusers.hub_cache import find_folder, repository_folder
from freegvc.priors.diffusers.prompt import check_fits, load_prompt

if TYPE_CHECKING:
    from pathlib import Path


def export_embedding(name: str, output: Path, *, prompt: str = "", overwrite: bool = False) -> None:
    """Write the embedding of a prompt to a file for other machines. It is made if it is not here.

    Args:
        name: a known model, or the hub id of one in the Hugging Face cache.
        output: the file to write.
        prompt: the text.
        overwrite: whether an existing file may be replaced.

    Raises:
        PriorUnavailableError: neither the embedding nor the text encoder is on this machine.
        OutputExistsError, UsageError: the file cannot or must not be written.
    """
    check_output(output, overwrite=overwrite)
    known = find(name)
    hub_id = known.hub_id if known else name
    folder = find_folder(hub_id) if "/" in hub_id else None
    base = repository_folder(hub_id) if folder is None else model_base(folder)
    file = kept_embedding(base, prompt)
    if file is None and folder is not None:
        checkpoint = Checkpoint(folder)
        load_prompt(checkpoint, find_adapter(checkpoint)[1].text_spec(checkpoint), prompt)
        file = kept_embedding(base, prompt)
    if file is None:
        raise PriorUnavailableError(
            f"neither an embedding of the prompt {prompt!r} nor the model itself is in the Hugging "
            f"Face cache for {name}; get the model with: freegvc priors fetch {name}"
        )
    write_embedding(output, read_embedding(file))


def import_embedding(file: Path) -> tuple[Embedding, Path]:
    """Keep an embedding that another machine exported, for the model that the file names.

    The model itself may be fetched later; its text encoder is not needed then.

    Args:
        file: what `export_embedding` wrote.

    Returns:
        The embedding, and the file that keeps it.

    Raises:
        PriorUnavailableError: the file is damaged or is no embedding, it does not fit the model on
            this machine, or another text encoder's embedding is here already.
    """
    embedding = read_embedding(file)
    origin = embedding.origin
    if not origin.hub_id:
        raise PriorUnavailableError(
            f"{file} is the embedding of a model in a folder, which has no name on the hub: copy "
            f"it into that folder, as freegvc/{file_name(origin.prompt)}"
        )
    known = find(origin.hub_id)
    hub_id = known.hub_id if known else origin.hub_id
    folder = find_folder(hub_id)
    if folder is not None:
        checkpoint = Checkpoint(folder)
        check_fits(embedding, checkpoint, find_adapter(checkpoint)[1].text_spec(checkpoint), file)
    base = repository_folder(hub_id) if folder is None else model_base(folder)
    kept = kept_embedding(base, origin.prompt)
    if kept is not None and read_embedding(kept).origin.identity != origin.identity:
        raise PriorUnavailableError(
            f"{kept} is the embedding of the same prompt by another text encoder than that of "
            f"{file}: delete the one that you do not want"
        )
    return embedding, keep_embedding(base, embedding)
