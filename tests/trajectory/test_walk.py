"""The walk on AnalyticPrior, where the truth is known."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from freegvc._channel.counter import Kind
from freegvc._channel.normals import noise
from freegvc._channel.pfr.coder import PfrCoder
from freegvc._channel.pfr.shot import PfrShot
from freegvc._trajectory import Pace, Silent, grid_to, receive
from freegvc.priors.analytic import AnalyticPrior
from tests.trajectory.senders import PACKETS, make_sender, packet_of

SHAPE = (6, 8, 8, 12)


def grid_of(prior, stop_step):
    """The grid that the encoder takes by default with this prior."""
    return grid_to(prior.schedule, stop_step, Pace(0.1, 1.15))


class PerfectChannel:
    """Delivers exactly n = delta + eps: what any coder approximates, at no cost that is counted."""

    name = "perfect"

    def encode(self, delta, address, kl_bits=None):
        eps = noise(address, Kind.FREE_NOISE, len(delta), delta.device)
        return PfrShot(16, 16, torch.zeros(0).long().numpy()), delta + eps

    def decode(self, shot, dims, address):
        raise NotImplementedError

    def predicted_bits(self, kl_bits):
        return kl_bits


@pytest.fixture
def prior():
    return AnalyticPrior()


def latent_of_the_model(seed):
    """Drawn from a Gaussian that AnalyticPrior can represent exactly: variance 2^-7, mean 1/4."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(SHAPE, generator=generator) * 2**-3.5 + 0.25


def test_sum_over_fine_steps_converges_to_the_mutual_information(prior):
    """The KLs of a walk are an upper Riemann sum of the error over SNR; its limit is I(x0; z).

    What remains is the draw itself: its error is the model's on average only.
    """
    latent = latent_of_the_model(3)
    stop = 700
    totals = []
    for stride in (30, 6, 1):
        sender = make_sender(prior, latent, PerfectChannel())
        for timestep in range(1000 - stride, stop - 1, -stride):
            sender.extend(timestep)
        totals.append(sum(sender.kl_bits))
    information = prior.information_nats(sender.walk.side, SHAPE, prior.schedule.snr(stop))
    information /= math.log(2)
    assert totals[0] > totals[1] > totals[2]
    assert totals[2] == pytest.approx(information, rel=0.03)


def test_measured_bits_agree_with_the_kl_within_the_coders_overhead(prior):
    latent = latent_of_the_model(4)
    sender = make_sender(prior, latent, PfrCoder())
    for timestep in (890, 850, 820, 790, 760):  # steps of hundreds of bits: a coder's working point
        sender.extend(timestep)
    sent, side_bits = sender.bits[-1], sender.bits[0]
    kl_bits = sum(sender.kl_bits)
    assert kl_bits > 2000
    assert kl_bits < sent - side_bits < 1.35 * kl_bits


def test_kl_does_not_depend_on_which_coder_delivers(prior):
    """The walk delivered by PFR meets the KLs of the walk delivered exactly."""
    latent = latent_of_the_model(5)
    totals = []
    for coder in (PerfectChannel(), PfrCoder(log2_candidates=12)):
        sender = make_sender(prior, latent, coder)
        for timestep in grid_of(prior, 720):
            sender.extend(timestep)
        totals.append(sum(sender.kl_bits))
    assert totals[1] == pytest.approx(totals[0], rel=0.04)


def test_receiver_replays_the_sender_bit_for_bit(prior):
    latent = latent_of_the_model(6)
    coder = PfrCoder(log2_candidates=12)
    sender = make_sender(prior, latent, coder, key=7, gop=3)
    for timestep in grid_of(prior, 750):
        sender.extend(timestep)
    received = receive(prior, packet_of(sender), coder, SHAPE, key=7, gop=3)
    assert received.state.timestep == sender.timestep
    assert torch.equal(received.state.z, sender.states[-1].z)
    assert received.drift_sigma == 0.0
    for silent in (Silent("dpmpp2m", 5), Silent("ddim", 3, refine_timestep=900)):
        mine = sender.reconstruct(silent)
        assert torch.equal(received.walk.finish(received.state, silent), mine)
    elsewhere = receive(prior, packet_of(sender), coder, SHAPE, key=8, gop=3)
    assert not torch.equal(elsewhere.state.z, received.state.z)
    assert elsewhere.drift_sigma > 1.0


def test_rewinding_leaves_no_trace(prior):
    latent = latent_of_the_model(8)
    coder = PfrCoder(log2_candidates=12)
    straight, wavering = (make_sender(prior, latent, coder) for _ in range(2))
    straight.extend(900)
    straight.extend(800)
    wavering.extend(900)
    wavering.extend(850)
    wavering.extend(700)
    wavering.rewind(1)
    wavering.extend(800)
    assert torch.equal(straight.states[-1].z, wavering.states[-1].z)
    assert straight.packet() == wavering.packet()
    assert straight.kl_bits == wavering.kl_bits
    assert straight.step_kl_bits(700) == wavering.step_kl_bits(700)


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(1, 60)), max_size=8))
@settings(max_examples=15, deadline=None)
def test_the_size_of_every_prefix_is_that_of_its_packet(moves):
    """Whatever a sender does, the sizes that it keeps are those of real packets."""
    sender = make_sender(AnalyticPrior(), latent_of_the_model(2), PfrCoder(log2_candidates=8))
    for kept, jump in moves:
        sender.rewind(min(kept, sender.num_steps))
        sender.extend(sender.timestep - jump)
    for num_steps in range(sender.num_steps + 1):
        branch = sender.fork(num_steps)
        assert sender.bits[num_steps] == branch.bits[-1] == 8 * len(branch.packet())
    assert len(sender.bits) == len(sender.states) == sender.num_steps + 1
    assert sender.packet() == PACKETS.encode(packet_of(sender), 0)


def test_a_fork_and_its_trunk_go_their_own_ways(prior):
    trunk = make_sender(prior, latent_of_the_model(7), PfrCoder(log2_candidates=8))
    for timestep in (900, 850, 800):
        trunk.extend(timestep)
    before = trunk.packet()
    branch = trunk.fork(1)
    branch.extend(820)
    assert (branch.timesteps, trunk.timesteps) == ([1000, 900, 820], [1000, 900, 850, 800])
    assert trunk.packet() == before
    trunk.extend(780)
    assert branch.num_steps == 2


def test_states_follow_the_forward_process(prior):
    """z_t given y is N(alpha y, sigma^2): the walk is a draw of the noisy latent."""
    latent = latent_of_the_model(9)
    sender = make_sender(prior, latent, PfrCoder(log2_candidates=12))
    for timestep in grid_of(prior, 750):
        sender.extend(timestep)
    level = prior.schedule.level(750)
    eps = (sender.states[-1].z - level.alpha * latent) / level.sigma
    dims = eps.numel()
    assert abs(float(eps.mean())) < 5 / math.sqrt(dims)
    assert float(eps.var()) == pytest.approx(1.0, abs=5 * math.sqrt(2 / dims))
    share = float((eps * latent).sum() / latent.square().sum())
    assert abs(share) * level.sigma / level.alpha < 0.02


@pytest.mark.parametrize("stop", [0, 1, 333, 999, 1000])
def test_grid_ends_at_the_stop_step(prior, stop):
    grid = grid_of(prior, stop)
    assert grid == sorted(set(grid), reverse=True)
    assert (grid[-1] if grid else prior.schedule.start) == stop
    assert len(grid) <= 60
