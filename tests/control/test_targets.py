"""Targets from keywords."""

import pytest

from freegvc.control import (
    FirstGopTarget,
    Quality,
    QualityTarget,
    RateTarget,
    StepTarget,
    default_metric,
    make_target,
)
from freegvc.control.targets import DEFAULT_BPP
from freegvc.errors import UsageError


@pytest.mark.parametrize(
    ("keywords", "target"),
    [
        ({}, RateTarget(bpp=DEFAULT_BPP)),
        ({"stop_step": 0}, StepTarget(0)),
        ({"target_bpp": 0.05}, RateTarget(bpp=0.05)),
        ({"target_bytes": 900}, RateTarget(num_bytes=900)),
        ({"target_kbps": 12.5}, RateTarget(kbps=12.5)),
        ({"target_bpp": 0.05, "metric": "lpips"}, RateTarget(bpp=0.05, metric="lpips")),
        ({"target_psnr": 25.0}, QualityTarget(Quality("psnr"), 25.0)),
        ({"target_ms_ssim": 0.9}, QualityTarget(Quality("ms_ssim"), 0.9)),
        ({"target_lpips": 0.3}, QualityTarget(Quality("lpips"), 0.3)),
        (
            {"target_dists": 0.07, "pooling": "p95", "tolerance": 0.01, "max_probes": 3}
            | {"probe_frames": 6, "strict": True},
            QualityTarget(Quality("dists", "p95", 0.01, 3, 6, True), 0.07),
        ),
        ({"target": "first-gop"}, FirstGopTarget(Quality(), RateTarget(bpp=DEFAULT_BPP))),
        (
            {"target": "first-gop", "metric": "lpips", "stop_step": 700},
            FirstGopTarget(Quality("lpips"), StepTarget(700)),
        ),
    ],
)
def test_make_target(keywords, target):
    assert make_target(**keywords) == target


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
        {"target_lpips": 0.3, "metric": "psnr"},
        {"target": "second-gop"},
        {"target": "first-gop", "target_lpips": 0.3},
        {"target": "first-gop", "metric": "tof"},
        {"target_bpp": 0.1, "metric": "sharpness"},
        {"target_lpips": 0.3, "pooling": "median"},
        {"target_lpips": 0.3, "tolerance": 0.0},
        {"target_lpips": 0.3, "max_probes": 0},
        {"target_lpips": 0.3, "probe_frames": 0},
        {"target_bpp": 0.1, "tolerance": 0.1},
        {"stop_step": 3, "strict": True},
        {"stop_step": 3, "metric": "psnr"},
    ],
)
def test_bad_targets(keywords):
    with pytest.raises(UsageError):
        make_target(**keywords)


def test_the_default_metric_suits_the_size_and_needs_no_weights():
    assert default_metric(240, 416) == "ms_ssim"
    assert default_metric(144, 176) == "psnr"
