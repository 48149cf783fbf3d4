"""The keyed permutation is one, is the same everywhere, and spreads."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from freegvc._channel.backend.cpu import permutation
from freegvc._channel.counter import Address
from freegvc._channel.feistel import feistel
from freegvc._channel.permutation import parameters, permute

KEYS = st.integers(0, 2**64 - 1)


@settings(max_examples=60, deadline=None)
@given(KEYS, st.integers(1, 3000))
def test_it_is_a_bijection_and_the_same_in_numba_and_numpy(key, dims):
    address = Address(key, 0, 5)
    order = permutation(address, dims)
    assert np.array_equal(np.sort(order), np.arange(dims))
    assert np.array_equal(permute(address, dims, np.arange(dims)), order)


@settings(max_examples=20, deadline=None)
@given(KEYS, st.integers(2**31 - 1000, 2**31))
def test_it_holds_beyond_32_bit_products(key, dims):
    address = Address(key, 0, 0)
    x = np.array([0, 1, 2, dims // 2, dims - 2, dims - 1])
    y = permute(address, dims, x)
    assert ((y >= 0) & (y < dims)).all()
    assert len(set(y.tolist())) == len(x)
    network = parameters(address, dims)
    for before, after in zip(x.tolist(), y.tolist(), strict=True):
        walked = feistel(before, *network)  # in Python's unbounded integers
        while walked >= dims:
            walked = feistel(walked, *network)
        assert walked == after


def test_golden_permutation():
    assert permutation(Address(42, 1, 2), 12).tolist() == [6, 5, 2, 11, 7, 4, 10, 0, 3, 1, 9, 8]


def test_neighbours_end_up_anywhere():
    dims, groups = 40_000, 20
    order = permutation(Address(9, 0, 0), dims)
    # where a tenth of all dims, contiguous, goes: evenly over 20 ranges, chi-square, 19 degrees
    where = np.flatnonzero(order < dims // 10)
    counts = np.bincount(where * groups // dims, minlength=groups)
    expected = dims / 10 / groups
    assert np.sum((counts - expected) ** 2) / expected < 43.8
    assert abs(np.corrcoef(order[:-1], order[1:])[0, 1]) < 0.025
    assert np.sum(order == np.arange(dims)) < 10


def test_steps_have_their_own():
    assert not np.array_equal(permutation(Address(9, 0, 0), 99), permutation(Address(9, 0, 1), 99))


@pytest.mark.parametrize("dims", [0, -1, 2**31 + 1])
def test_an_impossible_size_is_refused(dims):
    with pytest.raises(ValueError, match="limits are 1 and"):
        permutation(Address(0, 0, 0), dims)
