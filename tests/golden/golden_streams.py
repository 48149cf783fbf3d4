"""The streams whose bytes must not change, built from fixed integers without any generator.

`python tests/golden/golden_streams.py` writes them again. That is a change of the bitstream.
"""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np

from freegvc._bitstream import Header, Packet, PacketCodec, Step, Stream, write_stream
from freegvc._channel.num_blocks import round_num_blocks
from freegvc._channel.pfr.shot import PfrShot
from freegvc._channel.trellis.shot import TrellisShot

FOLDER = Path(__file__).parent


def _seeds(count, candidates, gop):
    """Squares modulo a prime, small ones often, so that every bucket is hit."""
    squares = np.arange(1, count + 1, dtype=np.int64) ** 2 * (gop + 7) % 65521
    return squares * squares % 65521 * squares % candidates


def _pfr_shot(timestep, index, blocks, gop):
    mode = ((16, 12), (16, 13), (14, 9), (12, 24), (10, 1), (8, 6))[index]
    return PfrShot(*mode, _seeds(blocks, 1 << mode[0], gop))


def _trellis_shot(timestep, index, blocks, gop):
    count = round_num_blocks(blocks + blocks // 32, 5)  # not a number of blocks of PFR
    return TrellisShot(14 if timestep < 700 else 12, _seeds(count, 2, gop))


SHOTS = {"pfr": _pfr_shot, "trellis": _trellis_shot}


STREAMS = {
    "trellis": {"coder": "trellis"},
    "pfr": {"coder": "pfr", "silent_rate": 0, "silent_steps": 20},
    "divided": {"coder": "trellis", "num_frames": 53, "last_advance": 28},
    "chained": {"coder": "trellis", "chain": True, "gammas": ()},
}


def build(name):
    """A stream of two GOPs."""
    usual = Header(
        width=416,
        height=240,
        num_frames=92,
        frame_rate=Fraction(24000, 1001),
        pixel_aspect=Fraction(16, 15),
        colour=(6, 5, 1, True),
        gop_length=48,
        overlap=4,
        gammas=(96, 32),
        tile=(60, 90, 15),
        vae_tile=(34, 50, 8),
        prior="cogvideox-2b",
        fingerprint=bytes(range(8)),
        numerics="bfloat16-fp8",
        attention="flash",
        start_timestep=999,
        sampler="dpmpp2m",
        silent_rate=12,
        refine_timestep=451,
        key=123456789,
    )
    header = replace(usual, **STREAMS[name])
    packets = []
    for gop in range(2):
        steps = []
        timesteps = (882, 801, 736, 680, 679, 0)
        for timestep, blocks in zip(timesteps, (0, 1, 15, 144, 80, 208), strict=True):
            steps.append(Step(timestep, SHOTS[header.coder](timestep, len(steps), blocks, gop)))
        # the second packet has lost a step, and with it its drift samples
        samples = bytes((7, 255, 0, 128, 64, 1, 2, 200)) if gop == 0 else None
        packet = Packet((0, 255, 17, 18, 18), tuple(steps[: 6 - gop]), samples)
        packets.append(PacketCodec(header).encode(packet, gop))
    return Stream(header, tuple(packets), audio=b"\x1aE\xdf\xa3 stands for a Matroska file")


if __name__ == "__main__":
    for name in STREAMS:
        (FOLDER / f"{name}.fgvc").write_bytes(write_stream(build(name)))
