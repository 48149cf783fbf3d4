"""Targets from keywords."""

import pytest

from freegvc.control import QualityTarget, RateTarget, StepTarget, make_target
from freegvc.control.targets import DEFAULT_BPP
from freegvc.errors import UsageError


@pytest.mark.parametrize(
    ("keywords", "target"),
    [
        ({}, RateTarget(bpp=DEFAULT_BPP)),
        ({"stop_step": 0}, StepTarget(0)),
        ({"target_bpp": 0.05}, RateTarget(bpp=0.05)),
        ({"target_bytes": 900}, RateTarget(num_bytes=900)),
        ({"target_psnr": 25.0}, QualityTarget("psnr", 25.0)),
        ({"target_ms_ssim": 0.9}, QualityTarget("ms_ssim", 0.9)),
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
    ],
)
def test_bad_targets(keywords):
    with pytest.raises(UsageError):
        make_target(**keywords)
