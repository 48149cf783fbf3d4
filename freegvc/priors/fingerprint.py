"""Fingerprints of weights: equal for equal tensors, however files are cut, named or saved again.

A component's digest covers every tensor's name, dtype, shape and raw bytes, and what its config
says of the model. Neither order nor sharding nor metadata of the files matters. Digests of tensors
are kept in the user's cache folder by the file's identity, so gigabytes are hashed only once.
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

from freegvc.atomic import atomic_path
from freegvc.errors import FreeGvcError, PriorUnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from freegvc.diffusion.levels import NoiseSchedule
    from freegvc.priors.checkpoint import Checkpoint
    from freegvc.priors.prompt import Prompt

FINGERPRINT_BYTES = 8
MAX_HEADER_BYTES = 100_000_000  # the format's own limit
CHUNK_BYTES = 1 << 20
HASHING_THREADS = 2  # hashlib releases the GIL
SETTLED_NS = 2 * 10**9  # a file as young as this may change again within its time stamp
CACHE_VERSION = 1


@dataclass(frozen=True, slots=True)
class TensorEntry:
    """What the header of a safetensors file says of one tensor.

    Attributes:
        dtype: the format's name of it, such as "F32" or "BF16".
        shape: its dimensions.
        start, end: where its bytes lie in the file.
    """

    dtype: str
    shape: tuple[int, ...]
    start: int
    end: int


def fingerprint(
    checkpoint: Checkpoint, prompt: Prompt, schedule: NoiseSchedule, *, version: int = 1
) -> bytes:
    """Eight bytes that name everything that a diffusers prior's predictions depend on.

    Args:
        checkpoint: the folder; its transformer and VAE enter with weights and configs.
        prompt: the text; its identity enters.
        schedule: the noise table; it enters in float32, because libraries that compute it differ
            in the last bits of float64.
        version: of the adapter; raise it when the same weights predict something else.

    Raises:
        PriorUnavailableError: a file is missing or damaged.
    """
    whole = hashlib.sha256(f"freegvc prior {version}\n".encode())
    for subfolder in ("transformer", "vae"):
        config = checkpoint.config(subfolder)
        whole.update(config_digest(config))
        whole.update(weights_digest(checkpoint.weight_files(subfolder)))
    whole.update(hashlib.sha256(prompt.identity).digest())
    for table in (schedule.alpha, schedule.sigma):
        whole.update(table.astype("<f4").tobytes())
    return whole.digest()[:FINGERPRINT_BYTES]


def config_digest(config: Mapping[str, Any]) -> bytes:
    """SHA-256 of a config.json: canonical JSON without its notes (`_*`) but with the class."""
    kept = {k: v for k, v in config.items() if k == "_class_name" or not k.startswith("_")}
    return hashlib.sha256(_canonical(kept)).digest()


def weights_digest(files: Iterable[Path]) -> bytes:
    """SHA-256 over the tensors of safetensors files, whichever file each of them is in.

    Raises:
        PriorUnavailableError: a file is missing or damaged, or two hold a tensor of one name.
    """
    tensors: dict[str, list[Any]] = {}
    for file in files:
        for name, described in _described_tensors(file).items():
            if name in tensors:
                raise PriorUnavailableError(
                    f"{file} holds tensor {name!r}, which another file of the same model holds "
                    "too: remove the files that do not belong to it"
                )
            tensors[name] = described
    return hashlib.sha256(_canonical(tensors)).digest()


def read_header(path: Path) -> dict[str, TensorEntry]:
    """The tensors of a safetensors file, checked to cover its data exactly, without reading it.

    Raises:
        PriorUnavailableError: the file is missing, or is not a whole safetensors file.
    """
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            length = int.from_bytes(file.read(8), "little")
            if size < 8 or length > min(size - 8, MAX_HEADER_BYTES):
                raise _damaged(path, f"its header should take {length} of its {size} bytes")
            header = json.loads(file.read(length))
        header.pop("__metadata__", None)
        entries = {name: _entry(fields, 8 + length) for name, fields in header.items()}
    except OSError as error:
        raise PriorUnavailableError(
            f"{path} cannot be read: {error.strerror}; fetch the model again"
        ) from error
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError) as error:
        raise _damaged(path, f"its header is not one of a safetensors file ({error!r})") from error
    ranges = sorted((entry.start, entry.end) for entry in entries.values())
    bounds = [(0, 8 + length), *ranges, (size, size)]
    if any(end != start for (_, end), (start, _) in pairwise(bounds)):
        raise _damaged(path, f"its tensors do not fill its {size} bytes: it may be cut short")
    return entries


def cache_folder() -> Path:
    """Where digests are kept: $FREEGVC_CACHE, $XDG_CACHE_HOME/freegvc or ~/.cache/freegvc."""
    if own := os.environ.get("FREEGVC_CACHE"):
        return Path(own)
    shared = os.environ.get("XDG_CACHE_HOME")
    return (Path(shared) if shared else Path.home() / ".cache") / "freegvc"


def _entry(fields: dict[str, Any], data_start: int) -> TensorEntry:
    """One entry of a header; raises ValueError, KeyError or TypeError if it is not one."""
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


def _canonical(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def _described_tensors(path: Path) -> dict[str, list[Any]]:
    """Tensor name to [dtype, shape, SHA-256 of its bytes in hex], from the cache if it is there."""
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
    """What tells whether a file is still the same one without reading it."""
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
    """Digests by tensor name; None unless the file is whole and about this very file."""
    try:
        content = json.loads(path.read_bytes())
        body = content["body"]
        is_whole = content["sha256"] == hashlib.sha256(_canonical(body)).hexdigest()
        if is_whole and body["version"] == CACHE_VERSION and body["identity"] == identity:
            digests: dict[str, str] = body["digests"]
            return digests
    except (OSError, ValueError, RecursionError, KeyError, TypeError):
        return None  # not there, or damaged: the tensors are hashed again
    return None


def _write_cache(path: Path, identity: dict[str, Any], digests: dict[str, str]) -> None:
    body = {"version": CACHE_VERSION, "identity": identity, "digests": digests}
    content = {"body": body, "sha256": hashlib.sha256(_canonical(body)).hexdigest()}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_path(path, overwrite=True) as temporary:
            temporary.write_bytes(_canonical(content))
    except (OSError, FreeGvcError):
        return  # a cache that cannot be written costs time, nothing else
