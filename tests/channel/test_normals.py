"""The table, and the normals that come out of it."""

import hashlib

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtri
from scipy.stats import kstest

from freegvc._channel.backend.cpu import CpuBackend
from freegvc._channel.backend.reference import normals_numpy
from freegvc._channel.counter import Address, Kind
from freegvc._channel.normal_table import table
from freegvc._channel.normals import noise

ADDRESS = Address(key=2024, gop=1, step=2)


def normals(*args, **kwargs):
    """Rows of normals as an array."""
    return CpuBackend().normals(*args, **kwargs).numpy()


def test_the_table_is_the_rounded_inverse_cdf():
    exact = 4096 * ndtri((np.arange(65536) + 0.5) / 65536)
    assert table().dtype == np.int16
    assert np.array_equal(table(), np.rint(exact).astype(int))


def test_the_table_is_symmetric_and_never_changes():
    assert np.array_equal(table(), -table()[::-1])
    digest = hashlib.sha256(table().astype("<i2").tobytes()).hexdigest()
    assert digest == "1ea009ce409dac97d6bd609266910f809c5fb912f78e16bd89145b08174d6fc5"
    with pytest.raises(ValueError, match="read-only"):
        table()[0] = 0


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 2**64 - 1),
    st.sampled_from(Kind),
    st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=5),
    st.integers(1, 40),
)
def test_numba_and_numpy_agree(key, kind, rows, dims):
    address, rows = Address(key, 3, 4), np.array(rows, dtype=np.int64)
    expected = normals_numpy(address, kind, rows, dims)
    assert expected.dtype == np.float32
    assert expected.shape == (len(rows), dims)
    assert np.array_equal(normals(address, kind, rows, dims), expected)


def test_golden_normals():
    got = normals(Address(0x0123456789ABCDEF, 7, 11), Kind.CODEBOOK, np.array([65535]), 9)
    assert (4096 * got[0]).astype(int).tolist() == [
        1146,
        -244,
        -1217,
        -1831,
        -3665,
        2337,
        -1963,
        747,
        7473,
    ]


def test_a_longer_row_begins_with_the_shorter_one():
    rows = np.arange(3)
    longer = normals(ADDRESS, Kind.CODEBOOK, rows, 100)
    assert np.array_equal(longer[:, :13], normals(ADDRESS, Kind.CODEBOOK, rows, 13))


def test_filling_a_buffer_leaves_the_rest_alone():
    out = torch.full((4, 12), 9.0)
    normals(ADDRESS, Kind.CODEBOOK, np.arange(3), 11, out=out)
    assert np.array_equal(out[:3, :11].numpy(), normals(ADDRESS, Kind.CODEBOOK, np.arange(3), 11))
    assert (out[3] == 9).all()
    assert (out[:, 11] == 9).all()


def test_normals_are_normal():
    drawn = normals(ADDRESS, Kind.CODEBOOK, np.arange(200), 500)
    assert abs(drawn.mean()) < 0.015
    assert abs(drawn.var() - 1) < 0.02
    assert kstest(drawn.ravel(), "norm").pvalue > 0.01
    rows = np.corrcoef(drawn)
    assert np.abs(rows - np.eye(200)).max() < 0.25  # 5.5 sigma


def test_noise_is_one_row_on_the_device_asked_for():
    start = noise(ADDRESS, Kind.START_NOISE, 1001)
    assert start.dtype == torch.float32
    assert start.shape == (1001,)
    expected = normals_numpy(ADDRESS, Kind.START_NOISE, np.zeros(1, np.int64), 1001)[0]
    assert np.array_equal(start.numpy(), expected)
    assert not torch.equal(start, noise(ADDRESS, Kind.FREE_NOISE, 1001))
