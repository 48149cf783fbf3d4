"""The scales of metrics, and metrics from names and functions."""

import math

import numpy as np
import pytest

from freegvc.errors import UsageError
from freegvc.metrics import METRICS, SCORES, as_metric, default_metric, psnr

FRAMES = np.arange(4 * 6 * 8 * 3, dtype=np.uint8).reshape(4, 6, 8, 3)
OTHER = FRAMES // 2


def mean_error(reference, distorted):
    return np.abs(reference.astype(float) - distorted).mean(axis=(1, 2, 3))


@pytest.mark.parametrize(
    ("name", "perfect", "score", "loss", "tolerance"),
    [
        ("psnr", 100.0, 30.0, 1e-3, 0.1),
        ("ms_ssim", 1.0, 0.9, 0.1, 0.005),
        ("lpips", 0.0, 0.25, 0.25, 0.005),
        ("dists", 0.0, 0.25, 0.25, 0.005),
        ("fid", 0.0, 12.0, 12.0, 0.005),
    ],
)
def test_a_loss_is_the_distance_from_perfect(name, perfect, score, loss, tolerance):
    scale = SCORES[name]
    assert scale.loss(score) == pytest.approx(loss)
    assert scale.score(loss) == pytest.approx(score)
    assert scale.loss(perfect) == pytest.approx(0.0, abs=1e-9)
    assert scale.score(0.0) == perfect
    assert scale.tolerance == tolerance


@pytest.mark.parametrize("name", SCORES)
def test_losses_fall_as_scores_get_better(name):
    scale = SCORES[name]
    better, worse = (0.8, 0.7) if scale.higher_is_better else (0.7, 0.8)
    assert 0.0 <= scale.loss(better) < scale.loss(worse)


def test_the_default_suits_the_size_and_needs_nothing():
    assert default_metric(240, 416) is METRICS["ms_ssim"]
    assert default_metric(144, 176) is METRICS["psnr"]
    assert default_metric(144, 176).prepare is default_metric(240, 416).prepare is None


def test_names_and_metrics():
    assert as_metric("lpips") is METRICS["lpips"]
    assert as_metric(METRICS["tof"]) is METRICS["tof"]
    with pytest.raises(
        UsageError, match=r"no metric 'lpipz' \(did you mean 'lpips'\?\); there are"
    ):
        as_metric("lpipz")
    with pytest.raises(UsageError, match="no metric 'zzz'; there are psnr, "):
        as_metric("zzz")
    with pytest.raises(UsageError, match=r"metric is 3, but must be a name \(psnr, "):
        as_metric(3)


def test_a_function_becomes_a_metric():
    metric = as_metric(mean_error)
    assert (metric.name, metric.higher_is_better, metric.is_temporal) == (
        "mean_error",
        False,
        False,
    )
    assert (metric.min_side, metric.tolerance, metric.loss(0.25)) == (1, 0.005, 0.25)
    scores = metric(FRAMES, OTHER, weights=None, device="cpu")
    assert scores.dtype == np.float64
    np.testing.assert_array_equal(scores, mean_error(FRAMES, OTHER))
    metric.check(size=(1, 1))
    with pytest.raises(UsageError, match="differ in shape"):
        metric(FRAMES, OTHER[:2])


@pytest.mark.parametrize("number", [0.5, np.float32(0.5), np.array([0.5])])
def test_one_number_is_the_distance_of_every_frame(number):
    assert as_metric(lambda a, b: number)(FRAMES, OTHER).tolist() == [0.5] * 4


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        (np.zeros(3), r"shape \(3,\) for 4 frames"),
        (np.zeros((4, 1)), r"shape \(4, 1\) for 4 frames"),
        (None, r"shape \(0,\) for 4 frames"),
        ("good", "a str, but must return numbers"),
        (-psnr(FRAMES, OTHER), "must return distances: 0 is perfect"),
    ],
)
def test_what_is_no_distance_is_refused(returned, message):
    def odd(reference, distorted):
        return returned

    with pytest.raises(UsageError, match=f"metric 'odd' returned .*{message}"):
        as_metric(odd)(FRAMES, OTHER)


def test_functions_without_a_name_get_that_of_their_class():
    class Blur:
        def __call__(self, reference, distorted):
            return math.pi

    assert as_metric(Blur()).name == "Blur"
