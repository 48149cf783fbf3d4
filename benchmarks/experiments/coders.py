"""The same walks through each channel coder: file bytes and scores at equal stop steps."""

from __future__ import annotations

import time
from collections.abc import Iterator

from benchmarks.codecs.freegvc_codec import compress, decompress
from benchmarks.experiments.base import Experiment, Row
from benchmarks.frames import Frames
from freegvc import StopStep
from freegvc.metrics import MS_SSIM_MIN_SIZE, ms_ssim, psnr
from freegvc.priors import Prior

STOP_STEPS = (860, 800)
CODERS = ("pfr", "trellis")


def measure(name: str, frames: Frames, prior: Prior) -> Iterator[Row]:
    """One row for each stop step and coder."""
    del name
    large_enough = min(frames.shape[1:3]) >= MS_SSIM_MIN_SIZE
    for stop in STOP_STEPS:
        for coder in CODERS:
            began = time.perf_counter()
            compressed, _ = compress(frames, prior, StopStep(stop), {"coder": coder})
            seconds = time.perf_counter() - began
            decoded, _ = decompress(compressed, prior)
            yield {
                "coder": coder,
                "stop_step": stop,
                "bytes": compressed.num_bytes,
                "bpp": round(compressed.bpp, 5),
                "psnr_db": round(float(psnr(frames, decoded).mean()), 3),
                "ms_ssim": round(float(ms_ssim(frames, decoded).mean()), 5)
                if large_enough
                else None,
                "compress_seconds": round(seconds, 2),
            }


CLIPS = ("basketballpass", "foreman_cif_intra.264", "pancake.mkv")
EXPERIMENT = Experiment(__doc__, measure, CLIPS, 48)
