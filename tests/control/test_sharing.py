"""Bits shared between GOPs, by formulas."""

from itertools import accumulate

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from freegvc._control.sharing import ByScore, even_loss, share_bits, state_at
from freegvc._control.surrogate import PowerLaw

CURVE = st.builds(PowerLaw, st.floats(1.0, 50.0), st.floats(-0.9, -0.2))
STEPS = st.lists(st.floats(50.0, 3000.0), min_size=2, max_size=30)


@settings(deadline=None)
@given(st.lists(st.tuples(STEPS, CURVE), min_size=1, max_size=6), st.floats(0.0, 1.2))
def test_shares_fit_and_no_gop_has_what_a_worse_one_lacks(gops, share):
    options = [ByScore(tuple(accumulate(steps)), curve) for steps, curve in gops]
    least = sum(o.bits[0] for o in options)
    budget = least + share * (sum(o.bits[-1] for o in options) - least)
    chosen = share_bits(options, budget)
    assert sum(o.bits[n] for o, n in zip(options, chosen, strict=True)) <= budget + 1e-6
    # the last step of any GOP was taken while no other that could go on was worse
    losses = [
        o.curve.loss(o.bits[n]) if n else float("inf") for o, n in zip(options, chosen, strict=True)
    ]
    open_ended = [
        k for k, (o, n) in enumerate(zip(options, chosen, strict=True)) if n + 1 < len(o.bits)
    ]
    for k, (option, n) in enumerate(zip(options, chosen, strict=True)):
        if n > 1:
            before = option.curve.loss(option.bits[n - 1])
            assert all(before >= losses[j] * (1 - 1e-9) for j in open_ended if chosen[j] and j != k)


def test_a_harder_gop_gets_more():
    bits = tuple(float(b) for b in range(100, 10_100, 100))
    easy, hard = PowerLaw(5.0, -0.4), PowerLaw(10.0, -0.4)
    few, many = share_bits([ByScore(bits, easy), ByScore(bits, hard)], 8000.0)
    # even losses need 2^(1 / 0.4) = 5.66 times the bits
    assert (many + 1) / (few + 1) == pytest.approx(2 ** (1 / 0.4), rel=0.1)
    assert bits[few] + bits[many] == 8000.0


@settings(deadline=None)
@given(st.lists(CURVE, min_size=1, max_size=6), st.floats(1e3, 1e6))
def test_even_loss_uses_the_budget(curves, budget):
    loss = even_loss(curves, budget)
    needed = sum(curve.bits(loss) for curve in curves)
    assert needed <= budget * (1 + 1e-6) + len(curves)
    assert needed >= budget * (1 - 1e-6)


@pytest.mark.parametrize(
    ("wanted", "index"), [(0.0, 0), (10.0, 0), (14.9, 0), (15.1, 1), (29.0, 2), (99.0, 2)]
)
def test_the_nearest_state(wanted, index):
    assert state_at([10.0, 20.0, 30.0], wanted) == index
