"""The trellis coder: it delivers delta for little more than its KL, the same on both sides."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kstest

from freegvc._bitstream import PacketEncoder, Step
from freegvc._channel import oracle
from freegvc._channel.backend.cpu import CpuBackend, CpuTrellis
from freegvc._channel.backend.reference import ReferenceBackend, ReferenceDealer
from freegvc._channel.coders import make_coder
from freegvc._channel.counter import Address, Kind
from freegvc._channel.delta import rho_of
from freegvc._channel.names import CODERS
from freegvc._channel.normals import noise
from freegvc._channel.num_blocks import round_num_blocks
from freegvc._channel.ring import rows_of_states, states_of_bits
from freegvc._channel.trellis import line
from freegvc._channel.trellis import scores as tiles
from freegvc._channel.trellis.coder import TrellisCoder
from freegvc._channel.trellis.plan import blocks_for, delivered_energy
from freegvc._channel.trellis.scores import Scores
from freegvc._channel.trellis.search import best_bits
from freegvc._channel.trellis.shot import TrellisShot

KEY = 20_241_115
ADDRESS = Address(KEY, 2, 3)


def make_delta(dims: int, kl_bits: float, seed: int = 0, law: str = "normal") -> torch.Tensor:
    """float32 [dims] of that KL."""
    delta = getattr(np.random.default_rng(seed), law)(size=dims)
    return torch.tensor(delta * rho_of(kl_bits) / np.linalg.norm(delta), dtype=torch.float32)


def measure(coder, dims, kl_bits, draws, law="normal"):
    """Mean delivered fraction and overhead, with all that the steps put into a packet."""
    timestep, jump = 60_000, 60_000 >> 5  # as the packet expects them
    packet = PacketEncoder(start_timestep=timestep, shot=TrellisShot)
    delivered = []
    for draw in range(draws):
        delta = make_delta(dims, kl_bits, draw, law)
        shot, n = coder.encode(delta, Address(KEY, 0, draw))
        timestep -= jump
        packet.add(Step(timestep, shot))
        delivered.append(float(n @ delta / (delta @ delta)))
    return np.mean(delivered), 8 * len(packet.payload()) / draws / kl_bits


@pytest.mark.parametrize("law", ["normal", "laplace"])
@pytest.mark.parametrize(
    ("log2_states", "kl_bits", "limit"),
    [(8, 500.0, 1.18), (12, 100.0, 1.18), (12, 500.0, 1.10), (12, 2000.0, 1.09)],
)
def test_delta_is_delivered_at_the_stated_cost(law, log2_states, kl_bits, limit):
    coder = TrellisCoder(log2_states)
    draws = 20 if kl_bits == 100 else 10
    delivered, overhead = measure(coder, 50_000, kl_bits, draws, law)
    assert delivered == pytest.approx(1, abs=0.01)
    assert overhead <= limit


@pytest.mark.parametrize("kl_bits", [2.0, 5.0, 10.0, 20.0, 50.0])
def test_short_steps_deliver_on_average(kl_bits):
    coder, delivered, bits = TrellisCoder(8), [], []
    for draw in range(100):
        delta = make_delta(200, kl_bits, draw)
        shot, n = coder.encode(delta, Address(KEY, 1, draw))
        delivered.append(float(n @ delta / (delta @ delta)))
        bits.append(len(shot.bits))
    error = np.std(delivered) / math.sqrt(len(delivered))
    assert np.mean(delivered) == pytest.approx(1, abs=0.01 + 3 * error)
    assert np.mean(bits) == pytest.approx(coder.predicted_bits(kl_bits), rel=0.05, abs=0.6)


def test_the_residual_is_white_noise():
    dims, width = 300_000, 100
    delta = make_delta(dims, 2000, law="laplace")
    _, n = TrellisCoder(12).encode(delta, ADDRESS)
    residual = (n - delta).double().numpy()
    assert kstest(residual, "norm").pvalue > 0.01
    assert abs(residual.mean()) < 4 / math.sqrt(dims)
    assert residual.var() == pytest.approx(1, abs=0.01)
    field = residual.reshape(-1, 50, width)
    for axis in range(3):
        for lag in range(1, min(65, field.shape[axis])):
            here = np.take(field, range(lag, field.shape[axis]), axis)
            there = np.take(field, range(field.shape[axis] - lag), axis)
            assert abs(np.mean(here * there)) < 4.5 / math.sqrt(here.size)


def scores_of(delta, blocks, log2_states):
    targets = ReferenceDealer(ADDRESS, len(delta)).deal(delta, blocks)
    return Scores(CpuBackend(), ADDRESS, targets, log2_states)


class Segments(CpuTrellis):
    """Numba's searches, with long rings in segments as on a GPU."""

    side_by_side = True


@pytest.mark.parametrize(("dims", "blocks"), [(400, 17), (512, 40), (999, 100), (3000, 300)])
def test_numba_numpy_and_oracle_find_the_same_bits(dims, blocks):
    delta = make_delta(dims, blocks, dims)
    expected = oracle.trellis_encode(delta.numpy(), blocks, 8, ADDRESS)
    for backend in (CpuBackend(), ReferenceBackend()):
        shot, n = TrellisCoder(8, backend=backend).encode_blocks(delta, blocks, ADDRESS)
        assert np.array_equal(shot.bits, expected)
        assert np.array_equal(n.numpy(), oracle.trellis_decode(expected, 8, dims, ADDRESS))


def test_segments_side_by_side_find_what_one_line_finds():
    rings = [scores_of(make_delta(9000, 1500, law="laplace"), blocks, 8) for blocks in (1700, 1100)]
    side_by_side = best_bits(Segments(8), rings, 8)
    for ring, found in zip(rings, side_by_side, strict=True):
        (expected,) = best_bits(CpuTrellis(8), [ring], 8)
        assert np.array_equal(found.bits, expected.bits)
        assert found.total == pytest.approx(expected.total, rel=1e-5)


def test_the_total_is_what_n_delivers():
    delta, blocks = make_delta(3000, 300), 320
    coder = TrellisCoder(8)
    (found,) = best_bits(CpuTrellis(8), [scores_of(delta, blocks, 8)], 8)
    _, n = coder.encode_blocks(delta, blocks, ADDRESS)
    assert found.total == pytest.approx(float(n @ delta), rel=1e-5)


@pytest.mark.parametrize(("dims", "kl_bits"), [(600, 9.0), (2000, 25.0), (5000, 90.0)])
def test_numbers_searched_ahead_do_not_change_the_choice(dims, kl_bits):
    class Ahead(CpuBackend):
        numbers_at_once = 4

        def trellis(self, log2_states):
            return Segments(log2_states)

    for draw in range(3):
        address, delta = Address(KEY, 4, draw), make_delta(dims, kl_bits, draw)
        shot, n = TrellisCoder(8).encode(delta, address)
        ahead, same = TrellisCoder(8, backend=Ahead()).encode(delta, address, kl_bits)
        assert ahead == shot
        assert torch.equal(same, n)


@pytest.mark.parametrize("blocks", [1, 2, 7, 8, 9, 12])
def test_very_short_rings_are_searched_exhaustively(blocks):
    delta = make_delta(60, blocks)
    _, n = TrellisCoder(8).encode_blocks(delta, blocks, ADDRESS)
    words = (np.arange(1 << blocks)[:, None] >> np.arange(blocks)) & 1
    all_n = [oracle.trellis_decode(word, 8, 60, ADDRESS) for word in words]
    assert float(n @ delta) == pytest.approx(max(all_n @ delta.numpy()), rel=1e-5)


@pytest.mark.parametrize("trellis", [CpuTrellis(8), Segments(8)])
def test_tiles_do_not_matter(monkeypatch, trellis):
    delta, blocks = make_delta(9000, 1500, law="laplace"), 1700
    (whole,) = best_bits(trellis, [scores_of(delta, blocks, 8)], 8)
    monkeypatch.setattr(tiles, "_KEPT_FLOATS", 0)
    monkeypatch.setattr(line, "_CHOICE_BYTES", 128 * 300)  # 300 of 1,700 blocks
    for floats, tile_blocks in ((1 << 16, 1024), (1 << 8, 512)):
        monkeypatch.setattr(tiles, "TILE_FLOATS", floats)
        scores = scores_of(delta, blocks, 8)
        assert scores.tile_blocks == tile_blocks
        (found,) = best_bits(trellis, [scores], 8)
        assert np.array_equal(found.bits, whole.bits)
        assert found.total == pytest.approx(whole.total, rel=1e-5)


@pytest.mark.parametrize(
    ("blocks", "width", "log2_states"),
    [(2176, 506, 12), (2112, 521, 16), (100, 11_000, 16), (21_000, 53, 16), (1, 4_000_000, 16)],
)
def test_memory_is_bounded_by_design(blocks, width, log2_states):
    targets = torch.empty(1, 1).expand(blocks, width)
    rows_bits = min(blocks, log2_states - 2)
    kept = width << rows_bits <= tiles._KEPT_FLOATS
    made = tiles.normals_to_make(blocks, width, log2_states)
    tile = tiles._tile_blocks(blocks, log2_states, tiles.TILE_FLOATS)
    assert tile << rows_bits <= tiles.TILE_FLOATS or tile == 64 * log2_states
    assert made >= targets.shape[1] << rows_bits
    floats = tiles.TILE_FLOATS + (tiles._KEPT_FLOATS if kept else tiles.TILE_FLOATS)
    assert 4 * floats + 2 * line._CHOICE_BYTES <= 300 << 20


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 2**64 - 1),
    st.integers(1, 700),
    st.floats(0, 300),
    st.sampled_from([8, 9, 12, 14]),
)
def test_decode_is_the_encoders_own_sample(key, dims, kl_bits, log2_states):
    address = Address(key, 1, 2)
    shot, n = TrellisCoder(log2_states).encode(make_delta(dims, kl_bits), address)
    assert torch.equal(TrellisCoder(16).decode(shot, dims, address), n)
    is_short = 0 < shot.num_blocks < 384  # where more states find nothing better
    assert shot.mode == (min(log2_states, 12) if is_short else log2_states, 1)
    assert shot.bits.dtype == np.int64
    assert np.isin(shot.bits, (0, 1)).all()
    assert len(shot.bits) == round_num_blocks(len(shot.bits), 5) <= dims


@pytest.mark.parametrize("blocks", [1, 2, 33])
def test_a_block_for_each_dim(blocks):
    shot, n = TrellisCoder(8).encode_blocks(make_delta(blocks, 40), blocks, ADDRESS)
    assert len(shot.bits) == blocks
    assert torch.equal(TrellisCoder(8).decode(shot, blocks, ADDRESS), n)


def test_a_step_of_almost_no_information_is_free():
    for delta in (make_delta(100, 0.4), torch.zeros(100)):
        shot, n = TrellisCoder().encode(delta, ADDRESS)
        assert len(shot.bits) == 0
        assert torch.equal(n, noise(ADDRESS, Kind.FREE_NOISE, 100))
    assert TrellisCoder().predicted_bits(0.4) == 0


def test_energy_in_one_dim_is_delivered():
    delta = torch.zeros(1000)
    delta[7] = rho_of(3)
    delivered = [
        float(TrellisCoder(8).encode(delta, Address(KEY, 3, draw))[1][7] / delta[7])
        for draw in range(50)
    ]
    assert 0.4 < np.mean(delivered) <= 1.1


def test_golden_bits():
    delta = (torch.arange(64) % 7 - 3) / 2
    shot, n = TrellisCoder(10).encode(delta, Address(0xFEDCBA9876543210, 5, 6))
    assert shot.mode == (10, 1)
    assert "".join(map(str, shot.bits)) == "10111001000010111111111111110100100110111011"
    assert (4096 * n[:6]).int().tolist() == [-9344, -2325, 2865, 1756, -1221, 9344]


def test_states_are_the_last_bits_around_the_ring():
    bits = np.array([1, 0, 0, 1, 1, 0, 1, 0, 1, 1])
    states = states_of_bits(bits, 8)
    assert states[7] == 0b10011010
    assert states[0] == 0b11010111  # bit 9 sent before bit 0
    assert states_of_bits(bits[:3], 8).tolist() == [0b01001001, 0b10010010, 0b00100100]


def test_siblings_are_opposite_where_they_part_and_meet():
    rows, turned = rows_of_states(np.arange(256), 8)
    assert np.array_equal(np.bincount(rows), np.full(64, 4))
    for other in (np.arange(256) ^ 1, np.arange(256) ^ 128):
        assert np.array_equal(rows[other], rows)
        assert np.array_equal(turned[other], -turned)


def test_the_choice_of_blocks_inverts_what_they_deliver():
    for log2_states in range(8, 17):
        energies = [delivered_energy(blocks, log2_states) for blocks in range(1, 200)]
        assert (np.diff(energies) > 0).all()
        for blocks in (1, 5, 16, 40, 90, 5000):
            energy = delivered_energy(blocks, log2_states)
            assert blocks_for(energy, log2_states) == pytest.approx(blocks, rel=1e-6)


def test_long_codebooks_take_fewer_states():
    shot, n = TrellisCoder(16).encode_blocks(make_delta(2_000_000, 14), 17, ADDRESS)
    assert 8 <= shot.log2_states < 16
    assert torch.equal(TrellisCoder().decode(shot, len(n), ADDRESS), n)


def test_the_coder_by_its_name():
    coder = make_coder("trellis")
    assert (coder.name, CODERS[coder.name].wire_id, coder.device.type) == ("trellis", 1, "cpu")


@pytest.mark.parametrize(
    "delta", [torch.zeros(0), torch.zeros(2, 2), torch.tensor([1.0, float("nan")])]
)
def test_a_wrong_delta_is_refused(delta):
    with pytest.raises(ValueError, match="delta"):
        TrellisCoder().encode(delta, ADDRESS)


def test_wrong_arguments_are_refused():
    with pytest.raises(ValueError, match="log2_states is 7"):
        TrellisCoder(7)


def test_decode_makes_only_the_chosen_candidates():
    # 2^16 candidates of 1.1 M dims would be 288 GB
    n = TrellisCoder().decode(TrellisShot(16, np.array([1])), 1_100_000, ADDRESS)
    assert n.shape == (1_100_000,)
    assert float(n.var()) == pytest.approx(1, abs=0.01)
