"""Sets of weights in a component's folder, by the names that diffusers and transformers use.

A set is one whole file, or the index of its shards. A folder may hold the same weights in several
precisions: the plain set, and variants such as `model.fp16.safetensors`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from freegvc.errors import PriorUnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterable

PLAIN = ""  # the variant of weights that are none
_BASE = r"(?:diffusion_pytorch_model|model)"
_WHOLE = re.compile(rf"{_BASE}(?:\.(\w+))?\.safetensors", re.ASCII)
_INDEX = re.compile(rf"{_BASE}\.safetensors\.index(?:\.(\w+))?\.json", re.ASCII)


def find_weights(names: Iterable[str], where: str) -> tuple[str, list[str]]:
    """The weights to use: the plain ones, or else the only variant.

    Args:
        names: of the files in a component's folder.
        where: begins the message of an error.

    Returns:
        The variant, and the names of its indices and whole files, indices first. A sound folder
        has one; one without weights in safetensors has none.

    Raises:
        PriorUnavailableError: there are several variants and no plain weights.
    """
    found: dict[str, list[str]] = {}
    for pattern in (_INDEX, _WHOLE):
        for name in sorted(names):
            if match := pattern.fullmatch(name):
                found.setdefault(match[1] or PLAIN, []).append(name)
    if PLAIN in found:
        return PLAIN, found[PLAIN]
    if len(found) > 1:
        raise PriorUnavailableError(
            f"{where} holds weights only in the variants {', '.join(sorted(found))}, and which one "
            "is meant is not clear: keep one of them in a copy of the folder"
        )
    return next(iter(found.items()), (PLAIN, []))


def is_index(name: str) -> bool:
    """Whether the file lists shards."""
    return _INDEX.fullmatch(name) is not None
