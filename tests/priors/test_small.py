"""freegvc-small as it ships: its promises, its files, and what it is worth on a real clip."""

import itertools
import subprocess
import sys
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
import torch

import freegvc
from freegvc._video import open_video
from freegvc.errors import PriorMismatchError, PriorUnavailableError
from freegvc.metrics import lpips, psnr
from freegvc.priors import load_prior
from freegvc.priors.small.prior import AUTOENCODER_FILE, DENOISER_FILE, SmallPrior
from freegvc.testing import check_prior
from tests.conftest import SHARED

MAX_WEIGHTS_BYTES = 30_000_000


@pytest.fixture(scope="module")
def prior():
    return load_prior()


def test_it_is_the_default_and_keeps_the_promises_of_a_prior(prior):
    assert prior.name == "freegvc-small"
    check_prior(prior, sizes=((1, 48, 64), (9, 50, 70)))


def test_the_weights_are_in_the_package_and_small():
    folder = Path(str(files("freegvc.priors.small")))
    sizes = [(folder / name).stat().st_size for name in (AUTOENCODER_FILE, DENOISER_FILE)]
    assert sum(sizes) < MAX_WEIGHTS_BYTES


def test_the_fingerprint_is_that_of_released_streams(prior):
    assert prior.fingerprint.hex() == "80ee85cae5b375a7"


def test_the_fingerprint_is_of_the_weights(prior, tmp_path):
    from safetensors.torch import load_file, save_file

    folder = Path(str(files("freegvc.priors.small")))
    for name in (AUTOENCODER_FILE, DENOISER_FILE):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    assert SmallPrior(folder=tmp_path).fingerprint == prior.fingerprint
    for name, tensor in ((DENOISER_FILE, "leave.bias"), (AUTOENCODER_FILE, "scale")):
        weights = load_file(tmp_path / name)
        weights[tensor] = weights[tensor] + 1.0
        save_file(weights, tmp_path / name)
        assert SmallPrior(folder=tmp_path).fingerprint != prior.fingerprint
        (tmp_path / name).write_bytes((folder / name).read_bytes())


@pytest.mark.parametrize("damage", ["missing", "cut", "of another network"])
def test_unusable_weights_are_named(tmp_path, damage):
    folder = Path(str(files("freegvc.priors.small")))
    for name in (AUTOENCODER_FILE, DENOISER_FILE):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    path = tmp_path / DENOISER_FILE
    if damage == "missing":
        path.unlink()
    elif damage == "cut":
        path.write_bytes(path.read_bytes()[:-1000])
    else:
        path.write_bytes((folder / AUTOENCODER_FILE).read_bytes())
    with pytest.raises(PriorUnavailableError, match=DENOISER_FILE):
        SmallPrior(folder=tmp_path)


def test_neighbouring_gops_overlap_by_one_latent(prior):
    length, overlap = prior.defaults.gop_length, prior.defaults.overlap
    latents = prior.latent.overlap(length, overlap)
    assert (latents.count, latents.first_frame) == (1, length - overlap)


@pytest.fixture(scope="module")
def frames(clips):
    """16 frames of BasketballPass, cut to 192x128: a real clip, and quick."""
    with open_video(clips / "basketballpass") as source:
        video = np.stack(list(itertools.islice(source, 16)))
    return np.ascontiguousarray(video[:, 56:184, 112:304])


@pytest.fixture(scope="module")
def compressed(frames):
    return freegvc.compress(frames, target_bpp=0.05)


def test_a_fresh_process_decodes_the_same_frames(compressed, frames, tmp_path):
    path = compressed.save(tmp_path / "clip.fgvc")
    folder = tmp_path / "frames"
    command = [sys.executable, "-m", "freegvc", "decompress", str(path), str(folder)]
    subprocess.run(command, check=True, capture_output=True)
    with open_video(folder) as source:
        decoded = np.stack(list(source))
    assert np.array_equal(decoded, freegvc.decompress(compressed).frames)
    assert decoded.shape == frames.shape


@pytest.mark.parametrize("overlap", [0, 4])
def test_frames_at_a_border_are_better_with_context(frames, overlap):
    frames = frames[:, 24:104, 48:144]
    settings = freegvc.Settings(gop_length=8, overlap=overlap)
    stream = freegvc.compress(frames, stop_step=200, settings=settings)
    without = load_prior()
    without.latent = replace(without.latent, has_context=False)
    border = slice(8 - overlap - 2, 8 - overlap + 2)
    scores = [
        psnr(frames[border], freegvc.decompress(stream, prior=prior).frames[border]).mean()
        for prior in (load_prior(), without)
    ]
    assert scores[0] > scores[1] + (0.1 if overlap else 0.5), scores


def test_bfloat16_decodes_within_35_db_of_float32(frames):
    """Of few pixels: without hardware for it, bfloat16 takes ten times as long."""
    compressed = freegvc.compress(frames[:8, :64, :96], stop_step=300)
    reference = freegvc.decompress(compressed).frames
    low = freegvc.load_prior(dtype="bfloat16")
    assert psnr(reference, freegvc.decompress(compressed, prior=low).frames).min() > 35


def test_a_third_of_the_bits_look_better_than_the_gaussian(compressed, frames):
    """In LPIPS, which its decoder was trained for. In MS-SSIM a third is not enough."""
    gaussian = freegvc.compress(frames, target_bpp=0.15, prior="analytic")
    weights = SHARED / "data" / "weights"
    mine, its = (
        lpips(frames, freegvc.decompress(c).frames, weights=weights).mean()
        for c in (compressed, gaussian)
    )
    assert mine < its


def test_predictions_beat_a_prior_that_knows_nothing(prior, frames):
    """Explained variance of a real latent at SNR 1/4: zero without a model, far more with one."""
    latent = prior.encode_frames(frames)
    timestep = prior.schedule.noisiest_with(0.25)
    level = prior.schedule.level(timestep)
    noise = torch.randn(latent.shape, generator=torch.Generator().manual_seed(0))
    x0_hat = prior.predict_x0(level.alpha * latent + level.sigma * noise, timestep, ())
    error = float((latent - x0_hat).square().mean() / latent.square().mean())
    wiener = 1.0 / (1.0 + 0.25)  # a white Gaussian of unit power, the best without a model
    assert error < 0.6 * wiener


def test_a_stream_of_former_weights_says_where_they_are():
    stream = Path(__file__).parents[1] / "golden" / "freegvc-small-former.fgvc"
    with pytest.raises(PriorMismatchError, match=r"e0be87341e92f02d.*with freegvc of commit"):
        freegvc.decompress(stream)
