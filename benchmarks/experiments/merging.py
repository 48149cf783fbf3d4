"""How small a step may be: bytes of whole packets to one stop step, by the least bits of a step.

All walks to one stop step end at the same noise level, so their pictures are equally good; small
steps cost the coder's overhead, large ones the coarser Riemann sum.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.experiments.base import Experiment, Row
from benchmarks.frames import Frames
from freegvc._bitstream import PacketCodec
from freegvc._channel.coders import make_coder
from freegvc._control.stopping import next_timestep
from freegvc._trajectory import Pace, Sender, grid_to
from freegvc.priors import Prior

CODER = "trellis"
STOP_STEPS = (940, 910, 880)
LEAST_BITS = (0, 10, 20, 40, 60, 100, 200, 400)
PACE = Pace(0.02, 1.1)  # finer than the codec's own grid, which has no small steps to merge


@dataclass(frozen=True)
class _Stream:
    """What packets depend on."""

    start_timestep: int
    coder: str = CODER


def measure(name: str, frames: Frames, prior: Prior) -> Iterator[Row]:
    """One row for each stop step and least number of bits."""
    del name
    coder = make_coder(CODER, prior.device)
    packets = PacketCodec(_Stream(prior.schedule.start))
    latent = prior.encode_frames(frames)
    for stop in STOP_STEPS:
        grid = grid_to(prior.schedule, stop, PACE)
        for least in LEAST_BITS:
            sender = Sender(prior, latent, coder, packets, key=0, gop=0)
            while (timestep := next_timestep(sender, grid, least)) is not None:
                sender.extend(timestep)
            yield {
                "stop_step": stop,
                "least_bits": least,
                "steps": sender.num_steps,
                "kl_bits": round(sum(sender.kl_bits)),
                "bytes": sender.bits[-1] // 8,
            }


SETTINGS = {"coder": CODER, "first_step": PACE.first_step, "growth": PACE.growth}
EXPERIMENT = Experiment(__doc__, measure, ("basketballpass", "carphone_qcif.mp4"), 48, SETTINGS)
