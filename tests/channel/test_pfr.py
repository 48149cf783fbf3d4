"""The PFR coder: exact where it can be, delivering where it cannot, the same on both sides."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kstest

from freegvc._channel.backend.reference import ReferenceDealer
from freegvc._channel.counter import Address, Kind
from freegvc._channel.delta import rho_of
from freegvc._channel.normals import noise
from freegvc._channel.num_blocks import round_num_blocks
from freegvc._channel.pfr.coder import PfrCoder
from freegvc._channel.pfr.index_law import cost_bits
from freegvc._channel.pfr.plan import Plan, block_kl_bits, curves, plan
from freegvc._channel.pfr.shot import PfrShot

KEY = 20_241_114


def make_delta(dims: int, kl_bits: float, seed: int = 0, tail: float = 0.0) -> torch.Tensor:
    """float32 [dims] of that KL; `tail` is the sigma of a log-normal amplitude."""
    rng = np.random.default_rng(seed)
    delta = rng.standard_normal(dims) * np.exp(tail * rng.standard_normal(dims))
    return torch.tensor(delta * rho_of(kl_bits) / np.linalg.norm(delta), dtype=torch.float32)


@pytest.fixture
def one_thread():
    """Many tiny products: waiting for a second thread takes longer."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("one_thread")
def test_small_blocks_are_exact():
    # 20,000 blocks of 3 bits in 16 dims; the 40 of a step share a codebook, which costs KS a little
    blocks, width, steps = 40, 16, 500
    coder = PfrCoder(16)
    along, across = [], []
    for step in range(steps):
        address = Address(KEY, 0, step)
        dealer = ReferenceDealer(address, blocks * width)
        delta = torch.empty(blocks * width)
        rows = torch.stack([make_delta(width, 3, step * blocks + block) for block in range(blocks)])
        delta[dealer.order] = rows.T.flatten()
        shot, n = coder.encode_blocks(delta, Plan(16, blocks), address)
        assert shot.aim_bits == 3
        target, got = dealer.deal(delta, blocks).numpy(), dealer.deal(n, blocks).numpy()
        rho = np.linalg.norm(target, axis=1, keepdims=True)
        along.append(np.sum(got * target / rho, axis=1) - rho[:, 0])
        side = np.roll(target, 1, axis=1)
        side -= np.sum(side * target, axis=1, keepdims=True) * target / rho**2
        side /= np.linalg.norm(side, axis=1, keepdims=True)
        across.append(np.sum(got * side, axis=1))
    for residual in (np.concatenate(along), np.concatenate(across)):
        assert abs(residual.mean()) < 0.025
        assert abs(residual.var() - 1) < 0.04
        assert kstest(residual, "norm").pvalue > 0.01


@pytest.mark.usefixtures("one_thread")
def test_large_blocks_deliver_delta_at_the_stated_cost():
    coder, dims, kl_bits, draws = PfrCoder(16), 500, 100.0, 200
    delivered, coded = 0.0, 0.0
    for draw in range(draws):
        delta = make_delta(dims, kl_bits, draw)
        shot, n = coder.encode(delta, Address(KEY, 1, draw))
        delivered += float(n @ delta / (delta @ delta))
        coded += cost_bits(shot.log2_candidates, shot.aim_bits, shot.seeds)
    assert delivered / draws == pytest.approx(1, abs=0.02)
    assert coded / draws / kl_bits < 1.35
    assert coded / draws == pytest.approx(coder.predicted_bits(kl_bits), rel=0.03)


@pytest.mark.parametrize(("bits", "limit"), [(8, 1.60), (12, 1.40)])
def test_small_codebooks_deliver_too(bits, limit):
    coder, kl_bits = PfrCoder(bits), 400.0
    delivered, coded = [], 0.0
    for draw in range(100):
        delta = make_delta(2000, kl_bits, draw)
        shot, n = coder.encode(delta, Address(KEY, 2, draw))
        delivered.append(float(n @ delta / (delta @ delta)))
        coded += cost_bits(shot.log2_candidates, shot.aim_bits, shot.seeds)
    assert np.mean(delivered) == pytest.approx(1, abs=0.02)
    assert coded / 100 / kl_bits < limit


def test_steps_of_many_blocks_all_deliver():
    # fails with one Poisson process for all blocks: 5 % of scatter
    coder, delivered = PfrCoder(8), []
    for draw in range(40):
        delta = make_delta(4000, 2000, draw)
        _, n = coder.encode(delta, Address(KEY, 5, draw))
        delivered.append(float(n @ delta / (delta @ delta)))
    assert np.std(delivered) < 0.03


def test_uneven_energy_is_delivered():
    # kurtosis 28: the fullest blocks hold more than any index can deliver
    coder, delivered = PfrCoder(12), []
    for draw in range(20):
        delta = make_delta(20_000, 600, draw, tail=0.75)
        _, n = coder.encode(delta, Address(KEY, 3, draw))
        delivered.append(float(n @ delta / (delta @ delta)))
    assert np.mean(delivered) == pytest.approx(1, abs=0.02)


def test_the_residual_is_white():
    delta = make_delta(40_000, 100)
    _, n = PfrCoder(12).encode(delta, Address(KEY, 4, 0))
    residual = (n - delta).numpy()
    assert abs(residual.mean()) < 0.02
    assert abs(residual.var() - 1) < 0.03
    assert kstest(residual, "norm").pvalue > 0.01
    for lag in (1, 2, 3, 8, 100):
        assert abs(np.mean(residual[lag:] * residual[:-lag])) < 0.02


@settings(max_examples=25, deadline=None)
@given(
    st.integers(0, 2**64 - 1),
    st.integers(1, 700),
    st.floats(0, 60),
    st.sampled_from([8, 10, 12]),
)
def test_decode_is_the_encoders_own_sample(key, dims, kl_bits, bits):
    coder, address = PfrCoder(bits), Address(key, 1, 2)
    shot, n = coder.encode(make_delta(dims, kl_bits), address)
    assert torch.equal(PfrCoder(16).decode(shot, dims, address), n)
    assert shot.seeds.dtype == np.int64
    assert ((shot.seeds >= 0) & (shot.seeds < 1 << shot.log2_candidates)).all()
    assert 1 <= shot.aim_bits <= 24
    assert len(shot.seeds) == round_num_blocks(len(shot.seeds)) <= dims


def test_golden_seeds():
    delta = (torch.arange(64) % 7 - 3) / 2
    shot, n = PfrCoder(10).encode(delta, Address(0xFEDCBA9876543210, 5, 6))
    assert (shot.log2_candidates, shot.aim_bits) == (10, 14)
    assert shot.seeds.tolist() == [659, 289, 17, 345, 218, 2, 647, 7]
    assert (4096 * n[:6]).int().tolist() == [-4895, -4773, 1802, 1631, -1061, 8355]


def test_a_step_of_almost_no_information_is_free():
    address = Address(KEY, 0, 0)
    shot, n = PfrCoder().encode(make_delta(100, 0.4), address)
    assert len(shot.seeds) == 0
    assert torch.equal(n, noise(address, Kind.FREE_NOISE, 100))
    assert PfrCoder().predicted_bits(0.4) == 0


def test_the_codebook_of_a_long_step_stays_bounded():
    for dims, kl_bits in [(450_000, 100.0), (1_100_000, 20.0), (2_000_000, 2.0)]:
        cut = plan(kl_bits, dims, 16)
        assert cut.log2_candidates == 8 or (dims << cut.log2_candidates) // cut.blocks <= 1 << 29
    assert plan(10_000.0, 450_000, 16).log2_candidates == 16


def test_the_table_is_exact_at_small_kl_and_rises():
    for curve in curves().values():
        assert (np.diff(curve.delivered) > 0).all()
        assert (np.diff(curve.index_bits) > 0).all()
    rho = np.sqrt(2 * np.log(2) * np.arange(0.5, 3.1, 0.5))
    assert curves()[16].aim_for(rho) == pytest.approx(rho, rel=1e-3)
    assert block_kl_bits(16) == pytest.approx(11.0, abs=0.1)


@pytest.mark.parametrize(
    "delta", [torch.zeros(0), torch.zeros(2, 2), torch.tensor([1.0, float("nan")])]
)
def test_a_wrong_delta_is_refused(delta):
    with pytest.raises(ValueError, match="delta"):
        PfrCoder().encode(delta, Address(0, 0, 0))


def test_wrong_arguments_are_refused():
    with pytest.raises(ValueError, match="log2_candidates is 9"):
        PfrCoder(9)


def test_decode_makes_only_the_chosen_candidates():
    # 2^16 candidates of 1.1 M dims would be 288 GB
    shot = PfrShot(16, 16, np.array([65535]))
    n = PfrCoder().decode(shot, 1_100_000, Address(KEY, 0, 0))
    assert n.shape == (1_100_000,)
    assert float(n.var()) == pytest.approx(1, abs=0.01)
