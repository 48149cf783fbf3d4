"""A stream cut to a rate, beside one that was coded at that rate: bytes and scores.

Both keep the rate. A cut ends between two steps of the longer walk, all GOPs at about one noise
level; when the rate itself is coded, the last GOP goes on until the file is full.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from benchmarks.codecs.freegvc_codec import compress, decompress
from benchmarks.experiments.base import Experiment, Row
from benchmarks.frames import Frames
from freegvc import CompressedVideo, Rate
from freegvc.metrics import lpips, psnr
from freegvc.priors import Prior

CLIPS = ("basketballpass", "pancake.mkv")
RATES_BPP = (0.01, 0.02)
HIGHEST_BPP = 0.04
OPTIONS = {"gop_length": 16, "overlap": 4}  # two GOPs of 28 frames


def measure(name: str, frames: Frames, prior: Prior) -> Iterator[Row]:
    """One row for each rate."""
    del name
    whole, _ = compress(frames, prior, Rate(bpp=HIGHEST_BPP), OPTIONS)
    for bpp in RATES_BPP:
        coded, _ = compress(frames, prior, Rate(bpp=bpp), OPTIONS)
        yield {
            "rate_bpp": bpp,
            "cut": figures(frames, whole.truncate(bpp=bpp), prior),
            "coded": figures(frames, coded, prior),
        }


def figures(frames: Frames, stream: CompressedVideo, prior: Prior) -> dict[str, Any]:
    """Bytes, stop steps and mean scores of a stream."""
    decoded, _ = decompress(stream, prior)
    return {
        "bytes": stream.num_bytes,
        "stop_steps": [gop.stop_step for gop in stream.gops],
        "lpips": round(float(lpips(frames, decoded).mean()), 4),
        "psnr": round(float(psnr(frames, decoded).mean()), 2),
    }


EXPERIMENT = Experiment(
    __doc__,
    measure,
    CLIPS,
    num_frames=28,
    settings={"highest_bpp": HIGHEST_BPP, **OPTIONS},
    max_size=(192, 192),
)
