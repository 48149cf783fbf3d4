"""Targets as values, and from keywords."""

import numpy as np
import pytest

from freegvc._control.targets import (
    LikeFirstGop,
    Rate,
    Score,
    StopStep,
    goal_of,
    target_of,
)
from freegvc.errors import UsageError
from freegvc.metrics import METRICS


@pytest.mark.parametrize(
    ("keywords", "target"),
    [
        ({}, Rate()),
        ({"target_bpp": None}, Rate()),
        ({"stop_step": 0}, StopStep(0)),
        ({"target_bpp": 0.05}, Rate(bpp=0.05)),
        ({"target_bytes": 900}, Rate(num_bytes=900)),
        ({"target_kbps": 12.5}, Rate(kbps=12.5)),
        ({"target_psnr": 25.0}, Score("psnr", 25.0)),
        ({"target_ms_ssim": 0.9}, Score("ms_ssim", 0.9)),
        ({"target_lpips": 0.3}, Score("lpips", 0.3)),
        ({"target_dists": 0.07}, Score("dists", 0.07)),
    ],
)
def test_keywords_stand_for_targets(keywords, target):
    assert target_of(keywords) == target


@pytest.mark.parametrize(
    "keywords",
    [
        {"target_bpp": 0.0},
        {"target_bpp": float("nan")},
        {"target_bytes": -1},
        {"stop_step": -1},
        {"target_ms_ssim": 1.0},
        {"target_psnr": float("inf")},
        {"target_psnr": 25.0, "stop_step": 3},
        {"target_lpips": 0.0},
        {"target_kbps": 0.0},
    ],
)
def test_bad_keywords(keywords):
    with pytest.raises(UsageError):
        target_of(keywords)


def blur(reference, distorted):
    """A distance of one's own."""
    return np.abs(reference.astype(float) - distorted).mean(axis=(1, 2, 3)) / 255


@pytest.mark.parametrize(
    "make",
    [
        lambda: Rate(bpp=0.0),
        lambda: Rate(bpp=0.1, kbps=3.0),
        lambda: Rate(bpp=0.1, even="sharpness"),
        lambda: Rate(bpp=0.1, even="tof"),
        lambda: Score("tof", 1.0),
        lambda: Score("sharpness", 1.0),
        lambda: Score("lpips", 0.3, pooling="median"),
        lambda: Score("lpips", 0.3, tolerance=0.0),
        lambda: Score("lpips", 0.3, max_probes=0),
        lambda: Score("lpips", 0.3, probe_frames=0),
        lambda: Score(blur, 0.0),
        lambda: Score(3, 0.1),
        lambda: LikeFirstGop(metric="tof"),
        lambda: LikeFirstGop(Rate(bpp=0.1, even="psnr")),
        lambda: LikeFirstGop(StopStep(3), max_probes=0),
    ],
)
def test_targets_refuse_what_means_nothing(make):
    with pytest.raises(UsageError):
        make()


def test_bytes_and_bits_per_second_need_the_length_of_the_video():
    assert Rate(num_bytes=10).needs_num_frames
    assert Rate(kbps=1.0).needs_num_frames
    assert LikeFirstGop(Rate(num_bytes=10)).needs_num_frames
    others = (Rate(bpp=1.0), StopStep(3), Score("psnr", 30.0), LikeFirstGop())
    assert not any(target.needs_num_frames for target in others)


def test_any_distance_can_be_a_target():
    target = Score(blur, 0.04, tolerance=0.01)
    metric = target.metric_for(8, 8)
    assert metric.name == "blur"
    frames = np.full((2, 8, 8, 3), 51, np.uint8)
    assert metric(frames, frames * 0).tolist() == [0.2, 0.2]
    target.check(8, 8)
    goal = goal_of(metric, target.score, target.tolerance)
    assert (goal.low, goal.wanted, goal.high) == pytest.approx((0.03, 0.04, 0.05))


@pytest.mark.parametrize(
    ("metric", "score", "tolerance", "inside", "outside"),
    [
        ("lpips", 0.3, None, (0.2951, 0.3049), (0.2949, 0.3051)),
        ("ms_ssim", 0.9, None, (0.8951, 0.9049), (0.8949, 0.9051)),
        ("psnr", 30.0, None, (29.901, 30.099), (29.899, 30.101)),
        ("psnr", 30.0, 0.5, (29.51, 30.49), (29.49, 30.51)),
        ("lpips", 0.002, None, (0.0, 0.0069), (0.0071, 0.1)),
    ],
)
def test_goals_hold_within_the_tolerance_on_both_sides(metric, score, tolerance, inside, outside):
    goal = goal_of(METRICS[metric], score, tolerance)
    assert goal.holds(goal.wanted)
    assert goal.wanted == METRICS[metric].loss(score)
    assert all(goal.holds(METRICS[metric].loss(s)) for s in inside)
    assert not any(goal.holds(METRICS[metric].loss(s)) for s in outside)
