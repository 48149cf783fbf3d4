"""Text embeddings: computed once by the model's text encoder, then kept on disk.

A damaged file, or one of another prompt, is an error; the embedding is not computed again. freegvc
writes such a file completely or not at all, so damage means that something is wrong with the disk
or the folder, and the text encoder has usually been deleted by then.
"""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import TYPE_CHECKING

from freegvc._bitstream.prompt import MAX_PROMPT_BYTES
from freegvc._warn import warn
from freegvc.errors import FreeGvcWarning, PriorUnavailableError, UsageError
from freegvc.priors.diffusers.embedding_file import Embedding, Origin, read_embedding
from freegvc.priors.diffusers.embeddings import (
    keep_embedding,
    kept_embedding,
    model_base,
    text_encoder_files,
)
from freegvc.priors.diffusers.hub_cache import repository_of
from freegvc.priors.diffusers.text_encoder import run_text_encoder

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

    from freegvc.priors.diffusers.checkpoint import Checkpoint

END_OF_TEXT, PADDING = 1, 0  # token ids of T5 and umT5
# the tokenizers of T5 and umT5: no other class is loaded, and no code that a model brings along
TOKENIZERS = ("T5Tokenizer", "T5TokenizerFast")
TEXT_WIDTH_KEYS = ("text_embed_dim", "text_dim", "caption_channels")  # in the transformers' configs


@dataclass(frozen=True, slots=True)
class TextSpec:
    """How the models of a family take their text.

    Attributes:
        num_rows: rows of the embedding that the transformer takes.
        is_masked: as in Wan: HTML is unescaped, white space collapsed, padding hidden from the
            text encoder, and the rows after the text are zero. Otherwise the text encoder reads
            the padding like text.
    """

    num_rows: int
    is_masked: bool = False


@dataclass(frozen=True, slots=True)
class Prompt:
    """An embedded text.

    Attributes:
        embedding: float32 [num_rows, width].
        mask: bool [num_rows], true for rows of the text and false for padding. Only LTX-Video
            uses it.
        identity: 32 bytes over text encoder, tokens and number of rows, and not over the
            embedding, whose last bits depend on the machine.
    """

    embedding: Tensor
    mask: Tensor
    identity: bytes


def load_prompt(checkpoint: Checkpoint, spec: TextSpec, prompt: str) -> Prompt:
    """The embedding of a prompt, from its file or else from the text encoder.

    A file that another text encoder wrote than the one in the model's folder is replaced, if that
    can be told without reading the text encoder.

    Args:
        checkpoint: the model's folder.
        spec: how the family takes its text.
        prompt: the text; "" needs no tokenizer.

    Returns:
        The prompt, its tensors on the CPU.

    Raises:
        PriorUnavailableError: there is neither a file nor a text encoder, or it is damaged or
            does not fit the transformer.
        UsageError: the prompt is too long for the model or for a stream, or is not Unicode text.

    Warns:
        FreeGvcWarning: the embedding cannot be kept, so the text encoder runs at every start.
    """
    import torch

    _check_text(prompt)
    base = model_base(checkpoint.folder)
    path = kept_embedding(base, prompt)
    embedding = None if path is None else read_embedding(path)
    files = text_encoder_files(checkpoint)
    if embedding is None or _is_of_another_encoder(embedding, files):
        embedding = _encode(checkpoint, spec, prompt, files)
        try:
            path = keep_embedding(base, embedding)
        except PriorUnavailableError as error:
            warn(
                f"{error}; until then the text encoder runs at every start",
                FreeGvcWarning,
            )
    elif embedding.origin.prompt != prompt:
        raise PriorUnavailableError(
            f"{path} holds the prompt {embedding.origin.prompt!r} and not {prompt!r}: delete it"
        )
    check_fits(embedding, checkpoint, spec, path or checkpoint.folder)
    rows = torch.from_numpy(embedding.rows)
    whole = rows.new_zeros(spec.num_rows, rows.shape[1])
    whole[: len(rows)] = rows
    mask = torch.arange(spec.num_rows) < len(embedding.origin.tokens)
    return Prompt(whole, mask, embedding.origin.identity)


def check_fits(embedding: Embedding, checkpoint: Checkpoint, spec: TextSpec, path: Path) -> None:
    """Refuse an embedding that the model cannot take.

    Args:
        embedding: from `path`.
        checkpoint: the model's folder.
        spec: how the family takes its text.
        path: begins the message.

    Raises:
        PriorUnavailableError: it has other rows or another width.
    """
    num_rows, width = embedding.rows.shape
    origin = embedding.origin
    expected = len(origin.tokens) if spec.is_masked else spec.num_rows
    if origin.num_rows != spec.num_rows or num_rows != expected:
        raise PriorUnavailableError(
            f"{path} belongs to another model (it has {num_rows} of {origin.num_rows} rows and "
            f"should have {expected} of {spec.num_rows}): delete it"
        )
    if width != (taken := _text_width(checkpoint)):
        raise PriorUnavailableError(
            f"the embedding of the prompt has width {width}, but the transformer in "
            f"{checkpoint.folder} takes {taken}: {path} or text_encoder/ belongs to another model"
        )


def _check_text(prompt: str) -> None:
    try:
        num_bytes = len(prompt.encode())
    except UnicodeEncodeError as error:
        raise UsageError(f"the prompt is not Unicode text ({error}); give plain text") from error
    if num_bytes > MAX_PROMPT_BYTES:
        raise UsageError(
            f"the prompt has {num_bytes} bytes in UTF-8; a stream carries {MAX_PROMPT_BYTES}: "
            "shorten it"
        )


def _is_of_another_encoder(embedding: Embedding, files: str) -> bool:
    stated = embedding.origin.text_encoder_files
    return bool(stated and files) and stated != files


def _encode(checkpoint: Checkpoint, spec: TextSpec, prompt: str, files: str) -> Embedding:
    """The embedding from the model's text encoder."""
    if not checkpoint.has("text_encoder"):
        raise PriorUnavailableError(
            f"{checkpoint.folder} has no text_encoder/, and no embedding of the prompt {prompt!r} "
            "is on this machine: run freegvc priors fetch NAME --text-encoder, or, on a machine "
            "that has the embedding, freegvc priors export-embedding NAME FILE, and here freegvc "
            "priors import-embedding FILE"
        )
    tokens = _tokens(checkpoint, spec, prompt)
    # without padding the text encoder needs no mask
    padding = 0 if spec.is_masked else spec.num_rows - len(tokens)
    rows, text_encoder = run_text_encoder(checkpoint, [*tokens, *[PADDING] * padding])
    _, hub_id, commit = repository_of(checkpoint.folder) or (None, "", "")
    origin = Origin(prompt, tokens, spec.num_rows, text_encoder, hub_id, commit, files)
    return Embedding(rows.contiguous().numpy(), origin)


def _tokens(checkpoint: Checkpoint, spec: TextSpec, prompt: str) -> tuple[int, ...]:
    """Token ids of a prompt, with the end-of-text token and without padding."""
    text = " ".join(html.unescape(html.unescape(prompt)).split()) if spec.is_masked else prompt
    if not text:
        return (END_OF_TEXT,)
    from transformers import AutoTokenizer

    folder = checkpoint.folder / "tokenizer"
    try:
        stated = checkpoint.config("tokenizer").get("tokenizer_class")
        if stated not in TOKENIZERS:
            raise PriorUnavailableError(
                f"it is a {stated}, and freegvc supports only {' and '.join(TOKENIZERS)}"
            )
        tokenizer = AutoTokenizer.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False
        )
    # what this library raises for missing or damaged files
    except (
        PriorUnavailableError,
        OSError,
        ValueError,
        RuntimeError,
        TypeError,
        LookupError,
        ImportError,
    ) as error:
        raise PriorUnavailableError(
            f"{folder} cannot be loaded, and the prompt {prompt!r} needs it: {error}; fetch the "
            "model again, or use the empty prompt"
        ) from error
    tokens = tuple(int(i) for i in tokenizer(text).input_ids)
    if len(tokens) > spec.num_rows:
        raise UsageError(
            f"the prompt has {len(tokens)} tokens, but the model takes {spec.num_rows}: shorten it"
        )
    return tokens


def _text_width(checkpoint: Checkpoint) -> int:
    config = checkpoint.config("transformer")
    for key in TEXT_WIDTH_KEYS:
        if isinstance(width := config.get(key), int):
            return width
    raise PriorUnavailableError(
        f"the config of {checkpoint.folder / 'transformer'} has no {' or '.join(TEXT_WIDTH_KEYS)}: "
        "choose a model that takes text"
    )
