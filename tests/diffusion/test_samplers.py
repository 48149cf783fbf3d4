"""The silent part against the closed form of the probability flow of a Gaussian."""

import math

import pytest
import torch

from freegvc._diffusion import NoiseSchedule, ddim, dpmpp2m, silent_timesteps

VARIANCE, MEAN = 0.3, 0.5
SCHEDULES = {
    "flow": NoiseSchedule.flow_matching(1000),
    "vp": NoiseSchedule.from_alphas_cumprod(
        torch.cos(torch.linspace(1e-4, math.pi / 2, 1001, dtype=torch.float64)).square().numpy()
        * (torch.arange(1001) < 1000).numpy()
    ),
}


def gaussian_predict_x0(schedule):
    def predict_x0(z, timestep):
        level = schedule.level(timestep)
        gain = level.alpha * VARIANCE / (level.alpha**2 * VARIANCE + level.sigma**2)
        return MEAN + gain * (z - level.alpha * MEAN)

    return predict_x0


def probability_flow(z, level):
    """Where the exact ODE leads: to the same quantile of the clean marginal."""
    spread = math.sqrt(level.alpha**2 * VARIANCE + level.sigma**2)
    return MEAN + math.sqrt(VARIANCE) * (z - level.alpha * MEAN) / spread


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize(("sampler", "gain"), [(ddim, 4.0), (dpmpp2m, 12.0)])
def test_converges_to_the_probability_flow_at_its_order(name, sampler, gain):
    """Five times the steps: a fifth of the error at first order, up to a twenty-fifth at second."""
    schedule = SCHEDULES[name]
    stop = 600
    z = torch.linspace(-2, 2, 9, dtype=torch.float64)
    exact = probability_flow(z, schedule.level(stop))
    coarse, fine = (
        float((sampler(z, timesteps, schedule, gaussian_predict_x0(schedule)) - exact).abs().max())
        for timesteps in (silent_timesteps(stop, 60), silent_timesteps(stop, 300))
    )
    assert fine < coarse / gain
    assert fine < 0.01


@pytest.mark.parametrize("sampler", [ddim, dpmpp2m])
def test_one_step_is_the_posterior_mean(sampler):
    schedule = SCHEDULES["flow"]
    predict_x0 = gaussian_predict_x0(schedule)
    z = torch.linspace(-2, 2, 9, dtype=torch.float64)
    assert torch.equal(sampler(z, [400], schedule, predict_x0), predict_x0(z, 400))


@pytest.mark.parametrize("sampler", [ddim, dpmpp2m])
def test_pure_noise_is_a_valid_start(sampler):
    schedule = SCHEDULES["vp"]
    z = torch.linspace(-1, 1, 5, dtype=torch.float64)
    timesteps = silent_timesteps(schedule.start, 50)
    x0 = sampler(z, timesteps, schedule, gaussian_predict_x0(schedule))
    exact = probability_flow(z, schedule.level(schedule.start))
    assert torch.allclose(x0, exact, atol=0.05)


def test_dpmpp2m_equals_the_published_update():
    """One inner 2M step written as in Lu et al. 2022, with lambda, h and r."""
    schedule = SCHEDULES["flow"]
    predict_x0 = gaussian_predict_x0(schedule)
    t0, t1, t2 = 800, 500, 300
    lam = {t: 0.5 * math.log(schedule.snr(t)) for t in (t0, t1, t2)}
    a, s = schedule.alpha, schedule.sigma
    z0 = torch.linspace(-2, 2, 9, dtype=torch.float64)
    d0 = predict_x0(z0, t0)
    z1 = s[t1] / s[t0] * z0 - a[t1] * math.expm1(-(lam[t1] - lam[t0])) * d0
    d1 = predict_x0(z1, t1)
    h, h_last = lam[t2] - lam[t1], lam[t1] - lam[t0]
    r = h_last / h
    d = (1 + 1 / (2 * r)) * d1 - 1 / (2 * r) * d0
    z2 = s[t2] / s[t1] * z1 - a[t2] * math.expm1(-h) * d
    expected = predict_x0(z2, t2)  # the last step, to the clean level, is first order
    assert torch.allclose(dpmpp2m(z0, [t0, t1, t2], schedule, predict_x0), expected, atol=1e-12)


def test_silent_timesteps_are_even_integers():
    assert silent_timesteps(500, 5) == [500, 400, 300, 200, 100]
    assert silent_timesteps(500, 1) == [500]
    assert silent_timesteps(3, 10) == [3, 2, 1, 0]
    assert silent_timesteps(0, 4) == [0]
