"""tOF, tLP and the warp error: known motions, and a few lines of OpenCV."""

import sys

import cv2
import numpy as np
import pytest

from freegvc.errors import MetricUnavailableError, UsageError
from freegvc.metrics import lpips, temporal, tlp, tof, warp_error


def test_tof_of_known_motions(texture):
    moving = texture(3, 96, 128, step=(3, 1))
    still = np.repeat(moving[:1], 3, axis=0)
    assert tof(moving, still) == pytest.approx(np.hypot(3, 1), rel=0.05)
    slower = texture(3, 96, 128, step=(1, 1))
    assert tof(moving, slower) == pytest.approx(2.0, rel=0.08)


def test_tof_is_its_definition(texture, noisy):
    a = texture(3, 64, 80, step=(2, 0))
    b = noisy(a, 40)
    flows = []
    for frames in (a, b):
        grey = [cv2.cvtColor(f, cv2.COLOR_RGB2GRAY) for f in frames]
        dis = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
        flows.append([dis.calc(grey[k], grey[k + 1], None).astype(float) for k in range(2)])
    expected = [np.sqrt(((f - g) ** 2).sum(-1)).mean() for f, g in zip(*flows, strict=True)]
    assert tof(a, b) == pytest.approx(expected, rel=1e-6)


def test_tlp_is_its_definition(texture, noisy, random_weights):
    a = texture(4, 48, 64, step=(2, 0))
    b = noisy(a, 40)
    expected = []
    for k in range(3):
        changes = [lpips(f[k : k + 1], f[k + 1 : k + 2], weights=random_weights)[0] for f in (a, b)]
        expected.append(abs(changes[0] - changes[1]))
    assert tlp(a, b, weights=random_weights) == pytest.approx(expected, abs=1e-6)
    assert min(expected) > 1e-4


@pytest.mark.parametrize("metric", [tof, tlp])
def test_properties(metric, texture, noisy, random_weights):
    options = {"weights": random_weights} if metric is tlp else {}
    clean = texture(4, 64, 80, step=(1, 0))
    mild, strong = noisy(clean, 10), noisy(clean, 90)
    assert metric(clean, clean, **options).tolist() == [0.0, 0.0, 0.0]
    scores = metric(clean, strong, **options)
    assert scores.shape == (3,)
    assert scores == pytest.approx(metric(strong, clean, **options), abs=1e-9)
    assert metric(clean, mild, **options).mean() < scores.mean()


def test_warp_error_follows_the_motion_of_the_reference(texture):
    moving = texture(4, 96, 128, step=(3, 1))
    own = warp_error(moving, moving)
    still = np.repeat(moving[:1], 4, axis=0)
    assert (own < 1e-4).all()
    assert (warp_error(moving, still) > 30 * own).all()  # it does not move along
    assert warp_error(still, still).tolist() == [0.0, 0.0, 0.0]


def test_warp_error_of_flicker_is_its_square(texture):
    reference = texture(4, 64, 64, step=(2, 0))
    grey = np.full_like(reference, 100)
    grey[1::2] = 151
    assert warp_error(reference, grey) == pytest.approx(0.2**2)


def test_warp_error_leaves_out_what_is_hidden(texture, monkeypatch):
    """Columns that leave the picture count for nothing, so their content does not matter."""
    reference = texture(2, 64, 96, step=(4, 0))
    grey = np.full_like(reference, 100)
    grey[0, :, -3:] = 255  # moves out to the right
    assert warp_error(reference, grey)[0] < 1e-6
    monkeypatch.setattr(temporal, "_visible", lambda forward, _: np.zeros(forward.shape[:2], bool))
    assert np.isnan(warp_error(reference, grey)[0])


@pytest.mark.parametrize("metric", [tof, tlp, warp_error])
def test_errors(metric):
    frames = np.zeros((3, 40, 40, 3), np.uint8)
    with pytest.raises(UsageError, match="two frames or more, there is 1"):
        metric(frames[:1], frames[:1])
    with pytest.raises(UsageError, match="these are 40x12"):
        metric(frames[:, :12], frames[:, :12])
    with pytest.raises(UsageError, match="differ in shape"):
        metric(frames, frames[:2])


def test_opencv_is_left_as_it_was_and_may_be_missing(monkeypatch, texture):
    frames = texture(2, 32, 32)
    threads = cv2.getNumThreads()
    tof(frames, frames)
    warp_error(frames, frames)
    assert cv2.getNumThreads() == threads
    monkeypatch.setitem(sys.modules, "cv2", None)
    for metric in (tof, warp_error):
        with pytest.raises(MetricUnavailableError, match="pip install opencv-python-headless"):
            metric(frames, frames)
