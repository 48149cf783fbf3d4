"""Where tiles lie, and that their windows share out every sample without a visible edge."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from freegvc.priors.latent import LatentSpec
from freegvc.priors.tiles import TileGrid, plan_tiles, windows

COGVIDEOX = LatentSpec(16, 4, 8, frame_multiple=8, pixel_multiple=16)
EDGE = math.exp(-6)


@st.composite
def axes(draw):
    """Size of the latent, tile and overlap along one axis."""
    tile = draw(st.integers(1, 60))
    return draw(st.integers(1, 300)), tile, draw(st.integers(0, tile - 1))


@given(axes(), axes())
def test_tiles_cover_the_latent_and_overlap(vertical, horizontal):
    overlap = min(vertical[2], horizontal[2])
    tile = (vertical[1], horizontal[1], overlap)
    grid = TileGrid.covering(vertical[0], horizontal[0], tile)
    for size, wanted, starts, length in (
        (*vertical[:2], grid.rows, grid.tile_height),
        (*horizontal[:2], grid.columns, grid.tile_width),
    ):
        assert length == min(size, wanted)
        assert starts[0] == 0
        assert starts[-1] + length == size
        strides = [after - before for before, after in pairwise(starts)]
        assert all(1 <= stride <= length - overlap for stride in strides)
        assert not strides or max(strides) - min(strides) <= 1
        if strides:  # one tile fewer could not cover it
            assert length + (len(strides) - 1) * (length - overlap) < size
    assert len(grid.corners) == len(grid.rows) * len(grid.columns)


def test_corners_are_row_by_row():
    grid = TileGrid.covering(10, 7, (6, 4, 1))
    assert grid.corners == ((0, 0), (0, 3), (4, 0), (4, 3))


@given(axes(), st.sampled_from([1, 8]))
def test_windows_are_a_partition_of_unity(axis, stride):
    grid = TileGrid.covering(axis[0], 1, (axis[1], axis[2] + 1, axis[2]))
    starts = [start * stride for start in grid.rows]
    weights = windows(starts, grid.tile_height * stride)
    assert weights.dtype == np.float32
    assert weights.min() >= 0.0
    total = np.zeros(axis[0] * stride)
    for start, weight in zip(starts, weights, strict=True):
        total[start : start + len(weight)] += weight
    assert np.allclose(total, 1.0, rtol=0, atol=1e-6)


def test_a_lone_tile_is_taken_as_it_is():
    assert np.array_equal(windows([0], 9), np.ones((1, 9), np.float32))


@pytest.mark.parametrize(("size", "tile", "overlap"), [(105, 60, 15), (180, 90, 10), (88, 64, 40)])
def test_edges_jump_by_a_quarter_of_a_percent_for_every_overlap(size, tile, overlap):
    """Measured over 8 pixels a sample, where a step is small beside the overlap."""
    grid = TileGrid.covering(size, 1, (tile, overlap + 1, overlap))
    starts = [start * 8 for start in grid.rows]
    weights = windows(starts, tile * 8)
    assert weights[1][0] == pytest.approx(EDGE, rel=0.1)
    assert weights[-2][-1] == pytest.approx(EDGE, rel=0.1)
    # and inside the overlap the share follows the logistic curve from -6 to 6
    shared = starts[0] + tile * 8 - starts[1]
    share = weights[1][:shared].astype(float)
    expected = np.linspace(-6, 6, shared)
    assert np.abs(np.log(share / (1 - share)) - expected).max() < 0.1


def test_sigma_is_an_eighth_of_the_tile_at_an_overlap_of_a_quarter():
    weights = windows([0, 45], 60).astype(float)
    x = np.arange(45, 60)
    gaussians = [np.exp(-((x - c) ** 2) / (2 * (60 / 8) ** 2)) for c in (29.5, 74.5)]
    assert np.allclose(weights[1][:15], gaussians[1] / sum(gaussians), atol=1e-6)


def test_windows_survive_gaussians_that_underflow():
    """A hostile or odd tile: a sigma of a few samples in a tile of thousands."""
    weights = windows([0, 15999], 16000)
    assert np.isfinite(weights).all()
    assert weights[0][:-1].min() == weights[1][1:].min() == 1.0
    assert weights[0][-1] + weights[1][0] == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("spec", "native", "height", "width", "expected"),
    [
        (COGVIDEOX, (480, 720), 480, 720, None),
        (COGVIDEOX, (480, 720), 465, 719, None),  # fits after padding too
        (COGVIDEOX, None, 4320, 7680, None),
        (COGVIDEOX, (480, 720), 1080, 1920, (60, 90, 15)),
        (COGVIDEOX, (480, 720), 480, 832, None),  # a fifth more is not cut
        (COGVIDEOX, (480, 720), 576, 864, None),
        (COGVIDEOX, (480, 720), 240, 865, (60, 90, 15)),  # 865 is padded to 880
        (COGVIDEOX, (480, 720), 577, 720, (60, 90, 15)),
        (COGVIDEOX, (488, 727), 587, 720, (60, 90, 15)),  # padded to 592
        (COGVIDEOX, (480, 720), 544, 1280, (68, 90, 17)),  # one side is cut alone
        (LatentSpec(48, 4, 16, is_causal=True, pixel_multiple=32), (704, 1280), 1080, 1920,
         (44, 80, 11)),
        (LatentSpec(3, 1, 1), (9, 5), 11, 1, (9, 5, 2)),
        (COGVIDEOX, (8, 8), 16, 16, (2, 2, 1)),  # never less than the model takes
    ],
)  # fmt: skip
def test_default_tiles(spec, native, height, width, expected):
    assert plan_tiles(spec, native, height, width) == expected


def test_an_axis_that_fits_is_not_cut():
    tile = plan_tiles(COGVIDEOX, (480, 720), 240, 1920)
    grid = TileGrid.covering(30, 240, tile)
    assert (grid.tile_height, grid.rows) == (30, (0,))
    assert grid.columns == (0, 75, 150)
