"""Settings and targets: numbers of any library are taken, and all else is refused when made."""

import numpy as np
import pytest
import torch

from freegvc import LikeFirstGop, Rate, Score, Settings, StopStep
from freegvc.errors import UsageError
from tests.codec.coding import compress


def test_numbers_become_pythons_own():
    settings = Settings(
        gop_length=np.int64(12), overlap=torch.tensor(4), growth=np.float32(1.5), chain=np.True_
    )
    assert settings == Settings(gop_length=12, overlap=4, growth=1.5, chain=True)
    assert [type(v) for v in (settings.gop_length, settings.growth)] == [int, float]
    assert type(settings.chain) is bool
    assert StopStep(np.int16(900)) == StopStep(900)
    assert Rate(bpp=np.float32(0.5)) == Rate(bpp=0.5)
    assert Score("psnr", np.float64(30), max_probes=np.int8(3)) == Score("psnr", 30, max_probes=3)


def test_a_target_of_numpy_codes_the_same_bytes(scene):
    frames = scene(3, 16, 24)
    assert compress(frames, stop_step=np.int64(900)).data == compress(frames, stop_step=900).data


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"gop_length": "x"}, "gop_length is 'x', but must be a whole number"),
        ({"gop_length": True}, "gop_length is True, but must be a whole number"),
        ({"overlap": 1.5}, "overlap is 1.5, but must be a whole number"),
        ({"silent_steps": [3]}, r"silent_steps is \[3\], but must be a whole number"),
        ({"silent_rate": 0}, "silent_rate is 0; it must be 1 or more"),
        ({"silent_rate": 3, "silent_steps": 3}, "give one of them"),
        ({"refine": 2.5}, "refine is 2.5, but must be a whole number"),
        ({"gamma": "x"}, "gamma is 'x', but must be a number"),
        ({"first_step": False}, "first_step is False, but must be a number"),
        ({"first_step": float("inf")}, "first_step is inf, but must be above 0 and finite"),
        ({"growth": 0.9}, "growth is 0.9, but must be at least 1"),
        ({"chain": -1}, "chain is -1, but must be True or False"),
        ({"coder": 3}, "coder is 3, but must be a name or a channel coder"),
        ({"effort": []}, r"effort is \[\]; choose one of fast"),
        ({"sampler": "euler"}, "sampler is 'euler'; choose one of ddim, dpmpp2m"),
        ({"tune": "lpips"}, "tune is 'lpips'; choose one of balanced, fidelity"),
    ],
)
def test_settings_are_checked_when_made(keywords, message):
    with pytest.raises(UsageError, match=message):
        Settings(**keywords)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: StopStep("x"), "stop_step is 'x', but must be a whole number"),
        (lambda: Rate(num_bytes=1.5), "num_bytes is 1.5, but must be a whole number"),
        (lambda: Rate(kbps="x"), "kbps is 'x', but must be a number"),
        (lambda: Score("psnr", "x"), "the target of psnr is 'x', but must be a number"),
        (lambda: Score("psnr", 30, tolerance="x"), "tolerance is 'x', but must be a number"),
        (lambda: LikeFirstGop(max_probes=1.5), "max_probes is 1.5, but must be a whole number"),
    ],
)
def test_targets_are_checked_when_made(make, message):
    with pytest.raises(UsageError, match=message):
        make()


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"overlap": 10**30}, r"overlap is 10+, but must be in 0 \.\. 24, half of gop_length"),
        ({"overlap": -1}, r"overlap is -1, but must be in 0 \.\. 24"),
        ({"coder": "zip"}, "no channel coder is called 'zip'"),
        ({"prior": None}, "prior is None, but must be a name, a folder or a loaded prior"),
        ({"on_event": 3}, "on_event is 3, but must be a function of one event"),
    ],
)
def test_compress_checks_the_rest_before_any_work(scene, keywords, message):
    with pytest.raises(UsageError, match=message):
        compress(scene(3, 16, 24), stop_step=900, **keywords)
