"""Files of text embeddings: one tensor in safetensors, and what it was made from.

The embedding is kept in float32, the precision that it was computed in: embeddings of two machines
differ by 1e-6, where float16 would add 5e-4. For the empty prompt such a file has 16 KB (Wan) to
3.7 MB (CogVideoX). The same file is exported to other machines, so nothing in it is trusted.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from freegvc._atomic import atomic_path
from freegvc._bitstream.prompt import MAX_PROMPT_BYTES
from freegvc.errors import PriorUnavailableError
from freegvc.priors.weights import canonical_json

if TYPE_CHECKING:
    from pathlib import Path

FORMAT = "freegvc embedding 1"
MAX_BYTES = 1 << 26  # of a file; 512 rows of 4096 take 2^23
MAX_ROWS = 4096
MAX_TOKEN = (1 << 31) - 1

_DIGEST = re.compile(r"[0-9a-f]{64}")
_DIGEST_OR_NONE = re.compile(r"(?:[0-9a-f]{64})?")
_COMMIT = re.compile(r"[0-9A-Za-z]{0,64}")
_HUB_ID = re.compile(r"(?:(?!.*(?:--|\.\.))[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Origin:
    """What an embedding was made from.

    Attributes:
        prompt: the text.
        tokens: its token ids, without padding.
        num_rows: rows that the transformer takes.
        text_encoder: digest in hex over the text encoder's class, settings and weights.
        hub_id: the model, or "" if it came from a folder.
        commit: of the model on the hub, or "".
        text_encoder_files: digest in hex over the hub's own names of the files, by which a
            text encoder is recognised without a download, or "".
    """

    prompt: str
    tokens: tuple[int, ...]
    num_rows: int
    text_encoder: str
    hub_id: str = ""
    commit: str = ""
    text_encoder_files: str = ""

    @property
    def identity(self) -> bytes:
        """32 bytes over what decides the embedding, as the fingerprint of a prior covers it."""
        decisive = [self.text_encoder, self.tokens, self.num_rows]
        return hashlib.sha256(f"freegvc prompt {json.dumps(decisive)}".encode()).digest()


@dataclass(frozen=True, slots=True)
class Embedding:
    """An embedded text.

    Attributes:
        rows: float32 [rows, width], without rows of zeros at the end.
        origin: what it was made from.
    """

    rows: np.ndarray[Any, np.dtype[np.float32]]
    origin: Origin


def write_embedding(path: Path, embedding: Embedding) -> None:
    """Write an embedding, completely or not at all. An older file is replaced.

    Raises:
        OSError, UsageError: the file cannot be written.
    """
    from safetensors.numpy import save

    origin = embedding.origin
    metadata = {field.name: getattr(origin, field.name) for field in fields(Origin)}
    metadata |= {"tokens": json.dumps(origin.tokens), "num_rows": str(origin.num_rows)}
    metadata |= {"format": FORMAT, "checksum": _checksum(embedding)}
    with atomic_path(path, overwrite=True) as temporary:
        temporary.write_bytes(save({"embedding": embedding.rows}, metadata))


def read_embedding(path: Path) -> Embedding:
    """Read and check a file that `write_embedding` wrote, here or on another machine.

    Raises:
        PriorUnavailableError: the file is missing, is damaged, or is none of these.
    """
    from safetensors import SafetensorError, safe_open

    try:
        if (num_bytes := path.stat().st_size) > MAX_BYTES:
            raise _refused(path, f"has {num_bytes} bytes; the limit is {MAX_BYTES}")
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            if metadata.get("format") != FORMAT:
                raise _refused(path, f"is no file of an embedding (no format {FORMAT!r})")
            if list(file.keys()) != ["embedding"]:
                raise _refused(path, "holds other tensors than an embedding")
            if (dtype := file.get_slice("embedding").get_dtype()) != "F32":
                raise _refused(path, f"holds {dtype} and not F32")
            rows = file.get_tensor("embedding")
        embedding = Embedding(rows, _origin(metadata))
    except OSError as error:
        reason = error.strerror or str(error)
        raise PriorUnavailableError(f"{path} cannot be read ({reason}): name another") from error
    except (SafetensorError, KeyError, ValueError, TypeError, RecursionError) as error:
        raise _refused(path, f"is damaged ({error!r})") from error
    if rows.ndim != 2 or not rows.size or not np.isfinite(rows).all():
        raise _refused(path, f"holds values of shape {rows.shape} that are no rows of finite ones")
    if len(rows) not in (len(embedding.origin.tokens), embedding.origin.num_rows):
        raise _refused(
            path,
            f"has {len(rows)} rows for {len(embedding.origin.tokens)} tokens of at most "
            f"{embedding.origin.num_rows}",
        )
    if metadata.get("checksum") != _checksum(embedding):
        raise _refused(path, "is damaged (its checksum does not match)")
    return embedding


def _origin(metadata: dict[str, str]) -> Origin:
    """The origin in a file's metadata; raises KeyError, ValueError or TypeError if malformed."""
    tokens = json.loads(metadata["tokens"])
    if type(tokens) is not list or not all(type(t) is int and 0 <= t <= MAX_TOKEN for t in tokens):
        raise ValueError(f"tokens must be a list of numbers in 0 .. {MAX_TOKEN}")
    num_rows = int(metadata["num_rows"])
    if not 1 <= len(tokens) <= num_rows <= MAX_ROWS:
        raise ValueError(f"{len(tokens)} tokens and {num_rows} rows; the limit is {MAX_ROWS}")
    if len(metadata["prompt"].encode()) > MAX_PROMPT_BYTES:
        raise ValueError(f"the prompt has more than {MAX_PROMPT_BYTES} bytes")
    patterns = {
        "text_encoder": _DIGEST,
        "hub_id": _HUB_ID,
        "commit": _COMMIT,
        "text_encoder_files": _DIGEST_OR_NONE,
    }
    for key, pattern in patterns.items():
        if not pattern.fullmatch(metadata[key]):
            raise ValueError(f"{key} is {metadata[key][:80]!r}")
    words = {key: metadata[key] for key in patterns}
    return Origin(metadata["prompt"], tuple(tokens), num_rows, **words)


def _checksum(embedding: Embedding) -> str:
    """SHA-256 in hex over origin, shape and values."""
    stated = [getattr(embedding.origin, field.name) for field in fields(Origin)]
    whole = hashlib.sha256(canonical_json([FORMAT, *stated, embedding.rows.shape]))
    whole.update(embedding.rows.astype("<f4").tobytes())
    return whole.hexdigest()


def _refused(path: Path, why: str) -> PriorUnavailableError:
    return PriorUnavailableError(
        f"{path} {why}: delete it, and make it again from text_encoder/ or import it again"
    )
