"""The Triton kernels against NumPy, bit for bit: on the GPU if there is one, else interpreted."""

import os

import numpy as np
import pytest
import torch

from freegvc._channel.backend.interface import Lines
from freegvc._channel.backend.reference import ReferenceBackend, ReferenceTrellis
from freegvc._channel.counter import Address, Kind
from freegvc._channel.ring import rows_of_states
from freegvc._channel.trellis import short_rings
from freegvc._channel.trellis.coder import TrellisCoder

pytest.importorskip("triton", reason="Triton is not installed")
DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
if DEVICE.type == "cpu" and os.environ.get("TRITON_INTERPRET") != "1":
    pytest.skip("there is a CUDA driver, but no device", allow_module_level=True)

from freegvc._channel.backend import cuda  # noqa: E402

ADDRESSES = [Address(1, 0, 0), Address(0xFEDC_BA98_7654_3210, 2**32 - 1, 1023)]
REFERENCE = ReferenceBackend()
# ragged, around rings of 40 and 60 blocks, from any state or from one and back to it
LINES = Lines.of(
    [
        (0, 60, -20, 110, 20, 70),
        (60, 40, 0, 40, 0, 40),
        (60, 40, 39, 1, 0, 1),
        (0, 60, 59, 70, 69, 1),
    ]
)
SEAMS = torch.tensor([-1, 77, -1, -1], dtype=torch.int32)


@pytest.fixture(scope="module")
def triton_backend():
    """The backend under test."""
    return cuda.CudaBackend(DEVICE)


def random_scores(blocks, log2_states):
    """float32 [blocks, 2^(m - 2)]."""
    return torch.randn(blocks, 1 << log2_states - 2, generator=torch.Generator().manual_seed(1))


def assert_same(got, expected):
    """Tensors or tuples of them, equal bit for bit."""
    if isinstance(expected, torch.Tensor):
        got, expected = (got,), (expected,)
    for here, there in zip(got, expected, strict=True):
        assert here.dtype == there.dtype
        assert torch.equal(here.cpu(), there)


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("dims", [1, 8, 1027])
def test_normals(triton_backend, address, dims):
    rows = np.array([0, 2**32 - 1])
    for kind in (Kind.CODEBOOK, Kind.DRIFT_SAMPLES):
        expected = REFERENCE.normals(address, kind, rows, dims)
        assert_same(triton_backend.normals(address, kind, rows, dims), expected)
    room = torch.full((3, dims + 2), 9.0, device=DEVICE)
    triton_backend.normals(address, Kind.CODEBOOK, rows, dims, room)
    assert_same(room[:2, :dims], REFERENCE.normals(address, Kind.CODEBOOK, rows, dims))
    assert (room[2] == 9).all()
    assert (room[:, dims:] == 9).all()


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize(("dims", "blocks"), [(1, 1), (5, 5), (1025, 7), (2049, 1500)])
def test_dealing_and_delivering(triton_backend, address, dims, blocks):
    delta = torch.randn(dims, generator=torch.Generator().manual_seed(dims))
    dealer, expected = triton_backend.dealer(address, dims), REFERENCE.dealer(address, dims)
    assert_same(dealer.deal(delta.to(DEVICE), blocks), expected.deal(delta, blocks))
    rows = np.random.default_rng(dims).integers(0, 2**32, blocks)
    turned = np.where(rows % 2, -1, 1).astype(np.float32)
    assert_same(dealer.deliver(rows, turned), expected.deliver(rows, turned))


@pytest.mark.parametrize("log2_states", [8, 9])
def test_paths_and_ranks(triton_backend, log2_states):
    scores, expected = random_scores(100, log2_states), ReferenceTrellis(log2_states)
    trellis = triton_backend.trellis(log2_states)
    got = trellis.best_paths(scores.to(DEVICE), LINES, SEAMS.to(DEVICE))
    assert_same(got, expected.best_paths(scores, LINES, SEAMS))
    around = Lines.of([(0, 60, -70, 140, 0, 0), (60, 40, -9, 18, 0, 0)])
    got = trellis.seam_ranks(scores.to(DEVICE), around)
    assert_same(got, expected.seam_ranks(scores, around))


def test_paths_and_ranks_of_2_to_the_14_states(triton_backend):
    scores, expected = random_scores(20, 14), ReferenceTrellis(14)
    lines, seams = Lines.of([(0, 20, 5, 20, 0, 20)]), torch.tensor([12_345], dtype=torch.int32)
    trellis = triton_backend.trellis(14)
    got = trellis.best_paths(scores.to(DEVICE), lines, seams.to(DEVICE))
    assert_same(got, expected.best_paths(scores, lines, seams))
    got = trellis.seam_ranks(scores.to(DEVICE), lines)
    assert_same(got, expected.seam_ranks(scores, lines))


def test_lines_in_several_launches(triton_backend, monkeypatch):
    scores = random_scores(100, 8)
    monkeypatch.setattr(cuda, "_CHOICE_BYTES", 128 * 115)  # the first; the next two; the last
    got = triton_backend.trellis(8).best_paths(scores.to(DEVICE), LINES, SEAMS.to(DEVICE))
    assert_same(got, ReferenceTrellis(8).best_paths(scores, LINES, SEAMS))
    assert cuda._groups(LINES.length, 115) == [(0, 1), (1, 4)]


def test_words(triton_backend):
    blocks, log2_states = 11, 8
    scores = random_scores(blocks, log2_states)
    rows, turned = rows_of_states(np.arange(1 << log2_states), log2_states)
    given = (torch.from_numpy(rows), torch.from_numpy(turned.astype(np.float32)))
    for words in (torch.arange(1 << blocks), torch.tensor([5, 3, 3, 2000])):
        there = [part.to(DEVICE) for part in (scores, *given, words)]
        got = triton_backend.trellis(log2_states).best_word(*there)
        assert_same(got, ReferenceTrellis(log2_states).best_word(scores, *given, words))
    equal = torch.zeros_like(scores)  # the first of equals wins
    there = [part.to(DEVICE) for part in (equal, *given, words)]
    assert int(triton_backend.trellis(log2_states).best_word(*there)[0]) == 5


def test_16_bits_of_state_are_searched_on_the_cpu(triton_backend):
    assert triton_backend.trellis(14).device == DEVICE
    assert triton_backend.trellis(16).device.type == "cpu"


@pytest.mark.parametrize("blocks", [pytest.param(12, marks=pytest.mark.slow), 30])
def test_a_coder_chooses_and_makes_what_one_on_the_cpu_does(triton_backend, monkeypatch, blocks):
    for name, value in (("_WORD_BITS", 4), ("_WORDS", 1 << 10), ("_SEAM_UPDATES", 1 << 14)):
        monkeypatch.setattr(short_rings, name, value)  # the interpreter is slow
    delta = torch.randn(100, generator=torch.Generator().manual_seed(blocks))
    coder = TrellisCoder(8, DEVICE, triton_backend)
    shot, n = coder.encode_blocks(delta.to(DEVICE), blocks, ADDRESSES[1])
    expected, same = TrellisCoder(8).encode_blocks(delta, blocks, ADDRESSES[1])
    assert shot == expected
    assert_same(n, same)
    assert_same(coder.decode(shot, len(delta), ADDRESSES[1]), same)
