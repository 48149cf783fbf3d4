"""What each effort costs and saves: bytes, model calls and seconds to the same stop step.

Walks to one stop step end at the same noise level, so their pictures are equally good.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

from benchmarks.codecs.freegvc_codec import compress, decompress
from benchmarks.experiments.base import Experiment, Row
from benchmarks.frames import Frames
from freegvc import StopStep
from freegvc._control.effort import EFFORTS
from freegvc.priors import Prior

STOP_SNR = 2.2


def measure(name: str, frames: Frames, prior: Prior) -> Iterator[Row]:
    """One row for each effort."""
    del name
    stop = prior.schedule.noisiest_with(STOP_SNR)
    compress(frames[:8], prior, StopStep(stop))  # what is compiled or loaded once
    for effort in EFFORTS:
        began = time.process_time()
        compressed, _ = compress(frames, prior, StopStep(stop), {"effort": effort})
        encoded = time.process_time()
        decompress(compressed, prior)
        yield {
            "effort": effort,
            "stop_step": stop,
            "bytes": compressed.num_bytes,
            "bpp": round(compressed.bpp, 5),
            "steps": sum(gop.num_steps for gop in compressed.gops),
            "encode_cpu_seconds": round(encoded - began, 2),
            "decode_cpu_seconds": round(time.process_time() - encoded, 2),
        }


EXPERIMENT = Experiment(
    __doc__,
    measure,
    ("basketballpass", "carphone_qcif.mp4"),
    48,
    {"stop_snr": STOP_SNR},
    prior="freegvc-small",
)
