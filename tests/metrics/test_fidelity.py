"""PSNR and MS-SSIM against independent formulas."""

import numpy as np
import pytest

from freegvc.errors import UsageError
from freegvc.metrics import MS_SSIM_MIN_SIZE, ms_ssim, psnr, psnr_y


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


def test_psnr_y_is_that_of_rounded_bt709_luma_with_the_peak_at_255():
    generator = np.random.default_rng(3)
    a, b = generator.integers(0, 256, (2, 3, 20, 24, 3), dtype=np.uint8)

    def y(frames):
        return np.floor(16 + 219 / 255 * (frames @ np.array([0.2126, 0.7152, 0.0722])) + 0.5)

    mse = np.square(y(a) - y(b)).mean(axis=(1, 2))
    assert psnr_y(a, b) == pytest.approx(10 * np.log10(255**2 / mse), abs=0.005)  # ties may round
    assert psnr_y(a, a).tolist() == [100.0] * 3
    assert psnr_y(a[:0], b[:0]).shape == (0,)
    grey = np.full((1, 8, 8, 3), 100, np.uint8)
    off = 219 / 255 * 51  # 51 levels of RGB
    assert psnr_y(grey, grey + 51)[0] == pytest.approx(20 * np.log10(255 / round(off)), abs=0.15)
    blue = np.zeros((1, 8, 8, 3), np.uint8)
    blue[..., 2] = 3  # seen by PSNR, hardly by luma
    assert psnr_y(blue * 0, blue)[0] == 100.0
    with pytest.raises(UsageError, match="differ in shape"):
        psnr_y(a, b[:2])
