"""PSNR and MS-SSIM against independent formulas."""

import numpy as np
import pytest

from freegvc.errors import UsageError
from freegvc.metrics import MS_SSIM_MIN_SIZE, ms_ssim, psnr


def noise_video(num_frames, height, width, seed):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (num_frames, height, width, 3), dtype=np.uint8)


def test_psnr_is_the_definition():
    a, b = noise_video(3, 20, 30, 1), noise_video(3, 20, 30, 2)
    mse = ((a.astype(float) - b.astype(float)) ** 2).mean(axis=(1, 2, 3))
    assert np.allclose(psnr(a, b), 10 * np.log10(255**2 / mse), atol=1e-9)


def test_psnr_extremes():
    black, white = np.zeros((1, 4, 4, 3), np.uint8), np.full((1, 4, 4, 3), 255, np.uint8)
    assert psnr(black, white)[0] == pytest.approx(0.0)
    assert psnr(black, black)[0] == 100.0


def test_ms_ssim_falls_with_noise_and_is_one_for_equal_frames():
    size = MS_SSIM_MIN_SIZE
    y, x = np.mgrid[:size, :size]
    clean = (127 + 60 * np.sin(x / 11.0) + 60 * np.cos(y / 17.0)).astype(np.uint8)
    clean = np.repeat(clean[None, :, :, None], 3, axis=3)
    noise = noise_video(1, size, size, 3).astype(int) - 128
    mild, strong = ((clean + noise // k).clip(0, 255).astype(np.uint8) for k in (16, 4))
    same, slightly, badly = (float(ms_ssim(clean, d)[0]) for d in (clean, mild, strong))
    assert same == pytest.approx(1.0, abs=1e-6)
    assert same > slightly > badly > 0


def test_errors():
    small = np.zeros((1, MS_SSIM_MIN_SIZE - 1, 400, 3), np.uint8)
    with pytest.raises(UsageError, match="MS-SSIM needs"):
        ms_ssim(small, small)
    with pytest.raises(UsageError, match="differ in shape"):
        psnr(small, small[:, :-1])
