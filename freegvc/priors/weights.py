"""Safetensors files: their headers, and digests of the weights in them.

A digest covers the name, dtype, shape and raw bytes of every tensor. It does not depend on the
order of the tensors, on how they are spread over files, or on the files' metadata. The digests of
a file's tensors are cached in the user's cache folder, so gigabytes are hashed only once.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from freegvc._atomic import atomic_path
from freegvc.errors import FreeGvcError, PriorUnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MAX_HEADER_BYTES = 100_000_000  # the format's own limit
CHUNK_BYTES = 1 << 20
HASHING_THREADS = 2  # hashlib releases the GIL
SETTLED_NS = 2 * 10**9  # a younger file may change again without a change of its time stamp
CACHE_VERSION = 1


@dataclass(frozen=True, slots=True)
class TensorEntry:
    """One tensor in the header of a safetensors file.

    Attributes:
        dtype: in the format's own names, such as "F32" or "BF16".
        shape: its dimensions.
        start, end: byte offsets of its data in the file.
    """

    dtype: str
    shape: tuple[int, ...]
    start: int
    end: int


def weights_digest(files: Iterable[Path]) -> bytes:
    """SHA-256 over the tensors of one or more safetensors files; how they are split has no effect.

    Raises:
        PriorUnavailableError: a file is missing or damaged, or two files hold a tensor of the same
            name.
    """
    tensors: dict[str, list[Any]] = {}
    for file in files:
        for name, described in _described_tensors(file).items():
            if name in tensors:
                raise PriorUnavailableError(
                    f"{file} holds tensor {name!r}, which another file of the same model also "
                    "holds: remove the files that do not belong to the model"
                )
            tensors[name] = described
    return hashlib.sha256(canonical_json(tensors)).digest()


def read_header(path: Path) -> dict[str, TensorEntry]:
    """The tensors of a safetensors file by name, checked to cover its data without gaps.

    Only the header is read.

    Raises:
        PriorUnavailableError: the file is missing, or is not a whole safetensors file.
    """
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            length = int.from_bytes(file.read(8), "little")
            if size < 8 or length > min(size - 8, MAX_HEADER_BYTES):
                raise _damaged(path, f"its header claims {length} of its {size} bytes")
            header = json.loads(file.read(length))
        header.pop("__metadata__", None)
        entries = {name: _entry(fields, 8 + length) for name, fields in header.items()}
    except OSError as error:
        raise PriorUnavailableError(
            f"{path} cannot be read: {error.strerror}; fetch the model again"
        ) from error
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError) as error:
        raise _damaged(path, f"its header is not that of a safetensors file ({error!r})") from error
    ranges = sorted((entry.start, entry.end) for entry in entries.values())
    bounds = [(0, 8 + length), *ranges, (size, size)]
    if any(end != start for (_, end), (start, _) in pairwise(bounds)):
        raise _damaged(path, f"its tensors do not fill its {size} bytes: it may be cut short")
    return entries


def canonical_json(value: Any) -> bytes:
    """JSON in one fixed spelling: sorted keys, no spaces."""
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def cache_folder() -> Path:
    """Folder of the digests: $FREEGVC_CACHE, $XDG_CACHE_HOME/freegvc or ~/.cache/freegvc."""
    if own := os.environ.get("FREEGVC_CACHE"):
        return Path(own)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "freegvc"


def _entry(fields: dict[str, Any], data_start: int) -> TensorEntry:
    """One entry of a header; raises ValueError, KeyError or TypeError if it is malformed."""
    start, end = fields["data_offsets"]
    numbers = [start, end, *fields["shape"]]
    if not all(type(n) is int and n >= 0 for n in numbers) or type(fields["dtype"]) is not str:
        raise ValueError(f"{fields} does not describe a tensor")
    if end < start or (end > start) != (math.prod(fields["shape"]) > 0):
        raise ValueError(f"{fields} has more or fewer bytes than its shape")
    return TensorEntry(
        fields["dtype"], tuple(fields["shape"]), data_start + start, data_start + end
    )


def _damaged(path: Path, why: str) -> PriorUnavailableError:
    return PriorUnavailableError(f"{path} is damaged: {why}; delete it and fetch the model again")


def _described_tensors(path: Path) -> dict[str, list[Any]]:
    """Tensor name to [dtype, shape, SHA-256 of its bytes in hex], from the cache if possible."""
    entries = read_header(path)
    resolved = path.resolve()
    before = _identity(resolved)
    cached = (
        cache_folder() / "digests" / f"{hashlib.sha256(str(resolved).encode()).hexdigest()}.json"
    )
    digests = _read_cache(cached, before)
    if digests is None or digests.keys() != entries.keys():
        digests = _hash_tensors(resolved, entries)
        if _identity(resolved) == before and before["mtime_ns"] < time.time_ns() - SETTLED_NS:
            _write_cache(cached, before, digests)
    return {name: [e.dtype, list(e.shape), digests[name]] for name, e in entries.items()}


def _identity(path: Path) -> dict[str, Any]:
    """Facts that show whether a file has changed, without reading it."""
    status = path.stat()
    return {
        "path": str(path),
        "size": status.st_size,
        "mtime_ns": status.st_mtime_ns,
        "inode": status.st_ino,
    }


def _hash_tensors(path: Path, entries: Mapping[str, TensorEntry]) -> dict[str, str]:
    def hash_one(entry: TensorEntry) -> str:
        digest = hashlib.sha256()
        buffer = memoryview(bytearray(min(CHUNK_BYTES, entry.end - entry.start)))
        with path.open("rb") as file:
            file.seek(entry.start)
            left = entry.end - entry.start
            while left:
                count = file.readinto(buffer[: min(left, len(buffer))])
                if not count:
                    raise _damaged(path, f"it ends {left} bytes early")
                digest.update(buffer[:count])
                left -= count
        return digest.hexdigest()

    try:
        with ThreadPoolExecutor(HASHING_THREADS) as pool:
            return dict(zip(entries, pool.map(hash_one, entries.values()), strict=True))
    except OSError as error:
        raise PriorUnavailableError(f"{path} cannot be read: {error.strerror}") from error


def _read_cache(path: Path, identity: dict[str, Any]) -> dict[str, str] | None:
    """Digests by tensor name; None unless the cache entry is intact and of this very file."""
    try:
        content = json.loads(path.read_bytes())
        body = content["body"]
        is_whole = content["sha256"] == hashlib.sha256(canonical_json(body)).hexdigest()
        if is_whole and body["version"] == CACHE_VERSION and body["identity"] == identity:
            digests: dict[str, str] = body["digests"]
            return digests
    except (OSError, ValueError, RecursionError, KeyError, TypeError):
        return None  # missing or damaged: the tensors are hashed again
    return None


def _write_cache(path: Path, identity: dict[str, Any], digests: dict[str, str]) -> None:
    body = {"version": CACHE_VERSION, "identity": identity, "digests": digests}
    content = {"body": body, "sha256": hashlib.sha256(canonical_json(body)).hexdigest()}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_path(path, overwrite=True) as temporary:
            temporary.write_bytes(canonical_json(content))
    except (OSError, FreeGvcError):
        return  # without a cache the tensors are hashed again next time
