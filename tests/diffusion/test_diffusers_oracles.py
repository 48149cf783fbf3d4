"""Kernels, samplers and noise tables against diffusers' own schedulers, in float64.

The schedulers keep their tables in float32; here they are given ours in float64, so that what is
compared is the formulas, to 1e-12. That the tables are the same is a test of its own.
"""

import math

import numpy as np
import pytest
import torch

from freegvc._diffusion import NoiseSchedule, ddim, dpmpp2m, kernel

# diffusers calls numpy on tensors in a way that numpy 2 deprecates
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy")

LIMIT = 1e-12
# abar of CogVideoX-2B, as measured (notes/diffusers.md)
GOLDEN = {
    0: 0.997454,
    50: 0.862406,
    100: 0.728242,
    200: 0.488237,
    300: 0.304826,
    400: 0.177587,
    500: 0.095328,
    700: 0.018642,
    900: 9.455e-4,
    990: 5.24e-6,
    999: 0.0,
}
COGVIDEOX = {
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "prediction_type": "v_prediction",
    "rescale_betas_zero_snr": True,
    "clip_sample": False,
    "set_alpha_to_one": True,
    "timestep_spacing": "trailing",
}


def normal(seed, *shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def worst(found, expected):
    """Largest error, relative to the size of what is expected."""
    return float((found - expected).abs().max() / expected.abs().max())


def cogvideox(snr_shift_scale=3.0):
    return NoiseSchedule.scaled_linear(0.00085, 0.012, snr_shift_scale=snr_shift_scale)


def abar_of(schedule):
    return torch.from_numpy(schedule.alpha**2)


# tables


@pytest.mark.parametrize("shift", [1.0, 3.0])
def test_table_of_cogvideox(shift):
    """In float64 from its first beta on: only the order of the products is numpy's or torch's."""
    from diffusers import CogVideoXDDIMScheduler
    from diffusers.schedulers.scheduling_ddim_cogvideox import rescale_zero_terminal_snr

    schedule = cogvideox(shift)
    betas = torch.linspace(0.00085**0.5, 0.012**0.5, 1000, dtype=torch.float64) ** 2
    abar = torch.cumprod(1.0 - betas, 0)
    expected = rescale_zero_terminal_snr(abar / (shift + (1 - shift) * abar))
    assert worst(abar_of(schedule), expected) < LIMIT
    theirs = CogVideoXDDIMScheduler(**COGVIDEOX, snr_shift_scale=shift).alphas_cumprod
    assert float((abar_of(schedule) - theirs).abs().max()) < 1e-6


def test_golden_values_of_cogvideox_2b():
    abar = abar_of(cogvideox())
    for t, value in GOLDEN.items():
        digits = {"rel": 1e-3} if 0 < value < 1e-2 else {"abs": 6e-7, "rel": 0}
        assert float(abar[t]) == pytest.approx(value, **digits), t
    assert abar[999] == 0.0


def test_table_of_flow_matching():
    from diffusers import FlowMatchEulerDiscreteScheduler

    theirs = FlowMatchEulerDiscreteScheduler()  # from 1000 down to 1
    sigma = NoiseSchedule.flow_matching(1000).sigma
    assert np.allclose(theirs.timesteps.numpy(), np.arange(1000, 0, -1), rtol=1e-6)
    assert np.abs(theirs.sigmas.numpy()[:1000] - sigma[:0:-1]).max() < 1e-7


# one step


def ddim_scheduler(schedule):
    """The textbook DDIM, which with eta = 1 is the ancestral step between any two timesteps."""
    from diffusers import DDIMScheduler

    scheduler = DDIMScheduler(prediction_type="sample", clip_sample=False, set_alpha_to_one=True)
    scheduler.alphas_cumprod = abar_of(schedule)
    return scheduler


VP_STEPS = [(t, t - stride) for stride in (1, 20, 100, 250) for t in range(stride, 999, 83)]


@pytest.mark.parametrize("shift", [1.0, 3.0])
def test_a_variance_preserving_step_is_ddims_with_eta_1(shift):
    schedule = cogvideox(shift)
    scheduler = ddim_scheduler(schedule)
    z, x0, n = normal(0, 3, 100)
    for t, s in VP_STEPS:
        scheduler.num_inference_steps = 1000 // (t - s)  # its s is t - 1000 // this
        step = kernel(schedule.level(t), schedule.level(s))
        mean, drawn = (
            scheduler.step(x0, t, z, eta=1.0, variance_noise=noise).prev_sample
            for noise in (torch.zeros_like(n), n)
        )
        assert worst(step.mean(z, x0), mean) < LIMIT, (t, s)
        assert worst(step.mean(z, x0) + step.std * n, drawn) < LIMIT, (t, s)
        assert step.std**2 == pytest.approx(float(scheduler._get_variance(t, s)), rel=LIMIT)


@pytest.mark.parametrize("schedule", [cogvideox(), NoiseSchedule.flow_matching()])
def test_a_step_from_pure_noise_keeps_none_of_it(schedule):
    """There DDIM takes the root of a rounding error, and the truth is the marginal itself."""
    for s in (schedule.start - 1, 500, 0):
        step = kernel(schedule.level(schedule.start), schedule.level(s))
        assert step.z_scale == 0.0
        assert step.x0_scale == pytest.approx(schedule.alpha[s], rel=LIMIT)
        assert step.std == pytest.approx(schedule.sigma[s], rel=LIMIT)


def test_a_step_of_one_timestep_is_ddpms_with_the_small_variance():
    from diffusers import DDPMScheduler

    schedule = cogvideox()
    scheduler = DDPMScheduler(
        prediction_type="sample", variance_type="fixed_small", clip_sample=False
    )
    scheduler.alphas_cumprod = abar_of(schedule)
    for t in range(1, 1000, 37):
        step = kernel(schedule.level(t), schedule.level(t - 1))
        assert step.std**2 == pytest.approx(float(scheduler._get_variance(t)), rel=LIMIT)
        z, x0 = normal(t, 2, 4, 25)
        noise = torch.randn(z.shape, generator=torch.Generator().manual_seed(9), dtype=z.dtype)
        drawn = scheduler.step(x0, t, z, generator=torch.Generator().manual_seed(9)).prev_sample
        assert worst(step.mean(z, x0) + step.std * noise, drawn) < LIMIT, t


def solver(sigmas, algorithm, order=1):
    """DPM-Solver++ of flow matching on given noise levels, in float64."""
    from diffusers import DPMSolverMultistepScheduler

    scheduler = DPMSolverMultistepScheduler(
        algorithm_type=algorithm,
        solver_order=order,
        prediction_type="flow_prediction",
        use_flow_sigmas=True,
        lower_order_final=False,
        final_sigmas_type="zero",
    )
    scheduler.set_timesteps(len(sigmas) - 1)
    scheduler.sigmas = torch.tensor(sigmas, dtype=torch.float64)
    return scheduler


FLOW_STEPS = [(t, s) for t in (2, 10, 250, 500, 999) for s in (0, 1, t // 2, t - 1) if s < t]


@pytest.mark.parametrize(("t", "s"), sorted(set(FLOW_STEPS)))
def test_a_step_of_flow_matching_is_dpm_solvers_sde(t, s):
    schedule = NoiseSchedule.flow_matching()
    noisy, less = schedule.level(t), schedule.level(s)
    scheduler = solver([noisy.sigma, less.sigma], "sde-dpmsolver++")
    scheduler._step_index = 0
    step = kernel(noisy, less)
    z, x0, n = normal(2, 3, 100)
    none = torch.zeros_like(n)
    mean = scheduler.dpm_solver_first_order_update(x0, sample=z, noise=none)
    noise = scheduler.dpm_solver_first_order_update(none, sample=none, noise=n)
    assert worst(step.mean(z, x0), mean) < LIMIT
    assert worst(step.std * n, noise) < LIMIT


@pytest.mark.parametrize("t", [1000, 999, 500, 3])
def test_variances_against_the_textbook_in_exact_fractions(t):
    """The oracles cancel where two levels are close; fractions do not."""
    from fractions import Fraction

    schedule = NoiseSchedule.flow_matching()
    for s in {0, 1, t // 2, t - 1}:
        step = kernel(schedule.level(t), schedule.level(s))
        alpha_t, sigma_t, alpha_s, sigma_s = (
            Fraction(float(x))
            for x in (schedule.alpha[t], schedule.sigma[t], schedule.alpha[s], schedule.sigma[s])
        )
        r = alpha_t / alpha_s
        var_ts = sigma_t**2 - r**2 * sigma_s**2
        assert step.std**2 == pytest.approx(float(var_ts * sigma_s**2 / sigma_t**2), rel=LIMIT)
        assert step.z_scale == pytest.approx(float(r * sigma_s**2 / sigma_t**2), rel=LIMIT)
        assert step.x0_scale == pytest.approx(float(alpha_s * var_ts / sigma_t**2), rel=LIMIT)


# the silent part


def model(schedule):
    """A stand-in for a prior that is not linear in z."""
    weights = normal(3, 64, 64) / 8.0

    def predict_x0(z, t):
        return torch.tanh(z @ weights) * schedule.level(t).alpha + 0.3 * torch.sin(z + t / 300)

    return predict_x0


def test_ddim_is_cogvideox_ddim():
    from diffusers import CogVideoXDDIMScheduler

    schedule = cogvideox()
    predict_x0 = model(schedule)
    scheduler = CogVideoXDDIMScheduler(**COGVIDEOX, snr_shift_scale=3.0)
    scheduler.alphas_cumprod = abar_of(schedule)
    scheduler.set_timesteps(10)
    timesteps = [int(t) for t in scheduler.timesteps]
    assert timesteps == list(range(999, 0, -100))
    z = start = normal(4, 5, 64)
    for t in timesteps:
        level = schedule.level(t)
        x0 = predict_x0(z, t)
        # v for which their x0 is this one, also where alpha is 0
        z = scheduler.step((level.alpha * z - x0) / level.sigma, t, z).prev_sample
    assert worst(ddim(start, timesteps, schedule, predict_x0), z) < LIMIT


def test_ddim_is_eulers_method_on_flow():
    from diffusers import FlowMatchEulerDiscreteScheduler

    schedule = NoiseSchedule.flow_matching()
    predict_x0 = model(schedule)
    timesteps = [1000, 700, 400, 150, 30]
    scheduler = FlowMatchEulerDiscreteScheduler()
    scheduler.set_timesteps(sigmas=[t / 1000 for t in timesteps])
    scheduler.sigmas = torch.tensor([*(t / 1000 for t in timesteps), 0.0], dtype=torch.float64)
    scheduler.set_begin_index(0)
    z = start = normal(5, 5, 64)
    for i, t in enumerate(timesteps):
        velocity = (z - predict_x0(z, t)) / (t / 1000)
        # it computes in float32 by default
        sigma, following = scheduler.sigmas[i], scheduler.sigmas[i + 1]
        theirs = scheduler.step(velocity, scheduler.timesteps[i], z).prev_sample
        z = z + (following - sigma) * velocity
        assert worst(theirs.double(), z) < 1e-6
    assert worst(ddim(start, timesteps, schedule, predict_x0), z) < LIMIT


@pytest.mark.parametrize("timesteps", [[900, 700, 400, 150, 30], [999, 500], [800], [3, 2, 1]])
def test_dpmpp2m_is_diffusers(timesteps):
    """Second order between, first order at both ends; flow matching."""
    schedule = NoiseSchedule.flow_matching()
    predict_x0 = model(schedule)
    sigmas = [*(schedule.level(t).sigma for t in timesteps), 0.0]
    scheduler = solver(sigmas, "dpmsolver++", order=2)
    scheduler.config.lower_order_final = True
    z = start = normal(6, 5, 64)
    outputs = []
    for i, t in enumerate(timesteps):
        scheduler._step_index = i
        outputs.append(predict_x0(z, t))
        if i == 0 or i == len(timesteps) - 1:
            z = scheduler.dpm_solver_first_order_update(outputs[-1], sample=z)
        else:
            z = scheduler.multistep_dpm_solver_second_order_update(outputs[-2:], sample=z)
    assert not math.isnan(float(z.sum()))
    assert worst(dpmpp2m(start, timesteps, schedule, predict_x0), z) < LIMIT
