"""The search: tiles, ties, and three backends that choose the same candidates."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from scipy.stats import kstest

from freegvc._channel import oracle
from freegvc._channel.blocks import dim_order, split
from freegvc._channel.counter import Address
from freegvc._channel.pfr import search
from freegvc._channel.pfr.coder import PfrCoder
from freegvc._channel.pfr.plan import Plan, curves
from freegvc._channel.pfr.search import (
    TILE_FLOATS,
    arrival_times,
    search_numba,
    search_torch,
    tiles,
)

ADDRESS = Address(key=77, gop=0, step=3)


@pytest.mark.parametrize(
    ("candidates", "blocks", "width"),
    [(65536, 900, 500), (256, 1, 300_000_000), (65536, 1_000_000, 3), (1024, 70_000, 30)],
)
def test_tiles_cover_all_candidates_within_memory(candidates, blocks, width):
    ranges = tiles(candidates, blocks, width)
    assert (ranges[0][0], ranges[-1][1]) == (0, candidates)
    assert all(before[1] == after[0] for before, after in pairwise(ranges))
    for start, stop in ranges:
        assert stop - start == 1 or (stop - start) * max(blocks, width) <= TILE_FLOATS


def test_arrival_times_are_a_unit_rate_poisson_process():
    times = arrival_times(ADDRESS, 0, 20_001)
    gaps = np.diff(times, prepend=0.0)
    assert times.dtype == np.float64
    assert (gaps > 0).all()
    assert kstest(gaps, "expon").pvalue > 0.01
    assert np.array_equal(arrival_times(ADDRESS, 0, 7), times[:7])
    assert not np.array_equal(arrival_times(ADDRESS, 1, 7), times[:7])


@pytest.mark.parametrize(("dims", "blocks", "bits"), [(1000, 7, 12), (64, 8, 8), (999, 40, 10)])
def test_torch_numba_and_oracle_choose_the_same_seeds(dims, blocks, bits):
    delta = torch.randn(dims, generator=torch.Generator().manual_seed(dims))
    delta *= (20 * blocks) ** 0.5 / delta.norm()
    shots = {}
    for backend in ("torch", "numba"):
        coder = PfrCoder(bits, backend=backend)
        shots[backend], n = coder.encode_blocks(delta, Plan(bits, blocks), ADDRESS)
        plain = oracle.decode(shots[backend].seeds, dims, ADDRESS)
        assert np.array_equal(n.numpy(), plain)
    # the oracle gets the factors that the coder used
    factors = _factors(delta, blocks, bits)
    expected = oracle.encode(delta.numpy(), blocks, bits, factors, ADDRESS)
    assert np.array_equal(shots["torch"].seeds, expected)
    assert np.array_equal(shots["numba"].seeds, expected)


def _factors(delta, blocks, bits):
    order = dim_order(ADDRESS, len(delta), torch.device("cpu"))
    rho = split(delta, order, blocks).norm(dim=1).double().numpy()
    return curves()[bits].aims_for_step(rho) / rho


def test_tile_size_does_not_matter(monkeypatch):
    targets = torch.randn(6, 30, generator=torch.Generator().manual_seed(0))
    whole = search_torch(ADDRESS, targets, 10)
    monkeypatch.setattr(search, "_TILE_ROWS", 37)
    assert np.array_equal(search_torch(ADDRESS, targets, 10), whole)
    assert np.array_equal(search_numba(ADDRESS, targets.numpy(), 10), whole)


def test_the_first_of_equals_wins(monkeypatch):
    def same_candidate(address, kind, rows, dims, out):
        out[: len(rows), :dims] = 1

    monkeypatch.setattr(search, "normals", same_candidate)
    monkeypatch.setattr(search, "arrival_times", lambda *args: np.ones(args[-1]))
    for rows in (8192, 100):
        monkeypatch.setattr(search, "_TILE_ROWS", rows)
        assert search_torch(ADDRESS, torch.ones(3, 4), 10).tolist() == [0, 0, 0]
        assert search_numba(ADDRESS, np.ones((3, 4), np.float32), 10).tolist() == [0, 0, 0]
