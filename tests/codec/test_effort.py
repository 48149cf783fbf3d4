"""Effort and grid: what the words stand for, and what reaches the stream."""

import dataclasses
import itertools

import pytest

from freegvc import Settings, compress
from freegvc._control.effort import EFFORTS
from freegvc._trajectory import Pace, grid_to
from freegvc.errors import UsageError
from freegvc.priors.analytic import AnalyticPrior

OWN = Pace(AnalyticPrior.defaults.first_step, AnalyticPrior.defaults.growth)


@pytest.fixture(scope="module")
def prior():
    return AnalyticPrior()


def steps_of(compressed):
    return [step.timestep for step in compressed.packet(0).steps]


def test_more_effort_means_finer_steps_and_more_states():
    efforts = list(EFFORTS.values())
    assert list(EFFORTS) == ["fast", "medium", "slow", "best"]
    for less, more in itertools.pairwise(efforts):
        assert less.step_scale > more.step_scale
        assert less.log2_states < more.log2_states
        assert less.max_probes <= more.max_probes
    assert EFFORTS["medium"].step_scale == 1.0  # a prior's defaults are those of medium effort


def test_a_scaled_pace_has_scaled_steps_everywhere():
    pace = Pace(0.05, 1.2)
    for factor in (0.5, 2.0):
        scaled = pace.scaled(factor)
        for root in (0.0, 0.3, 4.0):
            step = pace.first_step + (pace.growth - 1) * root
            assert scaled.first_step + (scaled.growth - 1) * root == pytest.approx(factor * step)


def test_settings_choose_the_pace(prior):
    assert Settings().pace(prior) == OWN
    assert Settings(effort="best").pace(prior) == OWN.scaled(0.5)
    assert Settings(effort="fast", growth=1.3).pace(prior) == Pace(0.2, 1.3)
    assert Settings(first_step=0.01).pace(prior) == Pace(0.01, OWN.growth)


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"effort": "extreme"}, "fast, medium, slow, best"),
        ({"first_step": 0.0}, "above 0"),
        ({"first_step": float("nan")}, "above 0"),
        ({"first_step": float("inf")}, "finite"),
        ({"growth": 0.99}, "at least 1"),
        ({"growth": float("inf")}, "finite"),
    ],
)
def test_what_means_nothing_is_refused(prior, scene, wrong, named):
    with pytest.raises(UsageError, match=named):
        compress(scene(2, 48, 64), stop_step=900, prior=prior, settings=Settings(**wrong))


def test_the_grid_reaches_the_stream(prior, scene):
    settings = Settings(first_step=0.5, growth=1.5)
    coarse = compress(scene(8, 96, 128), stop_step=850, prior=prior, settings=settings)
    grid = grid_to(prior.schedule, 850, Pace(0.5, 1.5))
    steps = steps_of(coarse)
    assert set(steps) <= set(grid)  # small steps are merged
    assert steps[-1] == 850


def test_effort_chooses_the_states_of_the_trellis(prior):
    for word, effort in EFFORTS.items():
        assert Settings(effort=word).channel_coder(prior.device).log2_states == effort.log2_states
    assert Settings(effort="best", coder="pfr").channel_coder(prior.device).name == "pfr"


def test_more_effort_takes_fewer_bytes_to_the_same_noise_level(prior, scene):
    frames = scene(16, 96, 128)
    sizes = [
        compress(frames, stop_step=840, prior=prior, settings=Settings(effort=word)).num_bytes
        for word in ("fast", "best")
    ]
    assert sizes[1] < sizes[0]


def test_the_default_rate_is_the_priors(prior, scene):
    dear, cheap = (
        compress(scene(4, 64, 96), prior=prior_of_rate(prior, bpp)).bpp for bpp in (0.4, 0.2)
    )
    assert 0.2 < dear <= 0.4
    assert 0.1 < cheap <= 0.2


def prior_of_rate(prior, bpp):
    other = AnalyticPrior()
    other.defaults = dataclasses.replace(prior.defaults, bpp=bpp)
    return other
