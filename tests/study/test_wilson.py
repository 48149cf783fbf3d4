"""Wilson's interval: published values, its definition, and its coverage."""

from math import sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from freegvc._study.wilson import wilson_interval


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [  # Newcombe, Statistics in Medicine 17 (1998), table I, method 3
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_published_values(successes, trials, low, high):
    assert wilson_interval(successes, trials) == pytest.approx((low, high), abs=5e-5)


@given(st.integers(1, 10**6).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_ends_solve_the_score_equation(pair):
    successes, trials = pair
    low, high = wilson_interval(successes, trials)
    observed, z = successes / trials, 1.959963984540054
    assert 0 <= low <= observed + 1e-12
    assert observed <= high + 1e-12
    assert high <= 1
    for end in (low, high):
        distance = z * sqrt(end * (1 - end) / trials)
        assert abs(observed - end) == pytest.approx(distance, abs=1e-7)
    mirrored = wilson_interval(trials - successes, trials)
    assert mirrored == pytest.approx((1 - high, 1 - low), abs=1e-9)


def test_coverage():
    rng = np.random.default_rng(1)
    for chance, trials in ((0.5, 30), (0.1, 60)):
        drawn = rng.binomial(trials, chance, 2000)
        ends = [wilson_interval(k, trials) for k in drawn]
        held = np.mean([low <= chance <= high for low, high in ends])
        assert 0.93 < held < 0.975
