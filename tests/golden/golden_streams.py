"""The streams whose bytes must not change, built from fixed integers without any generator.

`python tests/golden/golden_streams.py` writes them anew. That is a change of the bitstream.
"""

from fractions import Fraction
from pathlib import Path

import numpy as np

from freegvc.bitstream import (
    Header,
    Packet,
    Shot,
    Step,
    Stream,
    encode_packet,
    round_num_blocks,
    write_stream,
)

FOLDER = Path(__file__).parent


def _seeds(count, candidates, gop):
    """Squares modulo a prime, small ones often, so that every bucket is hit."""
    squares = np.arange(1, count + 1, dtype=np.int64) ** 2 * (gop + 7) % 65521
    return squares * squares % 65521 * squares % candidates


def build(coder):
    """A stream of two GOPs."""
    header = Header(
        width=416,
        height=240,
        num_frames=92,
        frame_rate=Fraction(24000, 1001),
        pixel_aspect=Fraction(16, 15),
        colour=(6, 5, 1, True),
        gop_length=48,
        overlap=4,
        fusion_weights=(96, 32),
        tile=(60, 90, 15),
        prior="cogvideox-2b",
        fingerprint=bytes(range(8)),
        numerics="bfloat16-fp8",
        attention="flash",
        start_timestep=999,
        sampler="dpmpp2m",
        silent_steps=20,
        refine_timestep=451,
        coder=coder,
        key=123456789,
    )
    packets = []
    for gop in range(2):
        steps = []
        timesteps = (882, 801, 736, 680, 679, 0)
        for timestep, blocks in zip(timesteps, (0, 1, 15, 144, 80, 208), strict=True):
            if coder == "trellis":
                count = round_num_blocks(blocks + blocks // 32, 5)  # PFR could not say it
                mode, high = (14 if timestep < 700 else 12, 1), 2
            else:
                count = blocks
                mode = ((16, 12), (16, 13), (14, 9), (12, 24), (10, 1), (8, 6))[len(steps)]
                high = 1 << mode[0]
            steps.append(Step(timestep, Shot(*mode, _seeds(count, high, gop))))
        # the second packet has lost a step, and its probe with it
        probe = bytes((7, 255, 0, 128, 64, 1, 2, 200)) if gop == 0 else None
        packet = Packet((0, 255, 17, 18, 18), tuple(steps[: 6 - gop]), probe)
        packets.append(encode_packet(packet, start_timestep=999, coder=coder, gop=gop))
    return Stream(header, tuple(packets), audio=b"\x1aE\xdf\xa3 stands for a Matroska file")


if __name__ == "__main__":
    for name in ("trellis", "pfr"):
        (FOLDER / f"{name}.fgvc").write_bytes(write_stream(build(name)))
