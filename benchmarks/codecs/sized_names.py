"""Names of coded files that say the size of the pictures: codecs pad to whole blocks.

A player is told this size by a container; it is the same for all codecs, and in no file's bytes.
"""

from __future__ import annotations

import re
from pathlib import Path

from benchmarks.codecs.base import Frames


def sized_path(folder: Path, setting: str, frames: Frames, suffix: str) -> Path:
    """A file for frames, uint8 [T, H, W, 3], such as crf40_416x240.hevc."""
    _, height, width, _ = frames.shape
    return folder / f"{setting.replace(' ', '')}_{width}x{height}{suffix}"


def size_in_name(path: Path) -> tuple[int, int]:
    """Height and width.

    Raises:
        ValueError: the name is none of `sized_path`.
    """
    match = re.search(r"_(\d+)x(\d+)$", path.stem)
    if match is None:
        raise ValueError(f"{path.name} does not end in a size such as _416x240: name it as before")
    return int(match[2]), int(match[1])
