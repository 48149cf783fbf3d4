"""What a chained GOP knows: the latents before its own, at the level of the walk."""

import numpy as np
import pytest
import torch
from scipy import stats

from freegvc._channel.counter import Address, Kind
from freegvc._channel.normals import noise as public_noise
from freegvc._diffusion.levels import NoiseSchedule
from freegvc._trajectory.chain import Known, num_known
from freegvc.priors import LatentSpec

ADDRESS = Address(key=3, gop=2, step=0)


class Copying:
    """A prior that predicts the first latent everywhere, and remembers what it saw."""

    schedule = NoiseSchedule.flow_matching(1000)

    def predict_x0(self, z, timestep, side):
        self.seen, self.side = z, side
        return z[:, :1].expand_as(z)


def test_the_model_sees_known_latents_at_the_level_of_the_others():
    known = torch.full((4, 6, 20, 20), 3.0)
    prior, z = Copying(), torch.randn(4, 2, 20, 20, generator=torch.Generator().manual_seed(0))
    chain = Known(known, ADDRESS)
    predicted = chain.predict_x0(prior, z, 400, (7,))
    assert prior.seen.shape == (4, 8, 20, 20)
    assert prior.side == (7,)
    assert torch.equal(prior.seen[:, 6:], z)
    level = prior.schedule.level(400)
    eps = (prior.seen[:, :6] - level.alpha * 3.0) / level.sigma
    assert stats.kstest(eps.numpy().ravel(), "norm").pvalue > 1e-3
    assert predicted.shape == z.shape
    assert torch.equal(predicted, prior.seen[:, :1].expand(4, 2, 20, 20))


def test_its_noise_is_the_gops_own_and_the_same_at_every_call():
    known, z = torch.zeros(2, 3, 8, 8), torch.zeros(2, 1, 8, 8)

    def noise(address, timestep):
        prior = Copying()
        Known(known, address).predict_x0(prior, z, timestep, ())
        return (prior.seen[:, :3] / prior.schedule.level(timestep).sigma).numpy()

    first = noise(ADDRESS, 900)
    public = public_noise(ADDRESS, Kind(8), first.size).numpy()
    assert np.allclose(first.ravel(), public, atol=1e-6)
    assert np.allclose(first, noise(ADDRESS, 200), atol=1e-6)
    assert np.abs(first - noise(Address(key=3, gop=3, step=0), 900)).mean() > 0.5


@pytest.mark.parametrize(
    ("spec", "overlap", "expected"),
    [
        (LatentSpec(1, 4, 8), 3, 0),
        (LatentSpec(1, 4, 8), 20, 5),
        (LatentSpec(1, 4, 8), 23, 5),
        (LatentSpec(1, 4, 8, is_causal=True), 1, 1),
        (LatentSpec(1, 4, 8, is_causal=True), 21, 6),
        (LatentSpec(1, 4, 8, is_causal=True), 0, 0),
    ],
)
def test_latents_in_an_overlap(spec, overlap, expected):
    assert num_known(spec, overlap) == expected
