"""Dims to blocks and back."""

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from freegvc._channel.backend.cpu import CpuBackend
from freegvc._channel.backend.interface import block_dims
from freegvc._channel.backend.reference import ReferenceBackend, block_signs, normals_numpy
from freegvc._channel.counter import Address, Kind

CPU, REFERENCE = CpuBackend(), ReferenceBackend()


@settings(max_examples=50, deadline=None)
@given(st.data(), st.integers(1, 3000), st.integers(0, 2**64 - 1))
def test_numba_deals_and_delivers_what_numpy_does(data, dims, key):
    blocks = data.draw(st.integers(1, dims))
    address = Address(key, 3, 4)
    here, there = CPU.dealer(address, dims), REFERENCE.dealer(address, dims)
    delta = torch.randn(dims, generator=torch.Generator().manual_seed(dims))
    assert torch.equal(here.deal(delta, blocks), there.deal(delta, blocks))
    rows = np.random.default_rng(dims).integers(0, 2**32, blocks)
    turned = np.where(rows % 2, -1, 1).astype(np.float32)
    assert torch.equal(here.deliver(rows, turned), there.deliver(rows, turned))


@settings(max_examples=50, deadline=None)
@given(st.data(), st.integers(1, 500), st.integers(0, 2**64 - 1))
def test_every_dim_is_dealt_once(data, dims, key):
    blocks = data.draw(st.integers(1, dims))
    x = torch.arange(1, dims + 1, dtype=torch.float32)
    rows = CPU.dealer(Address(key, 0, 0), dims).deal(x, blocks)
    assert rows.shape == (blocks, block_dims(dims, blocks))
    assert torch.equal(rows[rows != 0].abs().sort().values, x)
    sizes = (rows != 0).sum(dim=1)
    assert sizes.max() - sizes.min() <= 1


def test_what_is_delivered_is_the_chosen_candidates():
    address, dims, blocks = Address(5, 6, 7), 1000, 30
    rows, turned = np.arange(blocks) * 7, np.ones(blocks, np.float32)
    dealer = CPU.dealer(address, dims)
    width = block_dims(dims, blocks)
    chosen = normals_numpy(address, Kind.CODEBOOK, rows, width)
    place = np.arange(blocks * width).reshape(width, blocks).T
    chosen[place >= dims] = 0
    # the signs of dealing undo those of delivering
    dealt = dealer.deal(dealer.deliver(rows, turned), blocks)
    assert np.array_equal(dealt.numpy(), chosen)


def test_blocks_share_the_energy_of_a_bump():
    x = torch.zeros(50_000)
    x[20_000:25_000] = 1
    energy = CPU.dealer(Address(1, 2, 3), len(x)).deal(x, 50).square().sum(dim=1)
    assert energy.mean() == 100
    assert energy.min() > 60
    assert energy.max() < 140


def test_signs_are_fair():
    drawn = block_signs(Address(5, 6, 7), 30, 1000)
    assert set(np.unique(drawn)) == {-1.0, 1.0}
    assert abs(drawn.mean()) < 0.03
    assert np.abs(drawn @ drawn.T / 1000 - np.eye(30)).max() < 0.18
