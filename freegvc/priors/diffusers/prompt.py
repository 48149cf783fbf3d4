"""Text embeddings: computed once by the model's text encoder, then stored in the model's folder.

The file `<model folder>/freegvc/prompt-<digest>.safetensors` holds the embedding in float32, the
precision that it was computed in: embeddings of two machines differ by 1e-6, where float16 would
add 5e-4. For the empty prompt the file has at most 4 MB.

A damaged file, or one of another prompt, is an error; the embedding is not computed again. freegvc
writes such a file completely or not at all, so damage means that something is wrong with the disk
or the folder, and the text encoder has usually been deleted by then.
"""

from __future__ import annotations

import hashlib
import html
import json
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from freegvc._atomic import atomic_path
from freegvc.errors import FreeGvcWarning, PriorUnavailableError, UsageError
from freegvc.priors.weights import weights_digest

if TYPE_CHECKING:
    from pathlib import Path

    import torch
    from torch import Tensor

    from freegvc.priors.diffusers.checkpoint import Checkpoint

END_OF_TEXT, PADDING = 1, 0  # token ids of T5 and umT5
# the tokenizers of T5 and umT5: no other class is loaded, and no code that a model brings along
TOKENIZERS = ("T5Tokenizer", "T5TokenizerFast")
TEXT_WIDTH_KEYS = ("text_embed_dim", "text_dim", "caption_channels")  # in the transformers' configs

# settings that change a T5's output, read from the loaded config, which has the defaults too
T5_SETTINGS = (
    "d_kv",
    "feed_forward_proj",
    "layer_norm_epsilon",
    "num_heads",
    "relative_attention_max_distance",
    "relative_attention_num_buckets",
)


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


@dataclass(frozen=True, slots=True)
class _Origin:
    """What an embedding was made from; stored in the metadata of its file."""

    prompt: str
    text_encoder: str  # digest in hex
    tokens: tuple[int, ...]  # without padding
    num_rows: int

    @property
    def identity(self) -> bytes:
        fields = [self.text_encoder, self.tokens, self.num_rows]
        return hashlib.sha256(f"freegvc prompt {json.dumps(fields)}".encode()).digest()


def load_prompt(
    checkpoint: Checkpoint, spec: TextSpec, prompt: str, *, device: str | torch.device = "cpu"
) -> Prompt:
    """The embedding of a prompt, from its file or else from the text encoder.

    Args:
        checkpoint: the model's folder.
        spec: how the family takes its text.
        prompt: the text; "" needs no tokenizer.
        device: where the text encoder runs, in float32.

    Returns:
        The prompt, its tensors on the CPU.

    Raises:
        PriorUnavailableError: there is neither a file nor a text encoder, or it is damaged or
            does not fit the transformer.
        UsageError: the prompt has more tokens than the model takes.

    Warns:
        FreeGvcWarning: the folder cannot be written, so the text encoder runs at every start.
    """
    import torch

    path = checkpoint.folder / "freegvc" / f"prompt-{_digest(prompt)[:16]}.safetensors"
    if path.exists():
        rows, origin = _read(path, prompt, spec)
    else:
        rows, origin = _encode(checkpoint, spec, prompt, device)
        _write(path, rows, origin)
    width = _text_width(checkpoint)
    if rows.shape[1] != width:
        raise PriorUnavailableError(
            f"the embedding of the prompt has width {rows.shape[1]}, but the transformer in "
            f"{checkpoint.folder} takes {width}: text_encoder/ or {path} belongs to another model"
        )
    embedding = rows.new_zeros(spec.num_rows, width)
    embedding[: len(rows)] = rows
    mask = torch.arange(spec.num_rows) < len(origin.tokens)
    return Prompt(embedding, mask, origin.identity)


def _encode(
    checkpoint: Checkpoint, spec: TextSpec, prompt: str, device: str | torch.device
) -> tuple[Tensor, _Origin]:
    """Rows of the embedding, without zero rows, and what they were made from."""
    import torch
    import transformers

    if not checkpoint.has("text_encoder"):
        raise PriorUnavailableError(
            f"{checkpoint.folder} has neither an embedding of the prompt {prompt!r} nor a "
            "text_encoder/ to make it: run freegvc priors fetch NAME, or put the model's "
            "text_encoder/ (and, for a prompt that is not empty, tokenizer/) into the folder"
        )
    tokens = _tokens(checkpoint, spec, prompt)
    name = checkpoint.class_name("text_encoder")
    if name not in ("T5EncoderModel", "UMT5EncoderModel"):
        raise PriorUnavailableError(
            f"the text encoder in {checkpoint.folder} is a {name}; freegvc supports only "
            "T5EncoderModel and UMT5EncoderModel"
        )
    model = checkpoint.load("text_encoder", getattr(transformers, name), torch.float32).to(device)
    settings = {key: getattr(model.config, key) for key in T5_SETTINGS}
    whole = hashlib.sha256(json.dumps([name, settings]).encode())
    whole.update(weights_digest(checkpoint.weight_files("text_encoder")))
    origin = _Origin(prompt, whole.hexdigest(), tokens, spec.num_rows)
    # without padding the text encoder needs no mask
    padding = 0 if spec.is_masked else spec.num_rows - len(tokens)
    ids = torch.tensor([[*tokens, *[PADDING] * padding]], device=device)
    with torch.no_grad():
        rows = model(ids).last_hidden_state[0].float().cpu()
    return rows, origin


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


def _read(path: Path, prompt: str, spec: TextSpec) -> tuple[Tensor, _Origin]:
    """Rows and origin from a file that `_write` wrote for this prompt and family."""
    from safetensors import SafetensorError, safe_open

    advice = f"delete it, so that it is made again from text_encoder/ (prompt {prompt!r})"
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            rows: Tensor = file.get_tensor("embedding")
        tokens = tuple(int(token) for token in json.loads(metadata["tokens"]))
        origin = _Origin(prompt, metadata["text_encoder"], tokens, int(metadata["num_rows"]))
        is_whole = metadata["checksum"] == _checksum(rows, origin)
    except (OSError, SafetensorError, KeyError, ValueError, TypeError, RecursionError) as error:
        raise PriorUnavailableError(f"{path} is damaged ({error!r}): {advice}") from error
    if not is_whole:
        raise PriorUnavailableError(f"{path} is damaged (its checksum does not match): {advice}")
    expected = len(tokens) if spec.is_masked else spec.num_rows
    is_right = metadata.get("prompt") == _digest(prompt) and origin.num_rows == spec.num_rows
    if not is_right or len(rows) != expected:
        raise PriorUnavailableError(
            f"{path} holds another prompt or belongs to another model (it has {len(rows)} of "
            f"{origin.num_rows} rows and should have {expected} of {spec.num_rows}): {advice}"
        )
    return rows, origin


def _write(path: Path, rows: Tensor, origin: _Origin) -> None:
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    metadata = {
        "prompt": _digest(origin.prompt),
        "text_encoder": origin.text_encoder,
        "tokens": json.dumps(origin.tokens),
        "num_rows": str(origin.num_rows),
        "checksum": _checksum(rows, origin),
    }
    try:
        path.parent.mkdir(exist_ok=True)
        with atomic_path(path, overwrite=True) as temporary:
            save_file({"embedding": rows.contiguous()}, temporary, metadata)
    except (OSError, SafetensorError) as error:
        warnings.warn(
            f"the embedding of the prompt cannot be stored in {path.parent} ({error}), so the "
            "text encoder runs at every start; make the folder writable",
            FreeGvcWarning,
            stacklevel=3,
        )


def _text_width(checkpoint: Checkpoint) -> int:
    config = checkpoint.config("transformer")
    for key in TEXT_WIDTH_KEYS:
        if isinstance(width := config.get(key), int):
            return width
    raise PriorUnavailableError(
        f"the config of {checkpoint.folder / 'transformer'} has no {' or '.join(TEXT_WIDTH_KEYS)}: "
        "choose a model that takes text"
    )


def _digest(prompt: str) -> str:
    try:
        return hashlib.sha256(prompt.encode()).hexdigest()
    except UnicodeEncodeError as error:
        raise UsageError(f"the prompt is not Unicode text ({error}); give plain text") from error


def _checksum(rows: Any, origin: _Origin) -> str:
    raw = rows.contiguous().numpy().astype("<f4").tobytes()
    return hashlib.sha256(origin.identity + raw).hexdigest()
