"""The silent part and partial-noise refinement, against a few lines of independent code."""

import pytest
import torch

from freegvc._channel.counter import Address, Kind
from freegvc._channel.normals import noise
from freegvc._channel.pfr.coder import PfrCoder
from freegvc._diffusion import NoiseSchedule
from freegvc._trajectory import Silent, refine_timestep
from freegvc.errors import UsageError
from freegvc.priors.analytic import AnalyticPrior
from tests.trajectory.senders import make_sender

SHAPE = (6, 4, 4, 6)


@pytest.fixture
def sender():
    latent = torch.randn(SHAPE, generator=torch.Generator().manual_seed(1)) * 0.1 + 0.25
    sender = make_sender(AnalyticPrior(), latent, PfrCoder(log2_candidates=10), key=5, gop=2)
    for timestep in (900, 850, 800):
        sender.extend(timestep)
    return sender


def by_hand(sender, num_steps, timestep, refine):
    """Two DDIM steps from `refine`, as written in the papers."""
    prior, side = sender.walk.prior, sender.walk.side

    def level(t):
        return float(prior.schedule.alpha[t]), float(prior.schedule.sigma[t])

    x_c = prior.predict_x0(sender.states[num_steps].z, timestep, side)
    eps = noise(Address(key=5, gop=2, step=num_steps), Kind.REFINE_NOISE, x_c.numel())
    alpha, sigma = level(refine)
    z = alpha * x_c + sigma * eps.reshape(SHAPE)
    half = refine // 2
    x0 = prior.predict_x0(z, refine, side)
    alpha_s, sigma_s = level(half)
    z = alpha_s * x0 + sigma_s * (z - alpha * x0) / sigma
    return prior.predict_x0(z, half, side)


@pytest.mark.parametrize(("num_steps", "timestep"), [(3, 800), (2, 850)])
def test_refinement_is_what_the_paper_writes(sender, num_steps, timestep):
    refined = sender.fork(num_steps).reconstruct(Silent("ddim", 2, refine_timestep=880))
    torch.testing.assert_close(refined, by_hand(sender, num_steps, timestep, 880))
    plain = sender.fork(num_steps).reconstruct(Silent("ddim", 2))
    assert (refined - plain).abs().max() > 0.01


def test_a_walk_that_stops_at_a_noisier_level_is_not_refined(sender):
    for refine in (0, 500, 800):
        plain = sender.fork(3).reconstruct(Silent("dpmpp2m", 3))
        assert torch.equal(sender.fork(3).reconstruct(Silent("dpmpp2m", 3, refine)), plain)
    assert not torch.equal(sender.fork(3).reconstruct(Silent("dpmpp2m", 3, 801)), plain)


def test_refinement_noise_belongs_to_key_gop_and_step():
    drawn = [
        noise(Address(key=key, gop=gop, step=step), kind, 8).tolist()
        for key, gop, step, kind in (
            (5, 2, 3, Kind.REFINE_NOISE),
            (6, 2, 3, Kind.REFINE_NOISE),
            (5, 1, 3, Kind.REFINE_NOISE),
            (5, 2, 2, Kind.REFINE_NOISE),
            (5, 2, 3, Kind.START_NOISE),
        )
    ]
    assert len({tuple(row) for row in drawn}) == len(drawn)


def test_the_preset_is_the_papers_noise():
    flow = NoiseSchedule.flow_matching(1000)
    assert refine_timestep("gnvc-vd", flow) == 300
    schedule = AnalyticPrior().schedule
    preset = refine_timestep("gnvc-vd", schedule)
    assert schedule.snr(preset) >= (0.7 / 0.3) ** 2 > schedule.snr(preset + 1)
    assert refine_timestep(None, flow) == 0
    assert refine_timestep(1000, flow) == 1000


@pytest.mark.parametrize("refine", ["gnvc", "300", 0, -3, 1001, 3.5])
def test_other_refinements_are_refused(refine):
    with pytest.raises(UsageError, match="refine is"):
        refine_timestep(refine, NoiseSchedule.flow_matching(1000))
