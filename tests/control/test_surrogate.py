"""The power law, its fit, and alignment."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from freegvc._control.surrogate import (
    EXPONENTS,
    USUAL_EXPONENT,
    PowerLaw,
    RatePoint,
    align,
    fit_power_law,
)

EXPONENT = st.floats(-3.0, -0.05)
LOSS = st.floats(1e-4, 2.0)
BITS = st.floats(100.0, 1e7)


def points_on(curve, bits):
    return [RatePoint(b, curve.loss(b)) for b in bits]


@settings(deadline=None)
@given(
    exponent=EXPONENT, loss=LOSS, first=BITS, growth=st.floats(1.05, 5.0), count=st.integers(2, 6)
)
def test_an_exact_power_law_is_recovered(exponent, loss, first, growth, count):
    law = PowerLaw(loss / first**exponent, exponent)
    points = [p for p in points_on(law, [first * growth**k for k in range(count)]) if p.loss > 1e-6]
    if len(points) < 2:
        return
    found = fit_power_law(points)
    assert found.exponent == pytest.approx(exponent, rel=1e-4, abs=1e-5)
    assert found.loss(2 * first) == pytest.approx(law.loss(2 * first), rel=1e-4)
    assert found.bits(law.loss(3 * first)) == pytest.approx(3 * first, rel=1e-3)


def test_the_fit_is_of_least_squares_in_the_loss():
    """Of three points that are on no power law, no other one is nearer."""
    points = [RatePoint(1000, 0.8), RatePoint(3000, 0.45), RatePoint(9000, 0.4)]
    found = fit_power_law(points)

    def error(law):
        return sum((law.loss(p.bits) - p.loss) ** 2 for p in points)

    least = error(found)
    for factor in (0.99, 1.01):
        assert error(PowerLaw(found.factor * factor, found.exponent)) > least
        tilted = found.exponent * factor
        pivot = found.loss(3000) / 3000**tilted
        assert error(PowerLaw(pivot, tilted)) > least


@settings(deadline=None)
@given(st.lists(st.builds(RatePoint, BITS, st.floats(0.0, 2.0)), min_size=1, max_size=6))
def test_any_points_give_a_falling_curve_that_can_be_inverted(points):
    law = fit_power_law(points)
    assert EXPONENTS[0] <= law.exponent <= EXPONENTS[1]
    assert law.loss(1e3) >= law.loss(1e6) >= 0
    for loss in (0.0, 1e-3, 0.3, 5.0):
        assert 1.0 <= law.bits(loss) <= 1.01e18


def test_points_that_do_not_fall_give_the_usual_curve_through_the_last():
    for first in (RatePoint(1000, 0.3), RatePoint(2000, 0.6)):
        law = fit_power_law([first, RatePoint(2000, 0.4)])
        assert law.exponent == USUAL_EXPONENT
        assert law.loss(2000) == pytest.approx(0.4)
    with pytest.raises(ValueError, match="one point"):
        fit_power_law([])


@settings(deadline=None)
@given(EXPONENT, LOSS, st.floats(0.2, 5.0), st.floats(0.2, 5.0))
def test_alignment_carries_a_curve_over(exponent, loss, more_bits, more_loss):
    """A GOP whose curve is the older one's, scaled in both axes, is known from one sample."""
    old = PowerLaw(loss / 1e4**exponent, exponent)
    before = points_on(old, [5e3, 1e4, 3e4])
    now = RatePoint(1e4 * more_bits, old.loss(1e4) * more_loss)
    for was, becomes in zip(before, align(before, before[1], now), strict=True):
        assert becomes.bits == pytest.approx(was.bits * more_bits)
        assert becomes.loss == pytest.approx(was.loss * more_loss)
    aligned = fit_power_law(align(before, before[1], now))
    assert aligned.exponent == pytest.approx(exponent, rel=1e-3, abs=1e-4)
    assert aligned.loss(now.bits) == pytest.approx(now.loss, rel=1e-3)
