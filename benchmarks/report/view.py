"""A page of `freegvc view` for a study: a sequence, and what each codec made of it at one rate."""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from freegvc._atomic import atomic_path
from freegvc._page.clip import encode_clip
from freegvc._page.view import Version, view_page
from freegvc.metrics import METRICS

if TYPE_CHECKING:
    from benchmarks.codecs.base import Frames
    from benchmarks.report.pictures import Decode


def save_view(
    path: Path, original: Frames, decodes: Mapping[str, Decode], *, title: str, fps: Fraction
) -> None:
    """Write a page that plays the original and each decode in step, with their scores.

    Args:
        path: the HTML file to write; an older one is replaced.
        original: uint8 [T, H, W, 3], RGB.
        decodes: by codec, at about one rate.
        title: of the page.
        fps: frames per second.
    """
    names = [n for n in METRICS if all(n in decode.per_frame for decode in decodes.values())]
    # close from the start: a study has many codecs, and exact clips would take twice the time
    versions = [Version("original", encode_clip(original, pixels="close"))]
    for label, decode in decodes.items():
        scores = {
            name: [math.nan if score is None else score for score in decode.per_frame[name]]
            for name in names
        }
        clip = encode_clip(decode.frames, pixels="close")
        versions.append(Version(label, clip, bpp=decode.bpp, scores=scores))
    metrics = [METRICS[name] for name in names]
    _, parts = view_page(versions, title=title, frame_rate=fps, metrics=metrics, pixels="close")
    with (
        atomic_path(path, overwrite=True) as temporary,
        temporary.open("w", encoding="utf-8") as file,
    ):
        file.writelines(parts)
