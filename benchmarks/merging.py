"""How small a step may be: bytes of whole packets to one stop step, by the least bits of a step.

python -m benchmarks.merging VIDEO [VIDEO ...]

All walks to one stop step end at the same noise level, so their pictures are equally good; small
steps cost the coder's overhead, large ones the coarser Riemann sum.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.frames import first_frames
from benchmarks.record import RESULTS, write_record
from freegvc.bitstream import PacketCodec
from freegvc.channel.coders import make_coder
from freegvc.control import worthwhile
from freegvc.priors import load_prior
from freegvc.trajectory import Sender, grid_to

STOP_STEPS = (940, 910, 880)
LEAST_BITS = (0, 10, 20, 40, 60, 100, 200, 400)
FIRST_STEP, GROWTH = 0.02, 1.1  # finer than the codec's own grid, which has no small steps to merge


class Context(NamedTuple):
    """What the packets depend on."""

    start_timestep: int
    coder: str


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("videos", type=Path, nargs="+")
    parser.add_argument("--frames", type=int, default=48)
    parser.add_argument("--coder", default="trellis")
    parser.add_argument("--out", type=Path, default=RESULTS / "merging.json")
    options = parser.parse_args()
    prior, coder = load_prior(), make_coder(options.coder)
    codec = PacketCodec(Context(prior.schedule.start, coder.name))
    rows: list[dict[str, Any]] = []
    for video in options.videos:
        frames = first_frames(video, options.frames)
        latent = prior.encode_frames(frames)
        for stop in STOP_STEPS:
            grid = grid_to(prior.schedule, stop, first_step=FIRST_STEP, growth=GROWTH)
            for least in LEAST_BITS:
                sender = Sender(prior, latent, coder, key=0, gop=0)
                for timestep in worthwhile(sender, grid, least):
                    sender.extend(timestep)
                packet = codec.encode(sender.packet(), gop=0)
                rows.append(
                    {
                        "video": video.name,
                        "stop_step": stop,
                        "least_bits": least,
                        "steps": sender.num_steps,
                        "kl_bits": round(sum(sender.kl_bits)),
                        "bytes": len(packet),
                    }
                )
                print(rows[-1], flush=True)
    settings = {"coder": options.coder, "frames": options.frames}
    settings |= {"first_step": FIRST_STEP, "growth": GROWTH}
    write_record(options.out, {"settings": settings, "walks": rows})


if __name__ == "__main__":
    main()
