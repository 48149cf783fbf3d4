"""The kernels against their defining properties."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from freegvc._diffusion import NoiseLevel, NoiseSchedule, kernel
from freegvc._diffusion.levels import CLEAN


def variance_preserving(root_snr: float) -> NoiseLevel:
    norm = math.hypot(1.0, root_snr)
    return NoiseLevel(root_snr / norm, 1.0 / norm)


def flow(tau: float) -> NoiseLevel:
    return NoiseLevel(1.0 - tau, tau)


levels = st.one_of(
    st.tuples(st.floats(0.0, 50.0), st.floats(1e-3, 50.0)).map(
        lambda p: (variance_preserving(p[0]), variance_preserving(p[0] + p[1]))
    ),
    st.tuples(st.floats(0.01, 1.0), st.floats(0.01, 0.95)).map(
        lambda p: (flow(p[0]), flow(p[0] * p[1]))
    ),
)


@given(levels)
def test_marginal_of_the_less_noisy_level_is_kept(pair):
    """z_t ~ N(alpha_t x0, sigma_t^2) through q(z_s | z_t, x0) gives N(alpha_s x0, sigma_s^2)."""
    t, s = pair
    step = kernel(t, s)
    assert step.z_scale * t.alpha + step.x0_scale == pytest.approx(s.alpha, rel=1e-12)
    variance = step.z_scale**2 * t.sigma**2 + step.std**2
    assert variance == pytest.approx(s.sigma**2, rel=1e-12)


@given(levels)
def test_textbook_formula(pair):
    t, s = pair
    step = kernel(t, s)
    r = t.alpha / s.alpha
    var_ts = t.sigma**2 - r**2 * s.sigma**2
    assert step.z_scale == pytest.approx(r * s.sigma**2 / t.sigma**2, rel=1e-12)
    assert step.x0_scale == pytest.approx(s.alpha * var_ts / t.sigma**2, rel=1e-9)
    assert step.std == pytest.approx(math.sqrt(var_ts) * s.sigma / t.sigma, rel=1e-9)


@given(levels)
def test_delta_is_the_distance_of_the_means_in_standard_deviations(pair):
    step = kernel(*pair)
    assert step.delta_scale == pytest.approx(step.x0_scale / step.std, rel=1e-9)
    assert step.kl_nats(2.0) == pytest.approx(step.delta_scale**2, rel=1e-12)


def test_kernels_chain():
    """Two steps through an intermediate level leave the marginal where one step leaves it."""
    t, u, s = (variance_preserving(a) for a in (0.3, 1.0, 2.5))
    first, second = kernel(t, u), kernel(u, s)
    variance = second.z_scale**2 * (first.z_scale**2 * t.sigma**2 + first.std**2) + second.std**2
    assert variance == pytest.approx(s.sigma**2, rel=1e-12)


@pytest.mark.parametrize("s", [CLEAN, variance_preserving(1.0), variance_preserving(0.5)])
def test_step_must_lead_to_less_noise(s):
    with pytest.raises(ValueError, match="less noisy"):
        kernel(variance_preserving(1.0), s)


def test_schedules():
    abar = np.linspace(0.999, 0.0, 1000)
    schedule = NoiseSchedule.from_alphas_cumprod(abar)
    assert schedule.start == 999
    assert schedule.level(999) == NoiseLevel(0.0, 1.0)
    assert schedule.level(10).alpha ** 2 == pytest.approx(abar[10])
    rectified = NoiseSchedule.flow_matching(1000)
    assert rectified.level(250) == NoiseLevel(0.75, 0.25)
    assert rectified.level(1000) == NoiseLevel(0.0, 1.0)
    assert rectified.snr(0) > rectified.snr(1)


@given(st.integers(0, 1000))
def test_noisiest_with_inverts_snr(timestep):
    schedule = NoiseSchedule.flow_matching(1000)
    assert schedule.noisiest_with(schedule.snr(timestep) * (1 - 1e-9)) == timestep


def test_bad_schedules_are_refused():
    with pytest.raises(ValueError, match="zero terminal SNR"):
        NoiseSchedule([0.9, 0.1], [0.1, 0.9])
    with pytest.raises(ValueError, match="fall strictly"):
        NoiseSchedule([0.5, 0.6, 0.0], [0.5, 0.4, 1.0])
    with pytest.raises(ValueError, match="two tables"):
        NoiseSchedule([0.5, 0.0], [1.0])
