"""Dims to blocks and back."""

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from freegvc._channel import oracle
from freegvc._channel.blocks import block_dims, dim_order, join, signs, split
from freegvc._channel.counter import Address

CPU = torch.device("cpu")


@settings(max_examples=50, deadline=None)
@given(st.data(), st.integers(1, 500), st.integers(0, 2**64 - 1))
def test_join_undoes_split(data, dims, key):
    blocks = data.draw(st.integers(1, dims))
    order = dim_order(Address(key, 0, 0), dims, CPU)
    x = torch.arange(1, dims + 1, dtype=torch.float32)
    rows = split(x, order, blocks)
    assert rows.shape == (blocks, block_dims(dims, blocks))
    assert torch.equal(join(rows, order), x)
    sizes = (rows != 0).sum(dim=1)
    assert sizes.sum() == dims
    assert sizes.max() - sizes.min() <= 1


def test_blocks_share_the_energy_of_a_bump():
    x = torch.zeros(50_000)
    x[20_000:25_000] = 1
    rows = split(x, dim_order(Address(1, 2, 3), len(x), CPU), 50)
    energy = rows.square().sum(dim=1)
    assert energy.mean() == 100
    assert energy.min() > 60
    assert energy.max() < 140


def test_signs_are_the_oracles_and_fair():
    address = Address(5, 6, 7)
    drawn = signs(address, 30, 1000, CPU)
    assert np.array_equal(drawn.numpy(), oracle.block_signs(address, 30, 1000))
    assert set(drawn.unique().tolist()) == {-1.0, 1.0}
    assert abs(drawn.mean()) < 0.03
    assert (drawn @ drawn.T / 1000 - torch.eye(30)).abs().max() < 0.18
