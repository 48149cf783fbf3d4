"""How small a step may be: bytes of whole packets to one stop step, by the least bits of a step.

All walks to one stop step end at the same noise level, so their pictures are equally good; small
steps cost the coder's overhead, large ones the coarser Riemann sum.
"""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.experiments.base import Experiment, Row
from benchmarks.frames import Frames
from freegvc.bitstream import encode_packet
from freegvc.channel.coders import make_coder
from freegvc.control import worthwhile
from freegvc.priors import Prior
from freegvc.trajectory import Sender, grid_to

CODER = "trellis"
STOP_STEPS = (940, 910, 880)
LEAST_BITS = (0, 10, 20, 40, 60, 100, 200, 400)
FIRST_STEP, GROWTH = 0.02, 1.1  # finer than the codec's own grid, which has no small steps to merge


def measure(name: str, frames: Frames, prior: Prior) -> Iterator[Row]:
    """One row for each stop step and least number of bits."""
    del name
    coder = make_coder(CODER, prior.device)
    latent = prior.encode_frames(frames)
    for stop in STOP_STEPS:
        grid = grid_to(prior.schedule, stop, first_step=FIRST_STEP, growth=GROWTH)
        for least in LEAST_BITS:
            sender = Sender(prior, latent, coder, key=0, gop=0)
            for timestep in worthwhile(sender, grid, least):
                sender.extend(timestep)
            start = prior.schedule.start
            packet = encode_packet(sender.packet(), start_timestep=start, coder=CODER, gop=0)
            yield {
                "stop_step": stop,
                "least_bits": least,
                "steps": sender.num_steps,
                "kl_bits": round(sum(sender.kl_bits)),
                "bytes": len(packet),
            }


SETTINGS = {"coder": CODER, "first_step": FIRST_STEP, "growth": GROWTH}
EXPERIMENT = Experiment(__doc__, measure, ("basketballpass", "carphone_qcif.mp4"), 48, SETTINGS)
