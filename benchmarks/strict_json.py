"""JSON files from elsewhere, read without the leniences of Python's reader."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NoReturn

MAX_BYTES = 64 << 20


class FileFormatError(ValueError):
    """A file is not what it should be; the message names the file and what is wrong in it."""


def read_json(path: Path) -> Any:
    """The content of a file.

    Raises:
        FileFormatError: not JSON, larger than `MAX_BYTES`, nested too deep, with a key twice, or
            with NaN or infinity.
        OSError: it cannot be read.
    """
    if path.stat().st_size > MAX_BYTES:
        raise FileFormatError(f"{path} is larger than {MAX_BYTES} bytes")
    try:
        return json.loads(
            path.read_text(encoding="utf-8"),
            object_pairs_hook=_unique_keys,
            parse_constant=_refuse_constant,
        )
    except RecursionError:
        raise FileFormatError(f"{path} is nested too deep") from None
    except ValueError as error:  # of the reader, of UTF-8, of an integer with too many digits
        raise FileFormatError(f"{path} is no JSON that can be used: {error}") from error


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"the key {key!r} is there twice")
        found[key] = value
    return found


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")
