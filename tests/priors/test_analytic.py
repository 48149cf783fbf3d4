"""AnalyticPrior against the closed forms it claims."""

import math

import numpy as np
import pytest
import torch

from freegvc.errors import CorruptStreamError, PriorUnavailableError, UsageError
from freegvc.priors import load_prior
from freegvc.priors.analytic import MAX_LEVEL, AnalyticPrior, _octave_bands, dct_matrix


def moving_gradient(num_frames=6, height=40, width=56):
    t, y, x = np.meshgrid(np.arange(num_frames), np.arange(height), np.arange(width), indexing="ij")
    wave = np.sin((x + 2 * t) / 9.0) + np.cos(y / 7.0)
    return np.stack([127 + 50 * wave, 120 + 40 * wave, 90 + 2 * t + y], axis=-1).astype(np.uint8)


@pytest.mark.parametrize("size", [1, 2, 7, 48])
def test_dct_is_orthonormal(size):
    matrix = dct_matrix(size)
    assert torch.allclose(matrix @ matrix.T, torch.eye(size, dtype=torch.float64), atol=1e-12)


def test_smooth_video_survives_the_frame_coder():
    prior = AnalyticPrior()
    frames = moving_gradient()
    decoded = prior.decode_latent(prior.encode_frames(frames), 40, 56)
    assert decoded.shape == frames.shape
    assert np.abs(decoded.astype(int) - frames).mean() < 2.0


def test_frame_coder_is_a_projection():
    """Decoding and encoding again changes nothing more: the transform is orthonormal."""
    prior = AnalyticPrior(dtype=torch.float64)
    frames = moving_gradient(2, 64, 64)
    once = prior.decode_latent(prior.encode_frames(frames), 64, 64)
    twice = prior.decode_latent(prior.encode_frames(once), 64, 64)
    assert np.abs(twice.astype(int) - once).max() <= 2


@pytest.mark.parametrize("value", [0, 37, 128, 255])
def test_constant_video_is_exact(value):
    prior = AnalyticPrior()
    frames = np.full((3, 21, 35, 3), value, dtype=np.uint8)
    decoded = prior.decode_latent(prior.encode_frames(frames), 21, 35)
    assert np.array_equal(decoded, frames)


@pytest.mark.parametrize(("frames", "height", "width"), [(1, 8, 8), (5, 33, 47), (48, 16, 24)])
def test_shapes_and_side_information(frames, height, width):
    prior = AnalyticPrior()
    video = moving_gradient(frames, height, width)
    latent = prior.encode_frames(video)
    shape = prior.latent.shape(frames, height, width)
    assert tuple(latent.shape) == shape
    assert latent.dtype == torch.float32
    side = prior.fit(latent)
    assert len(side) == prior.side_count(shape)
    assert all(0 <= value <= 255 for value in side)
    prior.check_side(side, shape)
    with pytest.raises(CorruptStreamError, match="side information"):
        prior.check_side(side[:-1], shape)


def test_predict_x0_is_the_posterior_mean():
    """Among all multiples of the prediction, the prediction itself has the least error: for data
    drawn from the model, E[<x0 - x0_hat, x0_hat - mu>] = 0, and the error is the closed form."""
    prior = AnalyticPrior(dtype=torch.float64)
    shape = (6, 16, 8, 8)
    generator = torch.Generator().manual_seed(5)
    side = prior.fit(torch.randn(shape, generator=generator) * 0.4)
    means, variances = prior._unpack(side, shape)
    level = prior.schedule.level(700)
    errors, expected, products = [], [], []
    for _ in range(40):
        planes = [
            prior._idct3(torch.randn(v.shape, generator=generator) * v.sqrt()) + m
            for m, v in zip(means, variances, strict=True)
        ]
        x0 = torch.cat([_unshuffle(planes[0]), planes[1][None], planes[2][None]])
        z = level.alpha * x0 + level.sigma * torch.randn(shape, generator=generator)
        x0_hat = prior.predict_x0(z, 700, side)
        errors.append(float((x0 - x0_hat).square().sum()))
        products.append(float(((x0 - x0_hat) * (x0_hat - means[0])).sum()))
        expected.append(sum(float((v / (1 + level.snr * v)).sum()) for v in variances))
    assert np.mean(errors) == pytest.approx(np.mean(expected), rel=0.01)
    spread = np.std(products) / math.sqrt(len(products))
    assert abs(np.mean(products)) < 4 * spread + 1e-3


def _unshuffle(luma):
    return torch.nn.functional.pixel_unshuffle(luma.unsqueeze(1), 2).transpose(0, 1)


def test_mutual_information_is_the_integral_of_the_error():
    """I-MMSE (Guo, Shamai, Verdu 2005): dI/dSNR = mmse / 2."""
    prior = AnalyticPrior()
    shape = (6, 8, 8, 8)
    side = prior.fit(torch.randn(shape, generator=torch.Generator().manual_seed(1)) * 0.3)
    _, variances = prior._unpack(side, shape)
    snrs = np.linspace(0.0, 9.0, 4001)
    mmse = [sum(float((v / (1 + s * v)).sum()) for v in variances) for s in snrs]
    assert prior.information_nats(side, shape, 9.0) == pytest.approx(
        0.5 * np.trapezoid(mmse, snrs), rel=1e-4
    )


def test_variances_do_not_depend_on_the_mean():
    prior = AnalyticPrior()
    latent = torch.randn((6, 8, 8, 8), generator=torch.Generator().manual_seed(2)) * 0.1
    shifted = latent + 20 / 64
    side, moved = prior.fit(latent), prior.fit(shifted)
    differences = [b - a for a, b in zip(side, moved, strict=True)]
    assert sorted(differences)[-3:] == [20, 20, 20]
    assert set(differences) == {0, 20}


def test_bands_are_dense_and_small():
    band = _octave_bands(48, 60, 104)
    counts = torch.bincount(band.flatten())
    assert int(counts.min()) > 0
    assert len(counts) <= 64
    assert int(counts[0]) == 1  # the constant stands alone


def test_side_values_from_the_stream_cannot_overflow():
    prior = AnalyticPrior()
    shape = (6, 1, 2, 2)
    side = (255,) * prior.side_count(shape)
    x0_hat = prior.predict_x0(torch.ones(shape), 0, side)
    assert bool(torch.isfinite(x0_hat).all())
    assert max(side) > MAX_LEVEL


@pytest.mark.parametrize("dtype", ["float64", "float32", "bfloat16"])
def test_arithmetic_changes_little(dtype):
    frames = moving_gradient(8, 48, 64)
    exact, other = load_prior(dtype="float64"), load_prior(dtype=dtype)
    side = exact.fit(exact.encode_frames(frames))
    z = exact.encode_frames(frames) * 0.5
    difference = exact.predict_x0(z, 500, side) - other.predict_x0(z, 500, side)
    assert float(difference.abs().max()) < 0.03


def test_fingerprint_is_the_same_everywhere():
    assert AnalyticPrior().fingerprint == AnalyticPrior(dtype=torch.bfloat16).fingerprint
    assert AnalyticPrior().fingerprint.hex() == "e1f8ceb34dc8f03f"


def test_loading_errors():
    with pytest.raises(PriorUnavailableError, match="analytic"):
        load_prior("no-such-prior")
    with pytest.raises(UsageError, match="dtype"):
        load_prior(dtype="int8")
    with pytest.raises(PriorUnavailableError, match="device"):
        load_prior(device="cuda:99")
