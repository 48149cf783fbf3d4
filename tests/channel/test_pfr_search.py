"""The search: tiles, ties, and backends that choose the same candidates."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from scipy.stats import kstest

from freegvc._channel import oracle
from freegvc._channel.backend.cpu import CpuBackend
from freegvc._channel.backend.reference import ReferenceBackend, ReferenceDealer
from freegvc._channel.counter import Address
from freegvc._channel.pfr import search
from freegvc._channel.pfr.coder import PfrCoder
from freegvc._channel.pfr.plan import Plan, curves
from freegvc._channel.pfr.search import (
    TILE_FLOATS,
    arrival_times,
    best_seeds,
    tiles,
)

ADDRESS = Address(key=77, gop=0, step=3)


@pytest.mark.parametrize(
    ("candidates", "blocks", "width"),
    [(65536, 900, 500), (256, 1, 300_000_000), (65536, 1_000_000, 3), (1024, 70_000, 30)],
)
def test_tiles_cover_all_candidates_within_memory(candidates, blocks, width):
    ranges = tiles(candidates, blocks, width, on_cpu=True)
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
def test_the_oracle_chooses_the_same_seeds(dims, blocks, bits):
    delta = torch.randn(dims, generator=torch.Generator().manual_seed(dims))
    delta *= (20 * blocks) ** 0.5 / delta.norm()
    # the oracle gets the factors that the coder used
    rho = ReferenceDealer(ADDRESS, dims).deal(delta, blocks).norm(dim=1).double().numpy()
    factors = curves()[bits].aims_for_step(rho) / rho
    expected = oracle.encode(delta.numpy(), blocks, bits, factors, ADDRESS)
    for backend in (CpuBackend(), ReferenceBackend()):
        coder = PfrCoder(bits, backend=backend)
        shot, n = coder.encode_blocks(delta, Plan(bits, blocks), ADDRESS)
        assert np.array_equal(shot.seeds, expected)
        assert np.array_equal(n.numpy(), oracle.decode(shot.seeds, dims, ADDRESS))


def test_tile_size_does_not_matter(monkeypatch):
    targets = torch.randn(6, 30, generator=torch.Generator().manual_seed(0))
    whole = best_seeds(CpuBackend(), ADDRESS, targets, 10)
    monkeypatch.setattr(search, "_TILE_ROWS", 37)
    assert np.array_equal(best_seeds(CpuBackend(), ADDRESS, targets, 10), whole)


def test_the_first_of_equals_wins(monkeypatch):
    class SameCandidate(CpuBackend):
        def normals(self, address, kind, rows, dims, out=None):
            out[: len(rows), :dims] = 1
            return out

    monkeypatch.setattr(search, "arrival_times", lambda *args: np.ones(args[-1]))
    for rows in (8192, 100):
        monkeypatch.setattr(search, "_TILE_ROWS", rows)
        assert best_seeds(SameCandidate(), ADDRESS, torch.ones(3, 4), 10).tolist() == [0, 0, 0]
