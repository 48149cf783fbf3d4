"""Latents tuned before coding: better scores at equal bits, and streams like any other."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import freegvc
from freegvc._codec.coding import prepare
from freegvc._codec.journal import Journal
from freegvc._control.tuning import distance_for
from freegvc._video import open_video
from freegvc.errors import JournalMismatchError, MetricUnavailableError, UsageError
from freegvc.events import ignore
from freegvc.metrics import lpips
from freegvc.priors import load_prior
from freegvc.priors.small import tuning
from freegvc.priors.tiled import TiledPrior
from tests.codec.coding import compress, decoded_in_a_fresh_process
from tests.conftest import SHARED

WEIGHTS = SHARED / "data" / "weights"
SIZE = (8, 64, 64)


@pytest.fixture(scope="module")
def prior():
    return load_prior("freegvc-small")


def walked(frames, prior, **keywords):
    return compress(frames, stop_step=300, prior=prior, gop_length=8, **keywords)


def errors(prior, latent, frames, seeds=4):
    """Mean squared errors of predictions' decodes, and of v, with noise that no descent saw."""
    pictures, bits = [], []
    for seed in range(100, 100 + seeds):
        noise = torch.randn(latent.shape, generator=torch.Generator().manual_seed(seed))
        for timestep in (250, 400, 550):
            level = prior.schedule.level(timestep)
            x0_hat = prior.predict_x0(level.alpha * latent + level.sigma * noise, timestep, ())
            copy = prior.decode_latent(x0_hat, *frames.shape[1:3])
            pictures.append(np.square(copy[: len(frames)].astype(float) - frames).mean())
            bits.append(float((x0_hat - latent).square().mean()) / level.sigma**2)
    return np.mean(pictures), np.mean(bits)


def test_what_it_descends_goes_down_with_other_noise_too(scene, prior):
    frames = scene(*SIZE)
    latent = prior.encode_frames(frames)
    pictures, bits = errors(prior, latent, frames)
    tuned = prior.tuned(latent, frames, distance_for("psnr", "cpu"))
    better, fewer = errors(prior, tuned, frames)
    assert better < 0.99 * pictures
    assert fewer < 0.97 * bits


def test_a_tuned_stream_is_like_any_other(scene, prior, tmp_path):
    frames = scene(*SIZE)
    plain, tuned = walked(frames, prior), walked(frames, prior, tune="psnr")
    assert plain.header == tuned.header
    path = tuned.save(tmp_path / "tuned.fgvc")
    decoded = freegvc.decompress(path, prior=prior).frames
    assert np.array_equal(decoded_in_a_fresh_process(path), decoded)
    again = walked(frames, prior, tune="psnr")
    assert again.data == tuned.data != plain.data


@pytest.mark.skipif(not WEIGHTS.exists(), reason="the weights of LPIPS are not in this checkout")
def test_tuned_for_lpips_a_gop_has_a_better_score_at_equal_bits(scene, prior, monkeypatch):
    monkeypatch.setenv("FREEGVC_METRIC_WEIGHTS", str(WEIGHTS))
    frames = scene(*SIZE)
    plain, tuned = walked(frames, prior), walked(frames, prior, tune="lpips")
    assert tuned.num_bytes < 1.03 * plain.num_bytes
    before, after = (
        lpips(frames, freegvc.decompress(c, prior=prior).frames) for c in (plain, tuned)
    )
    assert after.mean() < 0.93 * before.mean()


def test_what_cannot_be_is_refused_before_any_work(scene, prior, monkeypatch, tmp_path):
    frames = scene(4, 48, 64)
    with pytest.raises(UsageError, match=r"'ssim'.*lpips, psnr"):
        walked(frames, prior, tune="ssim")
    with pytest.raises(UsageError, match="'analytic' cannot"):
        compress(frames, stop_step=900, prior="analytic", tune="psnr")
    with pytest.raises(UsageError, match="leave out tune"):
        load_prior("analytic").tuned(torch.zeros(()), frames, distance_for("psnr", "cpu"))
    monkeypatch.setenv("FREEGVC_METRIC_WEIGHTS", str(tmp_path))
    with pytest.raises(MetricUnavailableError, match="alexnet"):
        walked(frames, prior, tune="lpips")
    with pytest.raises(UsageError, match=r"LPIPS.*31"):
        walked(scene(4, 24, 64), prior, tune="lpips")


def test_a_run_goes_on_only_with_the_tuning_that_it_began_with(scene, prior, tmp_path):
    plans = []
    for tune in (None, "psnr"):
        with open_video(scene(4, 32, 40)) as source:
            settings = freegvc.Settings(tune=tune)
            plans.append(
                prepare(source, freegvc.StopStep(600), settings, prior, None, None, ignore).plan
            )
    Journal.open(tmp_path / "j", plans[0], resume=False).close()
    with pytest.raises(JournalMismatchError, match="tune"):
        Journal.open(tmp_path / "j", plans[1], resume=True)


def test_tiles_do_not_change_it(scene, prior):
    frames = scene(4, 64, 64)
    latent = prior.encode_frames(frames)
    distance = distance_for("psnr", "cpu")
    tiled = TiledPrior(prior, (6, 6, 2))
    assert tiled.is_tunable
    assert torch.equal(tiled.tuned(latent, frames, distance), prior.tuned(latent, frames, distance))


@pytest.mark.parametrize("level", [0, 255])
def test_frames_of_one_colour_stay_finite(prior, level, monkeypatch):
    frames = np.full((4, 40, 40, 3), level, np.uint8)
    latent = prior.encode_frames(frames)
    for tune in ("psnr", "lpips") if WEIGHTS.exists() else ("psnr",):
        monkeypatch.setenv("FREEGVC_METRIC_WEIGHTS", str(WEIGHTS))
        tuned = prior.tuned(latent, frames, distance_for(tune, "cpu"))
        assert tuned.isfinite().all()
        assert prior.decode_latent(tuned, 40, 40).std() < 8


def test_frames_that_do_not_fill_their_latents_are_tuned_as_they_are_padded(scene, prior):
    frames = scene(5, 50, 70)
    latent = prior.encode_frames(frames)
    assert prior.tuned(latent, frames, distance_for("psnr", "cpu")).shape == latent.shape


@given(
    shape=st.tuples(st.integers(1, 40), st.integers(1, 200), st.integers(1, 200)),
    turn=st.integers(0, 3),
)
def test_windows_are_all_of_a_latent_and_bounded(shape, turn):
    seen = np.zeros(shape, np.uint8)
    for window in tuning.windows(shape, turn):
        part = seen[window]
        assert part.size > 0
        assert all(a <= b for a, b in zip(part.shape, tuning.WINDOW, strict=True))
        part += 1
    assert (seen == 1).all()


def test_borders_of_windows_lie_elsewhere_in_the_next_iteration():
    shape = (12, 30, 52)
    edges = [
        {w.start for window in tuning.windows(shape, turn) for w in window[1:2]} for turn in (0, 1)
    ]
    assert edges[0] & edges[1] == {0}
    assert len(edges[0]) > 1
