"""Cutting frames into GOPs."""

from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from freegvc.bitstream import Header
from freegvc.video import cut_gops

lengths = st.integers(1, 12).flatmap(
    lambda length: st.tuples(st.just(length), st.integers(0, length // 2))
)


def numbered(num_frames):
    for n in range(num_frames):
        yield np.full((1, 1, 3), n % 256, np.uint8)


@given(num_frames=st.integers(1, 60), shape=lengths)
def test_gops_are_those_that_the_header_says(num_frames, shape):
    length, overlap = shape
    gops = list(cut_gops(numbered(num_frames), length, overlap))
    header = Header(
        width=1,
        height=1,
        num_frames=num_frames,
        frame_rate=Fraction(25),
        gop_length=length,
        overlap=overlap,
        fusion_weights=(64,) if overlap else (),
        prior="analytic",
        fingerprint=bytes(8),
        start_timestep=1000,
        silent_steps=1,
    )
    assert len(gops) == header.num_gops
    for k, gop in enumerate(gops):
        expected = header.gop_frames(k)
        assert gop.index == k
        assert gop.first_frame == expected.start
        assert gop.frames[:, 0, 0, 0].tolist() == [n % 256 for n in expected]
        assert gop.is_last == (k == len(gops) - 1)


def test_memory_is_one_gop_and_one_frame():
    """The source is never read further than one frame beyond the GOP at hand."""
    read = []

    def counted():
        for n in range(1000):
            read.append(n)
            yield np.zeros((1, 1, 3), np.uint8)

    for gop in cut_gops(counted(), 8, 2):
        assert len(read) <= gop.first_frame + 8 + 1
