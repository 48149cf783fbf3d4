"""Davidson's model: closed forms, invariances, and strengths recovered from draws."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from freegvc._study.davidson import davidson

PAIRS = [(0, 1), (0, 2), (1, 2)]
counts = st.lists(
    st.lists(st.integers(1, 200), min_size=3, max_size=3), min_size=3, max_size=3
).map(lambda rows: np.array(rows, float))


@given(st.tuples(*[st.floats(0.3, 1e4)] * 3))
def test_two_codecs_have_the_logit_of_their_wins(row):
    wins, ties, losses = row
    fit = davidson([row], [(0, 1)], 2)
    difference = fit.log_strengths[0] - fit.log_strengths[1]
    assert difference == pytest.approx(np.log(wins / losses), abs=1e-5)
    assert fit.log_tie == pytest.approx(np.log(ties / np.sqrt(wins * losses)), abs=1e-5)


@settings(max_examples=30, deadline=None)
@given(counts, st.permutations(range(3)), st.floats(0.1, 10))
def test_names_order_and_scale_do_not_matter(table, names, scale):
    fit = davidson(table, PAIRS, 3)
    assert fit.log_strengths.mean() == pytest.approx(0, abs=1e-9)
    renamed = davidson(table * scale, [(names[i], names[j]) for i, j in PAIRS], 3)
    assert renamed.log_strengths[list(names)] == pytest.approx(fit.log_strengths, abs=1e-6)
    turned = davidson(table[::-1, ::-1], [(j, i) for i, j in PAIRS[::-1]], 3)
    assert turned.log_strengths == pytest.approx(fit.log_strengths, abs=1e-6)
    assert turned.log_tie == pytest.approx(fit.log_tie, abs=1e-6)


@settings(max_examples=20, deadline=None)
@given(counts)
def test_it_is_the_maximum_that_another_method_finds(table):
    def loss(x):
        strengths = np.array([x[0], x[1], -x[0] - x[1]])
        total = 0.0
        for (i, j), row in zip(PAIRS, table, strict=True):
            a, b = strengths[i], strengths[j]
            terms = np.array([a, (a + b) / 2 + x[2], b])
            total -= row @ (terms - np.log(np.exp(terms).sum()))
        return total

    found = minimize(loss, np.zeros(3), method="BFGS", options={"gtol": 1e-4})
    fit = davidson(table, PAIRS, 3)
    assert fit.log_strengths[:2] == pytest.approx(found.x[:2], abs=1e-3)
    assert fit.log_tie == pytest.approx(found.x[2], abs=1e-3)
    assert loss([*fit.log_strengths[:2], float(fit.log_tie)]) <= found.fun + 1e-7


def test_expected_counts_give_back_their_strengths():
    strengths, log_tie = np.array([1.2, 0.1, -0.4, -0.9]), -0.7
    pairs = [(0, 1), (0, 2), (0, 3), (2, 3)]
    table = []
    for i, j in pairs:
        a, b = strengths[i], strengths[j]
        weights = np.exp([a, (a + b) / 2 + log_tie, b])
        table.append(57 * weights / weights.sum())
    fit = davidson(table, pairs, 4)
    assert fit.log_strengths == pytest.approx(strengths, abs=1e-6)
    assert fit.log_tie == pytest.approx(log_tie, abs=1e-6)


def test_a_stack_of_fits_is_each_of_them():
    rng = np.random.default_rng(5)
    stack = rng.integers(1, 40, (2, 4, 3, 3))
    fits = davidson(stack, PAIRS, 3)
    assert fits.log_strengths.shape == (2, 4, 3)
    for place in np.ndindex(2, 4):
        single = davidson(stack[place], PAIRS, 3)
        assert fits.log_strengths[place] == pytest.approx(single.log_strengths, abs=1e-7)
        assert fits.log_tie[place] == pytest.approx(float(single.log_tie), abs=1e-7)


def test_lopsided_counts_still_converge():
    fit = davidson([[1e5, 1 / 3, 1 / 3], [1 / 3, 1 / 3, 1e5], [1 / 3, 1e5, 1 / 3]], PAIRS, 3)
    assert np.isfinite(fit.log_strengths).all()


@pytest.mark.parametrize(
    ("table", "pairs", "num_codecs", "word"),
    [
        ([[1, 0, 1]], [(0, 1)], 2, "above 0"),
        ([[1, np.nan, 1]], [(0, 1)], 2, "finite"),
        ([[1, 1, 1]], [(0, 1)], 3, "connect"),
        ([[1, 1]], [(0, 1)], 2, "shape"),
    ],
)
def test_what_has_no_maximum_is_refused(table, pairs, num_codecs, word):
    with pytest.raises(ValueError, match=word):
        davidson(table, pairs, num_codecs)
