"""Which frames each GOP covers."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freegvc._video.gop_plan import GopPlan, plan_gops

shapes = st.integers(1, 30).flatmap(
    lambda length: st.tuples(st.just(length), st.integers(0, length // 2))
)


def frames_of(plan):
    return [plan.frames(gop) for gop in range(plan.num_gops)]


def check_cover(plan):
    """Each GOP shares exactly the overlap with the next one, and none with the one after."""
    frames = frames_of(plan)
    assert frames[0].start == 0
    assert frames[-1].stop == plan.num_frames
    assert all(a.stop - b.start == plan.overlap for a, b in pairwise(frames))
    assert all(a.stop <= c.start for a, c in zip(frames, frames[2:], strict=False))
    assert [plan.advance(k) for k in range(len(frames))] == [
        *(b.start - a.start for a, b in pairwise(frames)),
        len(frames[-1]),
    ]
    assert plan.longest == max(map(len, frames))
    assert plan.num_coded == sum(map(len, frames))


@given(num_frames=st.integers(1, 200), shape=shapes)
def test_no_gop_brings_less_than_half_and_none_is_much_longer(num_frames, shape):
    plan = plan_gops(num_frames, *shape)
    check_cover(plan)
    usual = plan.usual_advance
    assert all(2 * (len(f) - plan.overlap) >= usual for f in frames_of(plan)[1:])
    assert 2 * (plan.longest - plan.gop_length) < max(usual, 1)
    assert all(len(f) == plan.gop_length for f in frames_of(plan)[:-1])


@given(
    num_frames=st.integers(1, 300),
    shape=shapes,
    more=st.integers(0, 10),
    stride=st.sampled_from((1, 2, 4, 8)),
)
def test_a_limit_holds_where_gops_can_be_divided(num_frames, shape, more, stride):
    length, overlap = shape
    plan = plan_gops(num_frames, length, overlap, longest=length + more, stride=stride)
    check_cover(plan)
    if plan.last_advance:
        assert plan.last_advance % stride == 0
        assert GopPlan(num_frames, length, overlap).longest > length + more
        brought = [len(f) - overlap for f in frames_of(plan)[1:]]
        assert all(2 * new >= plan.usual_advance - stride for new in brought)
    elif plan.longest > length + more:
        # what divides it evenly is not a multiple of the stride, or shorter than the overlap
        assert plan.usual_advance < 2 * max(overlap, stride)


@pytest.mark.parametrize(
    ("num_frames", "longest", "lengths"),
    [
        (48, None, [48]),
        (69, None, [69]),
        (70, None, [48, 26]),
        (92, None, [48, 48]),
        (96, None, [48, 52]),
        (96, 56, [48, 52]),
        (96, 48, [48, 28, 28]),
        (101, 56, [48, 32, 29]),
        (300, None, [48, 48, 48, 48, 48, 48, 36]),
    ],
)
def test_gops_of_usual_videos(num_frames, longest, lengths):
    plan = plan_gops(num_frames, 48, 4, longest=longest, stride=4)
    assert [len(frames) for frames in frames_of(plan)] == lengths


def test_what_is_coded_twice_is_that_of_the_paper():
    """Eq. 18: R_f / R = l K / (l + (K - 1)(l - m)), 1.0435 for l = 48, m = 4, K = 2."""
    plan = GopPlan(92, 48, 4)
    assert (plan.num_gops, plan.num_coded) == (2, 96)
    for number in (1, 2, 3, 10):
        plan = GopPlan(48 + (number - 1) * 44, 48, 4)
        assert plan.num_gops == number
        assert plan.num_coded / plan.num_frames == 48 * number / (48 + (number - 1) * (48 - 4))
