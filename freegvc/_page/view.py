"""The page of `freegvc view`: a source and versions of it, their scores, GOPs of streams."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import TYPE_CHECKING

from freegvc._page.assembly import STATIC, assemble
from freegvc._page.clip import PageClip
from freegvc._page.fitting import fitted

if TYPE_CHECKING:
    from freegvc._page.clip import Pixels
    from freegvc.metrics import ScoreScale


@dataclass(frozen=True, slots=True)
class ViewedGop:
    """A GOP of a stream.

    Attributes:
        number: in the stream.
        frames: those of the page that it shows.
        bits: of its packet.
        bpp: bits per pixel of the frames that it covers.
    """

    number: int
    frames: range
    bits: int
    bpp: float


@dataclass(frozen=True, slots=True)
class Version:
    """A video of the page.

    Attributes:
        name: any text.
        clip: its frames.
        num_bytes: of its file; None if it has none.
        bpp: bits per pixel of all its frames; None if it is not known.
        gops: of a stream, in order.
        scores: of each frame of the page, by metric; NaN where a frame has no score.
    """

    name: str
    clip: PageClip
    num_bytes: int | None = None
    bpp: float | None = None
    gops: Sequence[ViewedGop] = ()
    scores: Mapping[str, Sequence[float]] = field(default_factory=dict)


def view_page(
    versions: Sequence[Version],
    *,
    title: str,
    frame_rate: Fraction | float,
    metrics: Sequence[ScoreScale] = (),
    first_frame: int = 0,
    pixels: Pixels | None = None,
    remark: str = "",
) -> tuple[str, Iterator[str]]:
    """What the page embeds, as a sentence, and the parts of the page.

    Args:
        versions: the source, then the others, with clips of one size and length; as for `fitted`.
        title: of the page.
        frame_rate: frames per second.
        metrics: the scales of the scores that are shown.
        first_frame: number of the first frame of the clips in the video.
        pixels: as for `fitted`.
        remark: a sentence for the reader, after what is said of the pictures.

    Raises:
        UsageError: the page would be too large.
    """
    clips = fitted([version.clip for version in versions], pixels)
    versions = [replace(version, clip=clip) for version, clip in zip(versions, clips, strict=True)]
    about = _about(clips, first_frame)
    data = {
        "frameRate": float(frame_rate),
        "first": first_frame,
        "about": f"{about} {remark}".strip(),
        "metrics": [
            {
                "name": metric.name,
                "label": metric.label,
                "unit": metric.unit,
                "decimals": metric.decimals,
                "higherIsBetter": metric.higher_is_better,
            }
            for metric in metrics
        ],
        "versions": [_described(version) for version in versions],
    }
    return about, assemble(STATIC / "view", title=title, data=data, clips=clips)


def _about(clips: Sequence[PageClip], first_frame: int) -> str:
    clip = clips[0]
    last = first_frame + clip.num_frames - 1
    worst = max(clip.max_error for clip in clips)
    exact = f"samples are off by at most {worst} of 255" if worst else "every sample is exact"
    return f"Frames {first_frame} to {last}, {clip.width}x{clip.height}; {exact}."


def _described(version: Version) -> dict[str, object]:
    scores = {name: [_finite(v) for v in values] for name, values in version.scores.items()}
    return {
        "name": version.name,
        "numBytes": version.num_bytes,
        "bpp": version.bpp,
        "gops": [
            {
                "number": gop.number,
                "first": gop.frames.start,
                "length": len(gop.frames),
                "bits": gop.bits,
                "bpp": gop.bpp,
            }
            for gop in version.gops
        ],
        "scores": scores,
        "means": {name: _mean(values) for name, values in scores.items()},
    }


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
