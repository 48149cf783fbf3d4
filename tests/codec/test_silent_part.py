"""The silent part that `compress` puts into the header is the one that every decoder runs."""

import subprocess
import sys

import numpy as np
import pytest
import torch

import freegvc
from freegvc._codec.decoder import decode_gop
from freegvc._trajectory import Sender
from freegvc.errors import UsageError
from freegvc.priors import load_prior
from tests.codec.coding import CountingPrior, compress


def coded(frames, target=None, **keywords):
    return compress(frames, target, gop_length=6, overlap=2, **keywords)


def silent_part(header):
    return header.sampler, header.silent_steps, header.silent_rate, header.refine_timestep


@pytest.mark.parametrize(
    ("keywords", "expected"),
    [
        ({}, ("ddim", 1, 0, 0)),
        ({"sampler": "dpmpp2m", "silent_steps": 4}, ("dpmpp2m", 4, 0, 0)),
        ({"silent_rate": 7}, ("ddim", 0, 7, 0)),
        ({"refine": 850}, ("ddim", 1, 0, 850)),
        ({"refine": "gnvc-vd"}, ("ddim", 5, 0, 868)),
        ({"refine": "gnvc-vd", "silent_steps": 2}, ("ddim", 2, 0, 868)),
        ({"refine": "gnvc-vd", "silent_rate": 3}, ("ddim", 0, 3, 868)),
    ],
)
def test_the_header_says_what_was_asked_for(scene, keywords, expected):
    compressed = coded(scene(2, 16, 24), stop_step=900, **keywords)
    assert silent_part(compressed.header) == expected


@pytest.mark.parametrize(
    "keywords",
    [
        {"sampler": "euler"},
        {"silent_steps": 0},
        {"silent_steps": 1001},
        {"silent_rate": 0},
        {"silent_rate": 1001},
        {"silent_steps": 4, "silent_rate": 7},
        {"refine": "gnvc"},
        {"refine": 0},
        {"refine": 1001},
    ],
)
def test_what_cannot_be_is_refused_before_any_work(scene, keywords):
    with pytest.raises(UsageError):
        coded(scene(2, 16, 24), stop_step=900, **keywords)


def test_a_fresh_decoder_refines_as_the_encoder_did(scene, monkeypatch, tmp_path):
    from freegvc._trajectory import Silent

    senders = []
    original = Sender.__init__

    def spy(self, *args, **kwargs):
        original(self, *args, **kwargs)
        senders.append(self)

    monkeypatch.setattr(Sender, "__init__", spy)
    options = {"sampler": "dpmpp2m", "silent_steps": 3, "refine": 860}
    frames = scene(10, 32, 40)
    compressed = coded(frames, stop_step=775, **options)
    prior = load_prior("analytic")
    for gop, sender in enumerate(senders):
        mine = sender.reconstruct(Silent("dpmpp2m", 3, 860))
        assert torch.equal(decode_gop(compressed, prior, gop), mine)
    here = freegvc.decompress(compressed).frames
    plain = freegvc.decompress(coded(frames, stop_step=775)).frames
    assert not np.array_equal(here, plain)
    code = (
        "import sys, numpy, freegvc;numpy.save(sys.argv[2], freegvc.decompress(sys.argv[1]).frames)"
    )
    path, out = compressed.save(tmp_path / "a.fgvc"), tmp_path / "frames.npy"
    subprocess.run([sys.executable, "-c", code, path, out], check=True)
    assert np.array_equal(np.load(out), here)


@pytest.mark.parametrize(
    ("stop_step", "options"),
    [
        (700, {"silent_rate": 3}),
        (500, {"silent_rate": 12}),
        (499, {"silent_rate": 1}),
        (3, {"silent_steps": 10}),
        (800, {"silent_rate": 12, "refine": 900}),
        (950, {"silent_rate": 12, "refine": 900}),
    ],
)
def test_a_decoder_makes_the_calls_that_the_header_implies(scene, stop_step, options):
    compressed = coded(scene(10, 32, 40), stop_step=stop_step, **options)
    prior = CountingPrior()
    for gop in compressed.gops:
        before = prior.num_calls
        decode_gop(compressed, prior, gop.index)
        assert prior.num_calls - before == gop.model_calls
        silent = compressed.header.silent_calls(stop_step)
        assert gop.model_calls == gop.num_steps + silent


def test_quality_is_measured_after_refinement(scene):
    """The score that a target is compared with is that of the decode, refined as it will be."""
    from freegvc.metrics import psnr

    frames = scene(6, 48, 64)
    target = freegvc.Score("psnr", 21.0, tolerance=0.3)
    plain = coded(frames, target)
    refined = coded(frames, target, refine=840)
    assert refined.gops[0].stop_step < plain.gops[0].stop_step < 840
    assert abs(psnr(frames, freegvc.decompress(refined).frames).mean() - 21.0) <= 0.3
