"""The VAE's tiles are the header's: a decoder follows them, whatever memory it has free."""

from dataclasses import replace

import numpy as np
import pytest

import freegvc
from freegvc._bitstream import write_stream
from freegvc.errors import CorruptStreamError, LargeStreamError, UsageError
from freegvc.priors import StageBytes, memory
from tests.codec.coding import compress
from tests.codec.test_tiled_streams import MeanPrior


class TonedPrior(MeanPrior):
    """Its VAE moves a picture towards the mean of all that it decodes, as a norm does."""

    defaults = replace(MeanPrior.defaults, gop_length=4, overlap=2)

    def decode_latent(self, latent, height, width):
        mean = latent.mean(dim=(2, 3), keepdim=True)
        return super().decode_latent(0.8 * latent + 0.2 * mean, height, width)

    def stage_bytes(self, num_frames, height, width):
        assert num_frames in (4, 5)
        return StageBytes(height * width, 0, height * width)


def prior(**attributes):
    made = TonedPrior()
    vars(made).update(attributes)
    return made


@pytest.fixture
def free(monkeypatch):
    def set_free(num_bytes):
        monkeypatch.setattr(memory, "free_bytes", lambda device: num_bytes)

    return set_free


@pytest.fixture
def tiled(scene, free):
    free(4000)
    return compress(scene(7, 64, 96), stop_step=500, prior=prior())


def test_the_encoder_says_once_that_it_took_tiles(tiled):
    assert tiled.header.vae_tile == (5, 7, 1)
    assert tiled.header.tile == (0, 0, 0)
    assert freegvc.CompressedVideo(tiled.data).header == tiled.header


def test_enough_memory_takes_none(scene, free):
    for enough in (None, 1 << 20):
        free(enough)
        stream = compress(scene(5, 64, 96), stop_step=500, prior=prior())
        assert stream.header.vae_tile == (0, 0, 0)


def test_the_length_of_gops_counts(scene, free):
    free(1)
    compress(scene(5, 64, 96), stop_step=500, prior=prior(), gop_length=5, overlap=1)


@pytest.mark.parametrize("is_free", [None, 1, 1 << 40])
def test_a_decoder_does_what_the_header_says(tiled, free, is_free):
    expected = freegvc.decompress(tiled, prior=prior()).frames
    free(is_free)
    assert np.array_equal(freegvc.decompress(tiled, prior=prior()).frames, expected)
    again = prior(vae_tiles="on")
    assert np.array_equal(freegvc.decompress(tiled, prior=again).frames, expected)


def test_a_user_may_decide_otherwise(tiled, free):
    """As with any arithmetic that is not the encoder's, the picture differs a little."""
    header = replace(tiled.header, vae_tile=(0, 0, 0))
    whole = freegvc.CompressedVideo(write_stream(replace(tiled.stream, header=header)))
    free(1)
    frames = freegvc.decompress(whole, prior=prior()).frames
    assert not np.array_equal(freegvc.decompress(tiled, prior=prior()).frames, frames)
    assert np.array_equal(freegvc.decompress(tiled, prior=prior(vae_tiles="off")).frames, frames)
    forced = freegvc.decompress(whole, prior=prior(vae_tiles="on")).frames
    assert not np.array_equal(forced, frames)
    assert np.abs(forced.astype(int) - frames).mean() < 10


def test_the_encoders_scores_are_of_tiled_frames(scene, free):
    """The control decodes as a decoder does."""
    free(4000)
    frames = scene(4, 64, 96)
    stream = compress(frames, target_psnr=20.0, prior=prior())
    from freegvc.metrics import psnr

    decoded = freegvc.decompress(stream, prior=prior()).frames
    whole = freegvc.decompress(stream, prior=prior(vae_tiles="off")).frames
    assert abs(psnr(frames, decoded).mean() - 20.0) < 0.5
    assert psnr(frames, whole).mean() != psnr(frames, decoded).mean()


@pytest.mark.parametrize(
    ("vae_tile", "message"),
    [
        ((3, 4, 1), "needs positive multiples of 2"),
        ((2, 2, 1), "the limit is 4096"),
    ],
)
def test_tiles_that_no_encoder_writes(tiled, vae_tile, message):
    strict = prior(latent=replace(TonedPrior.latent, pixel_multiple=16))
    header = replace(tiled.header, width=2048, height=2048, vae_tile=vae_tile)
    hostile = freegvc.CompressedVideo(write_stream(replace(tiled.stream, header=header)))
    with pytest.raises(CorruptStreamError, match=message):
        freegvc.decompress(hostile, prior=strict, allow_large=True)


def test_tiles_that_are_mostly_overlap(tiled):
    header = replace(tiled.header, width=512, height=256, vae_tile=(8, 8, 7))
    hostile = freegvc.CompressedVideo(write_stream(replace(tiled.stream, header=header)))
    with pytest.raises(LargeStreamError, match="1425 tiles a frame"):
        freegvc.decompress(hostile, prior=prior())


def test_a_prior_that_cannot_be_tiled(scene):
    with pytest.raises(UsageError, match="sends side information"):
        compress(scene(5, 64, 96), prior=freegvc.load_prior("analytic", vae_tiles="on"))
