"""Cutting videos into GOPs."""

from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from freegvc._bitstream import Header
from freegvc._video import FrameSource, Video, cut_gops, open_video
from freegvc._video.gop_plan import plan_gops

lengths = st.integers(1, 12).flatmap(
    lambda length: st.tuples(st.just(length), st.integers(0, length // 2))
)


class Numbered(FrameSource):
    """Frames of one pixel that holds their number; `num_read` counts those that were read."""

    width = height = 1
    frame_rate = Fraction(25)

    def __init__(self, num_frames):
        self.num_read = 0
        self._length = num_frames

    def _frames(self):
        for n in range(self._length):
            self.num_read += 1
            yield np.full((1, 1, 3), n % 256, np.uint8)

    def _count_frames(self):
        return self._length


@given(num_frames=st.integers(1, 60), shape=lengths, longest=st.none() | st.integers(0, 6))
def test_gops_are_those_that_the_header_says(num_frames, shape, longest):
    length, overlap = shape
    plan = plan_gops(num_frames, length, overlap, longest=longest and length + longest, stride=2)
    gops = list(
        cut_gops(
            Numbered(num_frames), length, overlap, longest=longest and length + longest, stride=2
        )
    )
    header = Header(
        last_advance=plan.last_advance,
        width=1,
        height=1,
        num_frames=num_frames,
        frame_rate=Fraction(25),
        gop_length=length,
        overlap=overlap,
        gammas=(64,) if overlap else (),
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
        following = num_frames if gop.is_last else header.gop_frames(k + 1).start
        assert gop.advance == following - gop.first_frame
        assert gop.timestamps is None


def test_memory_is_one_gop_and_half_of_what_the_next_one_brings():
    """The source is never read further beyond the current GOP."""
    source = Numbered(1000)
    for gop in cut_gops(source, 8, 2):
        assert source.num_read <= gop.first_frame + 8 + 3


def test_the_last_gop_has_the_timestamps_of_a_variable_rate():
    stamps = tuple(Fraction(k * k, 100) for k in range(11))
    video = Video(np.zeros((11, 2, 2, 3), np.uint8), Fraction(25), stamps)
    gops = list(cut_gops(open_video(video), 5, 2))
    assert [gop.timestamps for gop in gops] == [None, None, stamps]
