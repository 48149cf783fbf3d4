"""Reaching points of a walk, whichever order they are asked for in."""

from hypothesis import given
from hypothesis import strategies as st

from freegvc.control import Path
from tests.control.walks import GRID, START, FakeWalk


@given(st.lists(st.floats(0.0, 200_000.0), min_size=1, max_size=6), st.floats(0.95, 1.05))
def test_any_number_of_bits_is_reached_from_below(asked, surprise):
    path = Path(FakeWalk(surprise), GRID)
    end = FakeWalk(surprise)
    for timestep in GRID:
        end.extend(timestep)
    for wanted in asked:
        walk = path.at_bits(wanted)
        next_timestep = FakeWalk(surprise)
        if walk.timestep > 1:
            next_timestep.timesteps.append(walk.timestep - 1)
            grain = next_timestep.num_bits() - walk.num_bits()
            start = path.bits[0]
            assert walk.num_bits() >= min(wanted, end.num_bits()) * 0.89 - grain - start
        if wanted >= path.bits[0]:
            assert walk.num_bits() <= wanted * 1.06 + 500
        # all but the last step are the grid's
        assert set(walk.timesteps[:-1]) <= {START, *GRID}


def test_the_trunk_goes_no_further_than_asked_and_keeps_its_states():
    path = Path(FakeWalk(), GRID)
    far = path.at_bits(60_000.0)
    sent = path.trunk.num_extends
    trunk = list(path.trunk.timesteps)
    assert path.trunk.num_bits() <= 60_000.0
    for wanted in (10_000.0, 55_000.0, 30_000.0):
        path.at_bits(wanted)
    assert path.trunk.num_extends == sent
    assert path.trunk.timesteps == trunk
    assert path.at_bits(60_000.0).timesteps == far.timesteps


@given(st.lists(st.integers(0, START), min_size=1, max_size=5))
def test_any_timestep_is_reached_exactly(asked):
    path = Path(FakeWalk(), GRID)
    for timestep in asked:
        assert path.at_timestep(timestep).timestep == timestep


def test_the_end_of_the_grid_is_the_end():
    path = Path(FakeWalk(), GRID[:3])
    walk = path.at_bits(1e9)
    assert path.has_ended
    assert walk.timestep == GRID[2]
    assert path.at_timestep(0).timestep == GRID[2]
