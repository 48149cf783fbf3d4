"""The searches on a walk whose bits and scores have formulas."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freegvc.control import stop_at_quality, stop_at_step, stop_within_bytes
from freegvc.control.stopping import MIN_STEP_BITS
from freegvc.errors import TargetError

START = 1000
GRID = [900, 800, 650, 500, 400, 300, 200, 150, 100, 50, 20, 0]


class FakeWalk:
    """Bits grow as the timestep falls; the coder spends `surprise` times the prediction."""

    def __init__(self, surprise=1.0, scale=20.0):
        self.surprise, self.scale = surprise, scale
        self.timesteps = [START]
        self.num_extends = 0

    @property
    def timestep(self):
        return self.timesteps[-1]

    @property
    def num_steps(self):
        return len(self.timesteps) - 1

    def bits_at(self, timestep):
        return self.scale * (START - timestep) ** 1.3

    def step_bits(self, timestep):
        return self.bits_at(timestep) - self.bits_at(self.timestep)

    def extend(self, timestep):
        assert timestep < self.timestep
        self.timesteps.append(timestep)
        self.num_extends += 1

    def rewind(self, num_steps):
        del self.timesteps[num_steps + 1 :]

    def num_bytes(self):
        return 60 + int(self.surprise * self.bits_at(self.timestep) / 8)

    def score(self, num_steps):
        return 40.0 - self.timesteps[num_steps] / 50


def test_small_steps_are_merged_and_the_last_one_stays():
    walk = FakeWalk(scale=0.1)  # the first step is worth 40 bits, the first two 98
    stop_at_step(walk, GRID)
    assert walk.timesteps[-1] == 0
    assert 900 not in walk.timesteps
    steps = list(pairwise(walk.timesteps))
    bits = [walk.bits_at(s) - walk.bits_at(t) for t, s in steps[:-1]]
    assert min(bits) >= MIN_STEP_BITS
    few = FakeWalk(scale=0.1)
    stop_at_step(few, [950, 940])
    assert few.timesteps == [START, 940]


def test_stop_at_step_walks_the_grid():
    walk = FakeWalk()
    stop_at_step(walk, GRID[:4])
    assert walk.timesteps == [START, *GRID[:4]]


@given(budget=st.floats(61, 30_000), surprise=st.floats(0.9, 1.2))
def test_budget_is_never_exceeded_and_is_used(budget, surprise):
    walk = FakeWalk(surprise)
    stop_within_bytes(walk, GRID, budget, walk.num_bytes)
    assert walk.num_bytes() <= budget
    one_more = walk.surprise * walk.step_bits(walk.timestep - 1) / 8 if walk.timestep else 0
    at_the_end = walk.timestep == 0
    assert at_the_end or walk.num_bytes() >= 0.97 * budget - one_more - 1
    assert walk.num_extends <= len(GRID) + 25


def test_budget_below_the_header_is_an_error():
    walk = FakeWalk()
    with pytest.raises(TargetError, match="60 bytes"):
        stop_within_bytes(walk, GRID, 59, walk.num_bytes)


@given(target=st.floats(20.0, 40.0))
def test_quality_stops_at_the_first_step_that_reaches_it(target):
    walk = FakeWalk()
    reached = stop_at_quality(walk, GRID, target, walk.score)
    assert reached == walk.score(walk.num_steps) >= target
    assert walk.num_steps == 0 or walk.score(walk.num_steps - 1) < target
    probes_allowed = len(GRID) // 4 + 1 + 2
    assert walk.num_extends <= 4 * probes_allowed


def test_unreachable_quality_is_an_error_that_says_how_far_it_goes():
    walk = FakeWalk()
    with pytest.raises(TargetError, match="reaches 40 "):
        stop_at_quality(walk, GRID, 41.0, walk.score)
