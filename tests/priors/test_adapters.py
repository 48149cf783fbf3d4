"""Laws that every adapter of a diffusers model obeys, on tiny random checkpoints."""

import numpy as np
import pytest
import torch

from freegvc.priors.loading import load_prior
from tests.priors.tiny_checkpoints import WRITERS


@pytest.fixture(scope="module", params=WRITERS)
def model(request, tmp_path_factory):
    return request.param, WRITERS[request.param](tmp_path_factory.mktemp(request.param))


@pytest.fixture(scope="module")
def prior(model):
    return load_prior(str(model[1]))


def noise(prior, num_latents, *more):
    generator = torch.Generator().manual_seed(7)
    multiple = prior.latent.pixel_multiple or prior.latent.spatial_stride
    across = 2 * multiple // prior.latent.spatial_stride
    shape = (*more, prior.latent.channels, num_latents, across, across)
    return torch.randn(shape, generator=generator)


def distance(a, b):
    return float((a - b).square().mean().sqrt())


def video(num_frames, height, width):
    t, y, x = np.meshgrid(np.arange(num_frames), np.arange(height), np.arange(width), indexing="ij")
    waves = [np.sin((x + 2 * t) / 9.0), np.cos((y - t) / 7.0), np.sin((x + y) / 11.0)]
    return (128 + 100 * np.stack(waves, axis=-1)).astype(np.uint8)


def test_a_prediction_depends_on_the_latent_the_timestep_and_the_text(model, prior):
    z = noise(prior, 2)
    base = prior.predict_x0(z, 500, ())
    assert base.shape == z.shape
    assert base.dtype == torch.float32
    # by the model, not by the formula around it: velocities, or what stands for them
    assert distance(prior.predict_x0(z + 0.5, 500, ()), base) > 0.05
    told = load_prior(str(model[1]), prompt="a cat in the rain")
    assert distance(told.predict_x0(z, 500, ()), base) > 1e-3
    with torch.no_grad():
        outputs = [prior.run_transformer(z[None], t) for t in (100, 500)]
    assert distance(*outputs) > 1e-3


def test_latents_and_their_neighbours_in_time_and_space_matter(prior):
    """A change anywhere reaches the prediction of another place: the model sees the whole GOP."""
    z = noise(prior, 4)
    base = prior.predict_x0(z, 700, ())
    changed = z.clone()
    changed[:, 3, 0, 0] += 3.0
    moved = (prior.predict_x0(changed, 700, ()) - base).abs().amax(0)
    assert moved[0, -1, -1] > 1e-4


@pytest.mark.parametrize("num_latents", [2, 4])
def test_a_batch_predicts_what_its_members_do(prior, num_latents):
    tiles = noise(prior, num_latents, 3)
    together = prior.predict_tiles(tiles, 900)
    for tile, found in zip(tiles, together, strict=True):
        assert distance(found, prior.predict_x0(tile, 900, ())) < 2e-6


@pytest.mark.parametrize(
    "size", [(1, 32, 32), (2, 40, 24), (9, 64, 64), (10, 33, 65), (17, 32, 48)], ids=str
)
def test_any_size_is_encoded_predicted_and_decoded_whole(prior, size):
    num_frames, height, width = size
    latent = prior.encode_frames(video(*size))
    assert latent.dtype == torch.float32
    assert tuple(latent.shape) == prior.latent.shape(*size)
    assert prior.predict_x0(latent, 300, ()).shape == latent.shape
    frames = prior.decode_latent(latent, height, width)
    assert frames.dtype == np.uint8
    assert frames.shape == (prior.latent.num_padded_frames(num_frames), height, width, 3)
    assert len(frames) >= num_frames


def test_every_frame_and_every_corner_reaches_the_latent(prior):
    size = (10, 70, 50)
    frames = video(*size)
    base = prior.encode_frames(frames)
    for where in [(0, 0, 0), (9, 69, 49), (5, 69, 0), (8, 0, 49)]:
        changed = frames.copy()
        changed[where] = 255 - changed[where]
        assert distance(prior.encode_frames(changed), base) > 1e-5, where


def test_the_latents_scale_cancels_in_encode_and_decode(prior):
    """Through the VAE alone or through scaled latents: the same pixels."""
    pixels = torch.from_numpy(prior.latent.pad(video(9, 64, 64))).permute(3, 0, 1, 2)[None]
    pixels = pixels.float() / 127.5 - 1.0
    with torch.no_grad():
        latent = prior.run_encoder(pixels)
        raw = prior.vae.encode(pixels).latent_dist.mode()
        expected = prior.vae.decode(raw).sample
        assert distance(prior.run_decoder(latent), expected) < 1e-5 * float(expected.std())
        assert distance(latent, raw) > 0.05


def test_the_noisiest_level_is_pure_noise_and_the_cleanest_nearly_clean(prior):
    assert prior.schedule.level(prior.schedule.start).alpha == 0.0
    z = noise(prior, 2)
    assert distance(prior.predict_x0(z, 0, ()), z) < 0.15
    assert distance(prior.predict_x0(z, prior.schedule.start, ()), z) > 0.3


def test_neighbouring_gops_can_be_walked(prior):
    length, overlap = prior.defaults.gop_length, prior.defaults.overlap
    assert (length - overlap) % prior.latent.temporal_stride == 0
    assert prior.latent.num_padded_frames(length) == length
    assert prior.latent.overlap(length, overlap).count == 1


def test_bfloat16_computes_in_bfloat16_and_answers_in_float32(model, prior):
    half = load_prior(str(model[1]), dtype="bfloat16")
    latent = prior.encode_frames(video(9, 32, 32))
    z = 0.5 * latent + 0.5 * torch.randn(latent.shape, generator=torch.Generator().manual_seed(1))
    expected, found = prior.predict_x0(z, 500, ()), half.predict_x0(z, 500, ())
    assert found.dtype == half.encode_frames(video(9, 32, 32)).dtype == torch.float32
    assert 1e-5 < distance(found, expected) / float(expected.std()) < 0.05
    assert distance(half.encode_frames(video(9, 32, 32)), latent) < 0.05
    seen = half.decode_latent(latent, 32, 32).astype(int)
    assert np.abs(seen - prior.decode_latent(latent, 32, 32)).mean() < 2.0
