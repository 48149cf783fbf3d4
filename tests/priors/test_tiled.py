"""TiledPrior over priors whose untiled answer is known."""

import math

import numpy as np
import pytest
import torch

from freegvc._diffusion.levels import NoiseSchedule
from freegvc.errors import UsageError
from freegvc.priors import LatentSpec, Prior, PriorDefaults, load_prior
from freegvc.priors.tiled import TiledPrior
from freegvc.priors.tiles import TileGrid
from tests.priors.tiny_checkpoints import write_cogvideox

PLAIN = LatentSpec(3, 1, 2)
CAUSAL = LatentSpec(3, 4, 8, is_causal=True, pixel_multiple=16)
STRIDED = LatentSpec(3, 4, 4, frame_multiple=8, pixel_multiple=8)


class ToyPrior(Prior):
    """Latent samples are means of pixels; predictions are local, with a reach of `reach` samples.

    Args:
        latent: geometry.
        reach: 0 for a pointwise prediction; else a box filter that sees zeros beyond the edge,
            so that predictions near the edge of a tile differ from those of the whole.
        tones: grey levels added to the decoded frames, by turns: what a VAE's statistics do.
    """

    name = "toy"
    defaults = PriorDefaults(silent_steps=3)
    device = torch.device("cpu")
    dtype = torch.float32
    fingerprint = b"toyprior"
    schedule = NoiseSchedule.flow_matching()

    def __init__(self, latent=PLAIN, reach=0, tones=(0.0,)):
        self.latent = latent
        self.reach = reach
        self.tones = tones
        self.batches = []
        self.decoded = 0

    def predict_x0(self, z, timestep, side):
        return self.predict_tiles(z[None], timestep)[0]

    def predict_tiles(self, tiles, timestep):
        self.batches.append(tuple(tiles.shape))
        local = torch.tanh(tiles) * self.schedule.level(timestep).sigma + 0.1 * tiles**2
        if not self.reach:
            return local
        kernel = (1, 2 * self.reach + 1, 2 * self.reach + 1)
        pad = (0, self.reach, self.reach)
        return torch.nn.functional.avg_pool3d(local, kernel, stride=1, padding=pad)

    def encode_frames(self, frames):
        spec = self.latent
        _, t, h, w = spec.shape(*frames.shape[:3])
        pixels = torch.from_numpy(spec.pad(frames)).permute(3, 0, 1, 2).float() / 127.5 - 1.0
        if spec.is_causal:
            first = pixels[:, :1].expand(-1, spec.temporal_stride - 1, -1, -1)
            pixels = torch.cat([first, pixels], dim=1)
        d = spec.spatial_stride
        return pixels.reshape(3, t, spec.temporal_stride, h, d, w, d).mean(dim=(2, 4, 6))

    def decode_latent(self, latent, height, width):
        spec = self.latent
        grey = (latent + 1.0) * 127.5 + self.tones[self.decoded % len(self.tones)]
        self.decoded += 1
        for axis, times in enumerate((spec.temporal_stride, *[spec.spatial_stride] * 2), start=1):
            grey = grey.repeat_interleave(times, dim=axis)
        grey = grey[:, spec.temporal_stride - 1 :] if spec.is_causal else grey
        frames = grey[:, :, :height, :width].round().clamp(0, 255).to(torch.uint8)
        return frames.permute(1, 2, 3, 0).numpy()


def latent_of(*shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(sum(shape)))


def noise_video(*shape):
    return np.random.default_rng(sum(shape)).integers(0, 256, (*shape, 3)).astype(np.uint8)


def test_every_attribute_is_that_of_the_wrapped_prior():
    """No attribute of Prior may be missed: the base's default would silently take its place."""

    class Other(ToyPrior):
        pass

    toy = Other()
    tiled = TiledPrior(toy, (8, 8, 2))
    properties = [name for name, value in vars(Prior).items() if isinstance(value, property)]
    for name in (*Prior.__annotations__, *properties):
        changed = object()  # after the wrapping: nothing may be a copy
        vars(toy).pop(name, None)
        setattr(Other, name, changed)
        assert getattr(tiled, name) is changed, name


@pytest.mark.parametrize("spec", [PLAIN, CAUSAL, STRIDED], ids=["plain", "causal", "strided"])
@pytest.mark.parametrize("size", [(1, 33, 47), (5, 64, 50), (9, 17, 90), (13, 96, 96)])
def test_pointwise_prior_is_the_same_tiled(spec, size):
    """Encoding, prediction and decoding of any size, also where tiles end in padding."""
    toy = ToyPrior(spec)
    tiled = TiledPrior(toy, (4, 6, 2))
    frames = noise_video(*size)
    latent = tiled.encode_frames(frames)
    assert tuple(latent.shape) == spec.shape(*size)
    assert len(TileGrid.covering(*latent.shape[2:], tiled.tile).corners) > 1
    assert torch.allclose(latent, toy.encode_frames(frames), rtol=0, atol=1e-6)
    z = latent_of(*latent.shape)
    assert torch.allclose(
        tiled.predict_x0(z, 400, ()), toy.predict_x0(z, 400, ()), rtol=1e-6, atol=1e-6
    )
    assert np.array_equal(
        tiled.decode_latent(latent, *size[1:]), toy.decode_latent(latent, *size[1:])
    )


def test_one_tile_is_handed_to_the_prior_as_it_is(monkeypatch):
    """Even a sum of one tile would change a bit: that of the sign of -0."""
    toy = ToyPrior(CAUSAL)
    tiled = TiledPrior(toy, (6, 8, 2))
    z, frames = latent_of(3, 3, 6, 7), noise_video(6, 41, 55)
    for name in ("predict_x0", "encode_frames", "decode_latent"):
        monkeypatch.setattr(toy, name, lambda *given: given)
    assert tiled.predict_x0(z, 10, ()) == (z, 10, ())
    assert tiled.encode_frames(frames)[0] is frames
    assert tiled.decode_latent(z, 41, 55) == (z, 41, 55)


def test_merged_prediction_is_the_whole_one_where_tiles_see_enough():
    """What a tile cannot see beyond its edge enters with its window there, almost nothing."""
    toy = ToyPrior(reach=2)
    z = latent_of(3, 2, 36, 60)
    whole = toy.predict_x0(z, 700, ())
    tiled = TiledPrior(toy, (24, 24, 12)).predict_x0(z, 700, ())
    alone = toy.predict_x0(z[..., :24, :24], 700, ()) - whole[..., :24, :24]
    # two samples into an overlap of twelve, the share is at most that of the logistic curve at -4
    assert (tiled - whole).abs().max() < 2 * math.exp(-4) * alone.abs().max()
    assert torch.allclose(tiled[..., :12, :12], whole[..., :12, :12], rtol=0, atol=1e-6)


def test_batches_have_the_stated_size_and_do_not_matter():
    z = latent_of(3, 2, 30, 30)
    one, three = ToyPrior(reach=1), ToyPrior(reach=1)
    three.batch_tiles = 3
    expected = TiledPrior(one, (16, 16, 4)).predict_x0(z, 500, ())
    got = TiledPrior(three, (16, 16, 4)).predict_x0(z, 500, ())
    assert torch.allclose(got, expected, atol=1e-6)
    assert [shape[0] for shape in one.batches] == [1] * 9
    assert [shape[0] for shape in three.batches] == [3, 3, 3]
    assert {shape[1:] for shape in three.batches} == {(3, 2, 16, 16)}
    three.batches.clear()
    three.batch_tiles = 4
    TiledPrior(three, (16, 16, 4)).predict_x0(z, 500, ())
    assert [shape[0] for shape in three.batches] == [4, 4, 1]


def test_base_class_predicts_tiles_one_by_one():
    class OneByOne(ToyPrior):
        predict_tiles = Prior.predict_tiles

        def predict_x0(self, z, timestep, side):
            return torch.tanh(z) * timestep

    z = latent_of(3, 1, 9, 9)
    assert torch.allclose(TiledPrior(OneByOne(), (5, 5, 1)).predict_x0(z, 2, ()), torch.tanh(z) * 2)


@pytest.mark.parametrize("value", [0, 93, 255])
def test_constant_video_stays_constant(value):
    tiled = TiledPrior(ToyPrior(STRIDED), (6, 4, 1))
    frames = np.full((3, 61, 75, 3), value, np.uint8)
    latent = tiled.encode_frames(frames)
    assert (latent - latent[0, 0, 0, 0]).abs().max() < 1e-6
    predicted = tiled.predict_x0(latent, 300, ())
    assert (predicted - predicted[0, 0, 0, 0]).abs().max() < 1e-6
    decoded = tiled.decode_latent(latent, 61, 75)
    assert np.array_equal(decoded[:3], frames)


@pytest.mark.parametrize("size", [(160, 96), (157, 203)])
def test_tones_that_differ_from_tile_to_tile_leave_no_seam(size):
    """Tiles up to 30 levels apart: no step between neighbouring pixels shows where they meet."""
    toy = ToyPrior(LatentSpec(3, 1, 4), tones=(0.0, 30.0, 10.0, 25.0, -5.0))
    tiled = TiledPrior(toy, (16, 16, 8))
    latent = torch.zeros(toy.latent.shape(2, *size))
    decoded = tiled.decode_latent(latent, *size).astype(float)
    assert decoded.shape == (2, *size, 3)
    assert np.ptp(decoded) > 20  # the tones are there
    for axis in (1, 2):
        # overlaps of 32 pixels at least: 35 levels under the logistic curve, steepest at its
        # middle with 3 / 32 a pixel, and rounding
        assert np.abs(np.diff(decoded, axis=axis)).max() <= 35 * 3 / 32 + 1
    hard = TiledPrior(toy, (8, 8, 0)).decode_latent(latent, *size).astype(float)
    assert np.abs(np.diff(hard, axis=1)).max() >= 20  # without overlap they do show


def test_a_smooth_ramp_has_no_seam_above_one_level():
    """Tones up to 8 levels apart on overlaps of 32 pixels: no step leaves the ramp by more."""
    toy = ToyPrior(LatentSpec(3, 1, 1), tones=(0.0, 8.0, 3.0, 6.0, 1.0))
    tiled = TiledPrior(toy, (64, 64, 32))
    rise = 60 + np.arange(150)[:, None] // 3 + np.arange(170) // 2
    frames = np.repeat(rise[None, :, :, None], 3, axis=3).astype(np.uint8)
    off = tiled.decode_latent(tiled.encode_frames(frames), 150, 170).astype(int) - frames
    assert off.max() - off.min() >= 5  # the tones are there
    assert max(np.abs(np.diff(off, axis=axis)).max() for axis in (1, 2)) <= 1


def test_decoding_holds_one_row_of_tiles_in_floats(monkeypatch):
    """No array of floats may be as large as the picture."""
    made = []
    zeros = np.zeros

    def spy(shape, *more):
        made.append((shape, *more))
        return zeros(shape, *more)

    tiled = TiledPrior(ToyPrior(), (8, 8, 2))
    latent = latent_of(3, 2, 64, 20)
    monkeypatch.setattr("freegvc.priors.tiled.np.zeros", spy)
    tiled.decode_latent(latent, 127, 39)
    assert [shape for shape, *_ in made if np.ndim(shape) and len(shape) == 4] == [(2, 16, 40, 3)]


def test_priors_with_side_information_are_refused():
    with pytest.raises(UsageError, match="side information"):
        TiledPrior(load_prior("analytic"), (16, 16, 4))


@pytest.mark.parametrize(
    ("tile", "message"),
    [
        ((0, 8, 0), "multiples of 2"),
        ((7, 8, 2), "multiples of 2"),
        ((8, 9, 2), "multiples of 2"),
        ((8, 12, 8), r"in 0\.\.7"),
        ((8, 12, -1), r"in 0\.\.7"),
    ],
)
def test_tiles_that_cannot_be(tile, message):
    with pytest.raises(UsageError, match=message):
        TiledPrior(ToyPrior(CAUSAL), tile)


@pytest.fixture(scope="module")
def cogvideox(tmp_path_factory):
    return load_prior(str(write_cogvideox(tmp_path_factory.mktemp("cogvideox"))))


def test_cogvideox_in_tiles(cogvideox, scene):
    """Of a size that pads, through VAE and transformer; a grid of one tile changes no bit."""
    frames = scene(5, 41, 60)
    whole = TiledPrior(cogvideox, (60, 90, 15))
    tiled = TiledPrior(cogvideox, (4, 6, 2))
    latent = whole.encode_frames(frames)
    assert torch.equal(latent, cogvideox.encode_frames(frames))
    assert torch.equal(whole.predict_x0(latent, 400, ()), cogvideox.predict_x0(latent, 400, ()))
    assert np.array_equal(
        whole.decode_latent(latent, 41, 60), cogvideox.decode_latent(latent, 41, 60)
    )
    cut = tiled.encode_frames(frames)
    assert cut.shape == latent.shape
    assert not torch.equal(cut, latent)
    decoded = tiled.decode_latent(cut, 41, 60)
    assert decoded.shape == (8, 41, 60, 3)
    # the corner belongs to one tile alone
    corner = cogvideox.encode_frames(frames[:, :32, :48])
    assert torch.equal(cut[..., :2, :2], corner[..., :2, :2])
    predicted = tiled.predict_x0(cut, 400, ())
    cogvideox.batch_tiles = 3
    assert torch.allclose(tiled.predict_x0(cut, 400, ()), predicted, atol=1e-4)
    cogvideox.batch_tiles = 1
