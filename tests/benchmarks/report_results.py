"""Synthetic results for the tests of the report."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.points import Point, SequenceResult

PROVENANCE = {"measured": "2026-01-02", "commit": "0123abc", "versions": {"numpy": "9.9.9"}}


def make_result(
    codec: str = "x265-ra",
    sequence: str = "bikes",
    *,
    dataset: str = "clips",
    sizes: Sequence[int] = (400, 800, 1600, 3200),
    loss: float = 1.0,
    **changes: Any,
) -> SequenceResult:
    """A codec whose LPIPS falls, and whose PSNR rises, with the logarithm of its size."""
    points = tuple(
        Point(
            setting=f"crf {50 - k}",
            num_bytes=size,
            encode_seconds=1.25 + k,
            decode_seconds=0.5,
            per_frame={
                "lpips": [loss * (0.9 - 0.1 * float(np.log2(size / 400)) + d) for d in (0.0, 0.02)],
                "psnr": [20 + 2 * float(np.log2(size / 400)) - 5 * loss] * 2,
            },
        )
        for k, size in enumerate(sizes)
    )
    fields: dict[str, Any] = {
        "dataset": dataset,
        "sequence": sequence,
        "codec": codec,
        "settings": {"library": codec.split("-", maxsplit=1)[0], "preset": "slow"},
        "width": 320,
        "height": 200,
        "num_frames": 2,
        "fps": "25/1",
        "points": points,
        "provenance": PROVENANCE,
    }
    return SequenceResult(**{**fields, **changes})


def save_png(path: Path) -> Path:
    """A picture of 4 x 3 pixels."""
    from PIL import Image

    Image.new("RGB", (4, 3), (200, 30, 30)).save(path)
    return path
