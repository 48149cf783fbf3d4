"""One real clip through everything, at full size."""

import itertools
import subprocess
import sys

import numpy as np
import pytest

import freegvc
from freegvc._video import open_video
from freegvc.metrics import psnr


@pytest.fixture(scope="module")
def frames(clips):
    """The first 48 frames of BasketballPass, 416x240: one GOP."""
    with open_video(clips / "basketballpass") as source:
        return np.stack(list(itertools.islice(source, 48)))


@pytest.fixture(scope="module")
def compressed(frames):
    return freegvc.compress(frames, target_bpp=0.02, prior="analytic")


def test_rate_lands_in_real_file_bytes(compressed, frames, tmp_path):
    path = compressed.save(tmp_path / "clip.fgvc")
    bpp = 8 * path.stat().st_size / frames[..., 0].size
    assert 0.9 * 0.02 <= bpp <= 0.02
    assert bpp == pytest.approx(compressed.bpp)


def test_everything_but_seeds_is_under_three_percent(compressed):
    seed_bits = sum(gop.seed_bits for gop in compressed.gops)
    assert seed_bits > 0.97 * 8 * compressed.num_bytes


def test_fresh_process_decodes_the_same_frames(compressed, frames, tmp_path):
    path = compressed.save(tmp_path / "clip.fgvc")
    folder = tmp_path / "frames"
    command = [sys.executable, "-m", "freegvc", "decompress", str(path), str(folder)]
    subprocess.run(command, check=True, capture_output=True)
    decoded = freegvc.decompress(compressed).frames
    with open_video(folder) as source:
        assert np.array_equal(np.stack(list(source)), decoded)
    assert psnr(frames, decoded).mean() > 22


@pytest.mark.parametrize("dtype", ["float64", "bfloat16"])
def test_other_arithmetic_agrees_to_40_db(compressed, dtype):
    reference = freegvc.decompress(compressed).frames
    assert (
        psnr(
            reference,
            freegvc.decompress(
                compressed, prior=freegvc.load_prior("analytic", dtype=dtype)
            ).frames,
        ).min()
        > 40
    )


def test_truncation_needs_no_model_and_loses_quality(compressed, frames):
    smaller = compressed.truncate(num_bytes=compressed.num_bytes // 2)
    assert smaller.num_bytes <= compressed.num_bytes // 2
    full, cut = (psnr(frames, freegvc.decompress(c).frames).mean() for c in (compressed, smaller))
    assert 18 < cut < full
