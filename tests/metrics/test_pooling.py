"""Pooling looks at the bad side of a metric, and skips what has no score."""

import math

import numpy as np
import pytest

from freegvc.errors import UsageError
from freegvc.metrics import METRICS, pool, pool_gops, pool_scores, worst_frames

SCORES = np.random.default_rng(2).uniform(0, 1, 40)


def test_the_bad_side():
    low = pool_scores(SCORES, higher_is_better=False)
    high = pool_scores(SCORES, higher_is_better=True)
    assert (low.mean, low.worst, low.num_scores) == (SCORES.mean(), SCORES.max(), 40)
    assert (high.mean, high.worst) == (SCORES.mean(), SCORES.min())
    assert (low.tail >= SCORES).mean() == pytest.approx(0.95)
    assert (high.tail <= SCORES).mean() == pytest.approx(0.95)
    mirrored = pool_scores(-SCORES, higher_is_better=True)
    assert (-mirrored.tail, -mirrored.worst) == pytest.approx((low.tail, low.worst))


def test_by_name():
    for higher_is_better in (False, True):
        pooled = pool_scores(SCORES, higher_is_better=higher_is_better)
        values = [
            pool(SCORES, p, higher_is_better=higher_is_better) for p in ("mean", "p95", "max")
        ]
        assert values == [pooled.mean, pooled.tail, pooled.worst]
    with pytest.raises(UsageError, match="pooling is 'median'"):
        pool(SCORES, "median", higher_is_better=True)
    with pytest.raises(UsageError, match="no scores"):
        pool([math.nan], "mean", higher_is_better=True)


def test_undefined_scores_are_left_out():
    assert pool_scores([math.nan, 2.0, 4.0], higher_is_better=False).mean == 3.0
    assert pool_scores([], higher_is_better=False) is None
    assert worst_frames([math.nan, 2.0, 4.0, 2.0], 9, higher_is_better=False) == [
        (2, 4.0),
        (1, 2.0),
        (3, 2.0),
    ]
    assert worst_frames([5.0, 2.0, 4.0, 2.0], 2, higher_is_better=True) == [(1, 2.0), (3, 2.0)]


def test_gops():
    gops = [range(16), range(16, 40)]
    pooled = pool_gops(SCORES, gops, higher_is_better=False)
    assert [p.num_scores for p in pooled] == [16, 24]
    assert pooled[1].worst == SCORES[16:].max()
    whole = pool_scores(SCORES, higher_is_better=False).mean
    assert sum(p.mean * p.num_scores for p in pooled) / 40 == pytest.approx(whole)


def test_the_registry_has_the_direction_of_each_metric(texture, noisy, random_weights):
    for name, metric in METRICS.items():
        assert metric.name == name
        if name in ("cvvdp", "vmaf") and not metric.status().available:
            continue  # of packages that may be missing
        clean = texture(3, max(metric.min_side, 40), 180, step=(1, 0))
        mild, strong = noisy(clean, 15), noisy(clean, 90)
        scores = [metric(clean, bad, weights=random_weights) for bad in (mild, strong)]
        assert scores[0].dtype == np.float64
        assert scores[0].shape == ((2,) if metric.is_temporal else (3,))
        better, worse = (float(s.mean()) for s in scores)
        assert (better > worse) == metric.higher_is_better
        small = np.zeros((2, metric.min_side - 1, 300, 3), np.uint8)
        if metric.min_side > 1:
            with pytest.raises(UsageError, match="needs frames of at least"):
                metric(small, small, weights=random_weights)
    assert METRICS["psnr"].format(30.125) == "30.12 dB"
