"""Which of several inputs the options of reading are for."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from freegvc._cli.parser import input_options


def is_raw(path: str) -> bool:
    """Whether a file holds samples without a header."""
    return Path(path).suffix.lower() == ".yuv"


def reading_of(arguments: argparse.Namespace, paths: Sequence[str]) -> list[dict[str, Any]]:
    """The keywords of `open_video` for each path.

    What describes a format belongs to the raw videos; without one, to the first path.
    """
    every = input_options(arguments)
    common = {name: every[name] for name in ("strict_input", "deinterlace")}
    are_raw = [is_raw(path) for path in paths]
    described = are_raw if any(are_raw) else [k == 0 for k in range(len(paths))]
    return [every if is_described else common for is_described in described]
