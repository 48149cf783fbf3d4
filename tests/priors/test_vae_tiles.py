"""Tiles of the VAE alone: their geometry, and frames of any size through them."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from freegvc.errors import UsageError
from freegvc.priors import LatentSpec, load_prior
from freegvc.priors.tiled import TiledPrior
from freegvc.priors.tiles import TileGrid, vae_tiles
from tests.priors.test_tiled import CAUSAL, PLAIN, STRIDED, ToyPrior, latent_of, noise_video
from tests.priors.tiny_checkpoints import WRITERS

COGVIDEOX = LatentSpec(16, 4, 8, frame_multiple=8, pixel_multiple=16)


@pytest.mark.parametrize(
    ("size", "tile", "expected"),
    [
        ((480, 720), None, (34, 50, 8)),
        ((480, 832), None, (34, 56, 8)),
        # of a frame in model tiles, the VAE's cut each of those in two
        ((1080, 1920), (60, 90, 15), (34, 50, 8)),
        ((16, 16), None, (2, 2, 1)),
    ],
)
def test_a_side_is_cut_in_two(size, tile, expected):
    assert vae_tiles(COGVIDEOX, size, tile, 2) == expected


@given(
    st.tuples(st.integers(16, 1200), st.integers(16, 2000)),
    st.integers(1, 4),
    st.sampled_from([COGVIDEOX, LatentSpec(16, 4, 8), LatentSpec(128, 8, 32, is_causal=True)]),
)
def test_as_many_tiles_as_asked_for_and_no_more(size, pieces, spec):
    tile = vae_tiles(spec, size, None, pieces)
    height, width, overlap = tile
    rows, columns = spec.shape(1, *size)[2:]
    step = max(spec.pixel_multiple // spec.spatial_stride, 1)
    assert height % step == width % step == 0
    assert 0 <= overlap < min(height, width)
    grid = TileGrid.covering(rows, columns, tile)
    assert len(grid.rows) <= pieces
    assert len(grid.columns) <= pieces
    if pieces == 1:
        assert len(grid.corners) == 1


@pytest.mark.parametrize("spec", [PLAIN, CAUSAL, STRIDED], ids=["plain", "causal", "strided"])
@pytest.mark.parametrize("size", [(1, 33, 47), (5, 64, 50), (9, 17, 90)])
def test_a_local_vae_gives_the_same_in_tiles(spec, size):
    """The model sees the latent whole, or in its own tiles."""
    toy = ToyPrior(spec)
    frames = noise_video(*size)
    vae_tile = vae_tiles(spec, size[1:], None, 2)
    tiled = TiledPrior(toy, None, vae_tile)
    latent = tiled.encode_frames(frames)
    rows, columns = latent.shape[2:]
    assert len(TileGrid.covering(rows, columns, vae_tile).corners) > 1
    assert torch.allclose(latent, toy.encode_frames(frames), rtol=0, atol=1e-6)
    decoded = tiled.decode_latent(latent, *size[1:])
    assert np.array_equal(decoded, toy.decode_latent(latent, *size[1:]))
    z = latent_of(*latent.shape)
    assert torch.equal(tiled.predict_x0(z, 400, ()), toy.predict_x0(z, 400, ()))
    toy.batches.clear()
    TiledPrior(toy, (4, 6, 2), vae_tile).predict_x0(z, 400, ())
    assert {shape[-2:] for shape in toy.batches} <= {(min(4, rows), min(6, columns))}


def frames_of(num_frames, height, width):
    """A smooth picture that moves: noise would fill the differences between tiles."""
    t, y, x = np.meshgrid(np.arange(num_frames), np.arange(height), np.arange(width), indexing="ij")
    waves = [np.sin((x + 2 * t) / 19.0), np.cos((y - t) / 17.0), np.sin((x + y) / 23.0)]
    return (128 + 100 * np.stack(waves, axis=-1)).astype(np.uint8)


@pytest.mark.parametrize("name", ["cogvideox", "wan2.1", "wan2.2-ti2v", "ltx"])
def test_every_family_of_vaes_in_tiles(name, tmp_path):
    """Shapes are those of the whole; pictures differ a little, where a tile ends."""
    prior = load_prior(str(WRITERS[name](tmp_path)))
    for size in ((1, 72, 104), (9, 130, 97)):  # no multiples of tiles or strides
        frames = frames_of(*size)
        tiled = TiledPrior(prior, None, vae_tiles(prior.latent, size[1:], None, 2))
        assert tiled.vae_tile[0] * prior.latent.spatial_stride < size[1]
        latent, whole = tiled.encode_frames(frames), prior.encode_frames(frames)
        assert tuple(latent.shape) == tuple(whole.shape) == prior.latent.shape(*size)
        # tiles of tiny random networks see little beyond their edge; other latents would give 2
        assert 0 < float((latent - whole).square().mean() / whole.square().mean()) < 0.5
        decoded = tiled.decode_latent(whole, *size[1:])
        expected = prior.decode_latent(whole, *size[1:])
        assert decoded.shape == expected.shape
        difference = decoded.astype(float) - expected
        assert 0 < np.square(difference).mean() / np.var(expected) < 1.0


def test_a_prior_with_side_information_cannot_be_tiled():
    with pytest.raises(UsageError, match="sends side information"):
        TiledPrior(load_prior("analytic"), None, (8, 8, 2))


def test_tiles_that_do_not_fit_the_model():
    with pytest.raises(UsageError, match="needs positive multiples of 2"):
        TiledPrior(ToyPrior(STRIDED), None, (5, 6, 2))
    with pytest.raises(UsageError, match=r"overlap by 4; it must be in 0..3"):
        TiledPrior(ToyPrior(STRIDED), None, (4, 6, 4))
