"""Names of what lies beside an output while it is made; none is longer than a name may be."""

import hashlib
import os
import secrets
from pathlib import Path

_LONGEST_STEM = 120  # bytes; a name has at most 255, and a temporary one is longer than its file's
_LONGEST_BESIDE = 251  # leaves room for the ".new" of a journal


def temporary_sibling(path: Path) -> Path:
    """An unused hidden name beside `path`, with its suffix (libraries choose formats by suffix)."""
    return path.with_name(f".{short_stem(path)}.{secrets.token_hex(4)}.tmp{short_suffix(path)}")


def visible_sibling(path: Path) -> Path:
    """An unused name beside `path`, with its suffix, that no run takes for a leftover."""
    return path.with_name(f"{short_stem(path)}.{secrets.token_hex(4)}{short_suffix(path)}")


def name_beside(path: Path, ending: str) -> Path:
    """The name of what a run keeps beside `path` for a later one, which finds it by the same name.

    Args:
        path: of the output.
        ending: such as ".journal"; it follows the output's name, or what there is room for.
    """
    name = path.name
    if len(os.fsencode(name + ending)) > _LONGEST_BESIDE:
        digest = hashlib.blake2b(os.fsencode(name), digest_size=4).hexdigest()
        name = f"{short_stem(path)}.{digest}"
    return path.with_name(name + ending)


def short_stem(path: Path) -> str:
    """As much of the stem as leaves room for more."""
    stem = path.stem
    while len(os.fsencode(stem)) > _LONGEST_STEM:
        stem = stem[:-1]
    return stem


def short_suffix(path: Path) -> str:
    """The suffix, unless it is a long one, and no suffix then."""
    return path.suffix if len(os.fsencode(path.suffix)) < _LONGEST_STEM else ""
