"""Streams made of fixed or drawn integers."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
from hypothesis import strategies as st

from freegvc._bitstream import Header, Packet, PacketCodec, Step, Stream, Timestamps
from freegvc._bitstream.header import ATTENTIONS, NUMERICS, SAMPLERS
from freegvc._channel.names import CODERS
from freegvc._channel.num_blocks import blocks_of_class, round_num_blocks
from freegvc._channel.pfr.shot import PfrShot
from freegvc._channel.trellis.shot import TrellisShot
from freegvc._video.gop_plan import GopPlan

USUAL = Header(
    width=416,
    height=240,
    num_frames=92,
    frame_rate=Fraction(24000, 1001),
    gop_length=48,
    overlap=4,
    prior="wan2.1-t2v-1.3b",
    tile=(60, 104, 26),
    fingerprint=bytes(range(8)),
    start_timestep=999,
    silent_steps=20,
    numerics="bfloat16",
    attention="flash",
    sampler="dpmpp2m",
    coder="trellis",
)

# the first 15 steps of medium effort on CogVideoX-2B's schedule, and what a GOP of 1,200 bytes has
USUAL_TIMESTEPS = (915, 847, 787, 732, 679, 629, 580, 533, 487, 443, 400, 360, 321, 285, 251)
TRELLIS_BLOCKS = (352, 384, 416, 448, 480, 512, 560, 592, 640, 688, 736, 768, 848, 896, 960)
PFR_BLOCKS = (28, 30, 32, 36, 40, 40, 44, 48, 52, 56, 60, 60, 64, 72, 80)


def packet_codec(coder, start_timestep=999):
    """The codec of packets of a stream with this coder."""
    return PacketCodec(replace(USUAL, coder=coder, start_timestep=start_timestep))


def usual_packet(coder, seed=0):
    """A packet of about 1,200 bytes."""
    rng = np.random.default_rng(seed)
    shots = {
        "trellis": lambda: [TrellisShot(12, rng.integers(0, 2, b)) for b in TRELLIS_BLOCKS],
        "pfr": lambda: [
            PfrShot(16, 12, (2 ** rng.uniform(0, 16, b) - 1).astype(np.int64)) for b in PFR_BLOCKS
        ],
    }[coder]()
    return Packet((), tuple(map(Step, USUAL_TIMESTEPS, shots)))


def small_stream(coder="pfr"):
    """Two GOPs with few steps, timestamps, audio and a prompt: a few hundred bytes."""
    header = replace(USUAL, num_frames=6, gop_length=4, overlap=2, coder=coder)
    rng = np.random.default_rng(7)
    make = {
        "trellis": lambda blocks, gop: TrellisShot(12, rng.integers(0, 2, blocks)),
        "pfr": lambda blocks, gop: PfrShot(8, 6 + gop, rng.integers(0, 256, blocks)),
    }[coder]
    packets = []
    for gop in range(2):
        sizes = ((800, 5), (700, 8 + gop), (620, 16))
        steps = [Step(timestep, make(blocks, gop)) for timestep, blocks in sizes]
        packet = Packet((10, 12, 200), tuple(steps), bytes(range(gop, gop + 8)))
        packets.append(PacketCodec(header).encode(packet, gop))
    ticks = Timestamps((0, 3, 7, 10, 14, 40), Fraction(1, 90))
    return Stream(header, tuple(packets), ticks, b"\x1aE\xdf\xa3audio", "fog over a harbour")


uint32 = st.integers(1, (1 << 32) - 1)
ratios = st.builds(Fraction, uint32, uint32)
prior_ids = st.text("ABCxyz019._/@-", min_size=1, max_size=128)


@st.composite
def tiles(draw):
    """Any grid of tiles."""
    height, width = draw(st.integers(1, 16384)), draw(st.integers(1, 16384))
    return height, width, draw(st.integers(0, min(height, width) - 1))


@st.composite
def headers(draw):
    """Any header with at most 64 GOPs."""
    gop_length = draw(st.integers(1, 4096))
    overlap = draw(st.integers(0, gop_length // 2))
    advance = gop_length - overlap
    num_frames = draw(st.integers(1, min(gop_length + 62 * advance, 1 << 24)))
    plan = GopPlan(num_frames, gop_length, overlap)
    if plan.has_short_rest and max(overlap, 1) < advance and draw(st.booleans()):
        plan = replace(plan, last_advance=draw(st.integers(max(overlap, 1), advance - 1)))
    weights = draw(
        st.lists(
            st.integers(0, 128),
            min_size=min(1, overlap),
            max_size=min(overlap, 256),
        )
    )
    chain = overlap > 0 and draw(st.booleans())
    start_timestep = draw(st.integers(1, 65535))
    width = draw(st.integers(1, 16384))
    tallest = (1 << 31) // (width * plan.longest)
    return Header(
        width=width,
        height=draw(st.integers(1, min(16384, tallest))),
        num_frames=num_frames,
        last_advance=plan.last_advance,
        frame_rate=draw(ratios),
        pixel_aspect=draw(st.just(Fraction(1)) | ratios),
        colour=(
            *draw(st.just((1, 1, 1)) | st.tuples(*[st.integers(0, 255)] * 3)),
            draw(st.booleans()),
        ),
        gop_length=gop_length,
        overlap=overlap,
        chain=chain,
        gammas=() if chain else tuple(weights),
        prior=draw(prior_ids),
        fingerprint=draw(st.binary(min_size=8, max_size=8)),
        numerics=draw(st.sampled_from(NUMERICS)),
        attention=draw(st.sampled_from(ATTENTIONS)),
        tile=draw(st.just((0, 0, 0)) | tiles()),
        vae_tile=draw(st.just((0, 0, 0)) | tiles()),
        start_timestep=start_timestep,
        refine_timestep=draw(st.just(0) | st.integers(0, start_timestep)),
        sampler=draw(st.sampled_from(SAMPLERS)),
        **draw(
            st.builds(dict, silent_steps=st.integers(1, 1000))
            | st.builds(dict, silent_rate=st.integers(1, 1000))
        ),
        coder=draw(st.sampled_from(tuple(CODERS))),
        key=draw(st.integers(0, (1 << 32) - 1)),
    )


@st.composite
def pfr_shots(draw, blocks, rng):
    """Any shot of the PFR coder with this number of blocks."""
    log2_candidates = draw(st.sampled_from((8, 10, 12, 14, 16)))
    high = draw(st.sampled_from((1, 1 << log2_candidates)))
    return PfrShot(log2_candidates, draw(st.integers(1, 24)), rng.integers(0, high, blocks))


@st.composite
def trellis_shots(draw, blocks, rng):
    """Any shot of the trellis coder with about this number of blocks."""
    blocks = round_num_blocks(blocks + draw(st.integers(0, blocks >> 3)), 5)
    return TrellisShot(draw(st.integers(8, 16)), rng.integers(0, 2, blocks))


SHOTS = {"pfr": pfr_shots, "trellis": trellis_shots}


@st.composite
def packets(draw, start_timestep, coder, max_steps=8):
    """Any packet for this header."""
    side = draw(st.lists(st.integers(0, 255), max_size=20))
    timesteps = draw(st.lists(st.integers(0, start_timestep - 1), unique=True, max_size=max_steps))
    steps = []
    rng = np.random.default_rng(draw(st.integers(0, 1 << 32)))
    for timestep in sorted(timesteps, reverse=True):
        blocks = blocks_of_class(draw(st.integers(0, 60)))
        steps.append(Step(timestep, draw(SHOTS[coder](blocks, rng))))
    drift_samples = draw(st.none() | st.binary(min_size=8, max_size=8))
    return Packet(tuple(side), tuple(steps), drift_samples)
