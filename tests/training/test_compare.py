"""Old and new weights on the same clips."""

import numpy as np
import pytest

from freegvc.priors import load_prior
from training import compare


def test_flicker_is_of_changes_alone() -> None:
    rng = np.random.default_rng(0)
    frames = rng.integers(20, 200, (5, 8, 9, 3), np.uint8)
    assert compare.flicker_of(frames, frames + 7) == 0.0
    steps = np.array([0, 4, 0, 4, 0], np.uint8)[:, None, None, None]
    assert compare.flicker_of(frames, frames + steps) == 4.0


def test_a_curve_has_a_point_for_each_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compare, "RATES", (0.1, 0.4))
    monkeypatch.setattr(compare, "METRICS", ("ms_ssim", "psnr"))
    t, y, x = np.mgrid[:8, :48, :64]
    frames = (128 + 90 * np.sin(x / 5 + t / 3) * np.cos(y / 7))[..., None]
    frames = np.repeat(frames.astype(np.uint8), 3, axis=-1)
    low, high = compare.curve_of(frames, load_prior("freegvc-small"))
    assert set(low) == {"bpp", "psnr", "flicker"}  # MS-SSIM needs larger pictures
    assert 0.08 < low["bpp"] <= 0.1
    assert 0.3 < high["bpp"] <= 0.4
    assert low["psnr"] < high["psnr"]
    assert low["flicker"] > high["flicker"]
