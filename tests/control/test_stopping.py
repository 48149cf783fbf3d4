"""The searches on a walk whose bits and scores have formulas."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freegvc._control.stopping import MIN_STEP_BITS, stop_at_step, stop_within_bytes
from freegvc.errors import TargetError
from tests.control.walks import GRID, START, FakeWalk


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


class WalkWithSamples(FakeWalk):
    """Any step costs eight bytes that no prediction counts, as drift samples do."""

    def num_bytes(self, timestep=None):
        at = self.timestep if timestep is None else timestep
        return super().num_bytes(at) + (8 if at < START else 0)


@pytest.mark.parametrize("scale", [20.0, 0.1, 1e-4, 0.0])
@pytest.mark.parametrize("budget", [60, 63, 67.5, 68, 69, 90])
def test_the_walk_ends_where_every_step_costs_more_than_its_prediction(budget, scale):
    walk = WalkWithSamples(scale=scale)
    stop_within_bytes(walk, GRID, budget, walk.num_bytes)
    assert walk.num_bytes() <= budget
    assert walk.num_extends <= 400
    if budget < 68:
        assert walk.num_steps == 0
