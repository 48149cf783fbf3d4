"""Drift is reported, warned of once, and never an error."""

import itertools
import warnings
from dataclasses import replace

import numpy as np
import pytest

import freegvc
from freegvc._bitstream import PacketCodec, write_stream
from freegvc.errors import DriftWarning, FreeGvcError, FreeGvcWarning
from freegvc.events import GopDecoded
from freegvc.metrics import psnr
from freegvc.priors import load_prior
from freegvc.priors.analytic import AnalyticPrior
from tests.codec.coding import compress


@pytest.fixture
def compressed(scene):
    return compress(scene(10, 48, 64), stop_step=775, gop_length=6, overlap=2)


def drifts(compressed, **keywords):
    heard = []
    video = freegvc.decompress(compressed, on_event=heard.append, **keywords)
    return video.frames, [e.drift_sigma for e in heard if isinstance(e, GopDecoded)]


class Drifting(AnalyticPrior):
    """Its predictions are off by a constant, as another kernel's might be."""

    offset = 0.0

    def predict_x0(self, z, timestep, side):
        return super().predict_x0(z, timestep, side) + self.offset


def test_the_same_arithmetic_does_not_drift(compressed):
    assert drifts(compressed)[1] == [0.0, 0.0]


def test_a_little_drift_is_reported_without_a_warning(compressed):
    reference, _ = drifts(compressed)
    frames, reported = drifts(compressed, prior=load_prior("analytic", dtype="bfloat16"))
    assert 0.0 < max(reported) < 0.3
    assert psnr(reference, frames).min() > 35


def test_much_drift_is_one_warning_that_names_the_worst_gop(compressed):
    """The wrong prediction is as wrong in every GOP, so all are above the limit."""
    prior = Drifting()
    prior.offset = 0.1
    with pytest.warns(DriftWarning) as caught:
        _, reported = drifts(compressed, prior=prior)
    assert len(caught) == 1
    assert min(reported) > 0.5
    worst = int(np.argmax(reported))
    assert f"GOP {worst} has drifted {reported[worst]:.2f} sigma" in str(caught[0].message)


def test_a_caller_that_counts_frames_gets_the_warning_too(compressed):
    """`zip` and the like never ask for a frame after the last."""
    prior = Drifting()
    prior.offset = 0.1
    frames = freegvc.decode_frames(compressed, prior=prior)
    with pytest.warns(DriftWarning):
        list(itertools.islice(frames, 10))


def test_a_model_that_predicts_nan_still_gives_all_frames(compressed):
    prior = Drifting()
    prior.offset = float("nan")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of NumPy, about NaN as a grey level
        frames, reported = drifts(compressed, prior=prior)
    assert len(frames) == 10
    assert reported == [8.0, 8.0]


def test_a_stream_without_drift_samples_reports_none(compressed):
    codec = PacketCodec(compressed.header)
    packets = []
    for gop, data in enumerate(compressed.stream.packets):
        packet = codec.decode(data, gop)
        assert len(packet.drift_samples) == 8
        packets.append(codec.encode(replace(packet, drift_samples=None), gop))
    bare = freegvc.CompressedVideo(write_stream(replace(compressed.stream, packets=tuple(packets))))
    prior = Drifting()
    prior.offset = 0.1
    assert drifts(bare, prior=prior)[1] == [None, None]
    assert np.array_equal(drifts(bare)[0], drifts(compressed)[0])
    assert bare.num_bytes < compressed.num_bytes <= bare.num_bytes + 2 * 9


def test_warnings_have_one_root_and_are_no_errors():
    from freegvc.errors import ColourWarning, OutputWarning

    for category in (ColourWarning, OutputWarning, DriftWarning):
        assert issubclass(category, FreeGvcWarning)
        assert not issubclass(category, FreeGvcError)
