"""Reaching points of a walk, requested in any order."""

from hypothesis import given
from hypothesis import strategies as st

from freegvc._control.stopping import branch_at_bits, branch_at_timestep, next_timestep
from tests.control.walks import GRID, START, FakeWalk


@given(st.lists(st.floats(0.0, 200_000.0), min_size=1, max_size=6), st.floats(0.95, 1.05))
def test_any_number_of_bits_is_reached_from_below(asked, surprise):
    trunk = FakeWalk(surprise)
    end = FakeWalk(surprise)
    for timestep in GRID:
        end.extend(timestep)
    for wanted in asked:
        walk = branch_at_bits(trunk, GRID, wanted)
        next_walk = FakeWalk(surprise)
        if walk.timestep > 1:
            next_walk.timesteps.append(walk.timestep - 1)
            grain = next_walk.bits[-1] - walk.bits[-1]
            start = trunk.bits[0]
            assert walk.bits[-1] >= min(wanted, end.bits[-1]) * 0.89 - grain - start
        if wanted >= trunk.bits[0]:
            assert walk.bits[-1] <= wanted * 1.06 + 500
        # all but the last step are the grid's
        assert set(walk.timesteps[:-1]) <= {START, *GRID}


def test_the_trunk_goes_no_further_than_asked_and_keeps_its_states():
    trunk = FakeWalk()
    far = branch_at_bits(trunk, GRID, 60_000.0)
    sent = trunk.num_extends
    before = list(trunk.timesteps)
    assert trunk.bits[-1] <= 60_000.0
    for wanted in (10_000.0, 55_000.0, 30_000.0):
        branch_at_bits(trunk, GRID, wanted)
    assert trunk.num_extends == sent
    assert trunk.timesteps == before
    assert branch_at_bits(trunk, GRID, 60_000.0).timesteps == far.timesteps


@given(st.lists(st.integers(0, START), min_size=1, max_size=5))
def test_any_timestep_is_reached_exactly(asked):
    trunk = FakeWalk()
    for timestep in asked:
        assert branch_at_timestep(trunk, GRID, timestep).timestep == timestep


def test_the_end_of_the_grid_is_the_end():
    trunk = FakeWalk()
    walk = branch_at_bits(trunk, GRID[:3], 1e9)
    assert next_timestep(trunk, GRID[:3]) is None
    assert walk.timestep == GRID[2]
    assert branch_at_timestep(trunk, GRID[:3], 0).timestep == GRID[2]


def test_a_timestep_that_the_trunk_has_passed_without_stopping_costs_one_step():
    trunk = FakeWalk()
    branch_at_timestep(trunk, GRID, 400)
    sent = trunk.num_extends
    between = branch_at_timestep(trunk, GRID, 725)
    assert between.timesteps == [START, 900, 800, 725]
    assert trunk.num_extends == sent
