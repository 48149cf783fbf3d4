"""Latents tuned before coding: better scores at equal bits, and streams like any other."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import freegvc
from freegvc._codec.coding import prepare
from freegvc._codec.journal import Journal
from freegvc._control.tuning import TUNINGS, Tuning, distance_of, structure_lost
from freegvc._video import open_video
from freegvc.errors import JournalMismatchError, MetricUnavailableError, UsageError
from freegvc.events import StepSent, ignore
from freegvc.metrics import lpips, ms_ssim
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
    frames = scene(16, 96, 96)
    latent = prior.encode_frames(frames)
    pictures, bits = errors(prior, latent, frames)
    tuned = prior.tuned(latent, frames, lambda a, b: (a - b).square().mean())
    better, fewer = errors(prior, tuned, frames)
    assert better < pictures
    assert fewer < bits
    # the encoder has learned to make latents that leave it little
    assert better * fewer**tuning.EXPONENT < 0.98 * pictures * bits**tuning.EXPONENT


def test_a_tuned_stream_is_like_any_other(scene, prior, tmp_path):
    frames = scene(*SIZE)
    plain, tuned = walked(frames, prior), walked(frames, prior, tune="fidelity")
    assert plain.header == tuned.header
    path = tuned.save(tmp_path / "tuned.fgvc")
    decoded = freegvc.decompress(path, prior=prior).frames
    assert np.array_equal(decoded_in_a_fresh_process(path), decoded)
    again = walked(frames, prior, tune="fidelity")
    assert again.data == tuned.data != plain.data


@pytest.mark.skipif(not WEIGHTS.exists(), reason="the weights of LPIPS are not in this checkout")
def test_a_tuned_gop_has_a_better_score_at_equal_bits(scene, prior, monkeypatch):
    monkeypatch.setenv("FREEGVC_METRIC_WEIGHTS", str(WEIGHTS))
    frames = scene(*SIZE)
    plain, tuned = walked(frames, prior), walked(frames, prior, tune="balanced")
    assert tuned.num_bytes < 1.03 * plain.num_bytes
    copies = [freegvc.decompress(each, prior=prior).frames for each in (plain, tuned)]
    before, after = (lpips(frames, copy).mean() for copy in copies)
    assert after < 0.93 * before


def test_what_cannot_be_is_refused_before_any_work(scene, prior, monkeypatch, tmp_path):
    frames = scene(4, 48, 64)
    with pytest.raises(UsageError, match=r"'ssim'.*balanced, fidelity"):
        walked(frames, prior, tune="ssim")
    with pytest.raises(UsageError, match="'analytic' cannot"):
        compress(frames, stop_step=900, prior="analytic", tune="fidelity")
    distance = Tuning("fidelity").distance(prior.device)
    with pytest.raises(UsageError, match="leave out tune"):
        load_prior("analytic").tuned(torch.zeros(()), frames, distance)
    monkeypatch.setenv("FREEGVC_METRIC_WEIGHTS", str(tmp_path))
    with pytest.raises(MetricUnavailableError, match="alexnet"):
        walked(frames, prior, tune="balanced")
    with pytest.raises(UsageError, match=r"LPIPS.*31"):
        walked(scene(4, 24, 64), prior, tune="balanced")


@pytest.mark.skipif(not WEIGHTS.exists(), reason="needs ../shared")
def test_weights_of_the_distance_can_be_named(scene, prior, tmp_path, monkeypatch):
    monkeypatch.setenv("FREEGVC_METRIC_WEIGHTS", str(tmp_path))
    frames = scene(4, 64, 64)
    walked(frames, prior, tune="balanced", tune_weights=WEIGHTS)
    monkeypatch.setenv("FREEGVC_METRIC_WEIGHTS", str(WEIGHTS))
    with pytest.raises(MetricUnavailableError, match="alexnet"):
        walked(frames, prior, tune="balanced", tune_weights=tmp_path)


def test_a_run_goes_on_only_with_the_tuning_that_it_began_with(scene, prior, tmp_path):
    plans = []
    for tune in (None, "fidelity"):
        with open_video(scene(4, 32, 40)) as source:
            chosen = freegvc.Settings(tune=tune)
            plans.append(
                prepare(source, freegvc.StopStep(600), chosen, prior, None, None, ignore).plan
            )
    Journal.open(tmp_path / "j", plans[0], resume=False).close()
    with pytest.raises(JournalMismatchError, match="tune"):
        Journal.open(tmp_path / "j", plans[1], resume=True)


def test_tiles_do_not_change_it(scene, prior):
    frames = scene(4, 64, 64)
    latent = prior.encode_frames(frames)
    distance = Tuning("fidelity").distance(prior.device)
    tiled = TiledPrior(prior, (6, 6, 2))
    assert tiled.is_tunable
    assert torch.equal(tiled.tuned(latent, frames, distance), prior.tuned(latent, frames, distance))


@pytest.mark.parametrize("level", [0, 255])
def test_frames_of_one_colour_stay_finite(prior, level, monkeypatch):
    frames = np.full((4, 40, 40, 3), level, np.uint8)
    latent = prior.encode_frames(frames)
    for tune in TUNINGS if WEIGHTS.exists() else ("fidelity",):
        monkeypatch.setenv("FREEGVC_METRIC_WEIGHTS", str(WEIGHTS))
        tuned = prior.tuned(latent, frames, Tuning(tune).distance(prior.device))
        assert tuned.isfinite().all()
        assert prior.decode_latent(tuned, 40, 40).std() < 8


def test_frames_that_do_not_fill_their_latents_are_tuned_as_they_are_padded(scene, prior):
    frames = scene(5, 50, 70)
    latent = prior.encode_frames(frames)
    assert (
        prior.tuned(latent, frames, Tuning("fidelity").distance(prior.device)).shape == latent.shape
    )


def test_what_stands_still_keeps_standing_still(scene, prior):
    frames = np.repeat(scene(1, 64, 64), 16, axis=0)
    latent = prior.encode_frames(frames)
    tuned = prior.tuned(latent, frames, Tuning("fidelity").distance(prior.device))
    change = (tuned - latent)[:, 1:]  # the encoder is causal: the first instant differs
    assert change.diff(dim=1).square().mean() < 0.5 * change.square().mean()


def test_streams_stop_with_less_noise_where_nothing_moves(scene, prior):
    lively = scene(16, 64, 64)
    stops = []
    for frames in (lively, np.repeat(lively[:1], 16, axis=0)):
        latent = prior.encode_frames(frames)
        stops.append(tuning.stops_of(tuning._rates(), prior._denoiser, latent, torch.float32))
    assert np.all(np.array(stops[1]) < stops[0])
    assert len(set(stops[0])) == tuning.ITERATIONS


def test_stops_are_those_of_walks(scene, prior):
    """The rate that is estimated for a timestep is about the rate of a stream that stops there."""
    frames = scene(16, 96, 96)
    latent = prior.encode_frames(frames)
    stops = tuning.stops_of(tuning._rates(), prior._denoiser, latent, torch.float32)
    rate = tuning.STOP_BPP[1]  # of the first iteration
    sent = []
    compress(frames, stop_step=stops[0], prior=prior, gop_length=16, on_event=sent.append)
    bits = sum(event.kl_bits for event in sent if isinstance(event, StepSent))
    assert bits / frames[..., 0].size == pytest.approx(rate, rel=0.25)


def test_anchors_are_what_is_drawn_before_frames_are_fused(scene, prior, monkeypatch):
    latent = prior.encode_frames(scene(8, 40, 48))[None]
    anchors = prior._autoencoder.draw_anchors(latent)
    monkeypatch.setattr(
        prior._autoencoder, "_fuse", lambda drawn, features, count, fused: fused.copy_(drawn)
    )
    drawn = prior._autoencoder.decode(latent)
    torch.testing.assert_close(anchors[0], drawn[0, [1, 2, 5, 6]])


@given(
    exponents=st.sampled_from([(0.0, 1.0, 0.0), (0.0, 0.0, 1.0), (0.0, 0.5, 0.5)]),
    side=st.integers(8, 200),
    seed=st.integers(0, 9),
)
@settings(max_examples=20, deadline=None)
def test_distances_are_least_for_equal_pictures(exponents, side, seed):
    distance = distance_of(exponents, None)
    generator = torch.Generator().manual_seed(seed)
    pictures = torch.rand((2, 3, side, side + 5), generator=generator) * 2 - 1
    noise = torch.randn(pictures.shape, generator=generator)
    near, far = (pictures + amount * noise for amount in (0.05, 0.4))
    assert distance(pictures, pictures) < distance(pictures, near) < distance(pictures, far)


def test_structure_lost_is_that_of_the_metric(scene):
    """For grey noise, box windows and luma give about what Gaussian ones and RGB do."""
    frames = scene(2, 192, 208)
    rng = np.random.default_rng(0)
    copies = np.clip(frames + rng.normal(0, 12, (2, 192, 208, 1)), 0, 255).astype(np.uint8)
    pictures, noisy = (
        torch.from_numpy(each / 127.5 - 1).permute(0, 3, 1, 2).float() for each in (frames, copies)
    )
    lost = float(structure_lost(pictures, noisy))
    assert lost == pytest.approx(1 - ms_ssim(frames, copies).mean(), rel=0.15)


@given(
    shape=st.tuples(st.integers(1, 40), st.integers(1, 200), st.integers(1, 200)),
    most=st.sampled_from([tuning.DENOISED, tuning.DECODED]),
    turn=st.integers(0, 3),
)
def test_windows_are_all_of_a_latent_and_bounded(shape, most, turn):
    seen = np.zeros(shape, np.uint8)
    for window in tuning.windows(shape, most, turn):
        part = seen[window]
        assert part.size > 0
        assert all(a <= b for a, b in zip(part.shape, most, strict=True))
        sides = zip(part.shape[1:], shape[1:], strict=True)
        assert all(a >= min(b, 4) for a, b in sides)  # LPIPS takes no fewer than 31 pixels
        part += 1
    assert (seen == 1).all()


def test_borders_of_windows_lie_elsewhere_in_the_next_iteration():
    shape = (12, 30, 52)
    edges = [
        {window[1].start for window in tuning.windows(shape, tuning.DECODED, turn)}
        for turn in (0, 1)
    ]
    assert edges[0] & edges[1] == {0}
    assert len(edges[0]) > 1
