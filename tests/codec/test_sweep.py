"""freegvc.sweep: its points are what cutting, decoding and scoring by hand give."""

import io
import warnings

import numpy as np
import pytest

import freegvc
import freegvc._codec.encoder
from freegvc import GopDecoded, GopDone, Rate, Settings, sweep
from freegvc._video import FrameSource, Video, open_video
from freegvc.errors import MetricUnavailableError, TargetError, TargetWarning, UsageError
from freegvc.metrics import psnr
from tests.codec.coding import FAST

RATES = (0.5, 0.2, 0.3)
SETTINGS = Settings(gop_length=5, overlap=2, coder=FAST)


@pytest.fixture(scope="module")
def frames(scene):
    return scene(9, 32, 48)


@pytest.fixture(scope="module")
def prior():
    return freegvc.load_prior("analytic")


@pytest.fixture(scope="module")
def whole(frames, prior):
    return freegvc.compress(frames, target_bpp=max(RATES), prior=prior, settings=SETTINGS)


@pytest.fixture(scope="module")
def points(frames, prior):
    return sweep(frames, rates=RATES, prior=prior, settings=SETTINGS)


def test_points_are_those_that_are_made_by_hand(frames, prior, whole, points):
    assert [point.target_bpp for point in points] == sorted(RATES)
    for point in points:
        cut = whole.truncate(bpp=point.target_bpp)
        assert point.stream.data == cut.data
        assert point.bpp == cut.bpp <= point.target_bpp
        decoded = freegvc.decompress(cut.data, prior=prior).frames
        assert point.scores.per_frame["psnr"] == psnr(frames, decoded).tolist()
        assert point.scores.per_frame["ms_ssim"] is None  # the frames are too small
    means = [point.scores.mean("psnr") for point in points]
    assert means == sorted(means)
    assert len({point.stream.data for point in points}) == 3


def test_a_video_is_encoded_once(frames, prior, whole, monkeypatch):
    heard, targets = [], []
    compress = freegvc._codec.encoder.compress

    def spy(video, target, **keywords):
        targets.append(target)
        return compress(video, target, **keywords)

    monkeypatch.setattr("freegvc._codec.sweep.compress", spy)
    sweep(frames, rates=RATES, prior=prior, settings=SETTINGS, on_event=heard.append)
    assert targets == [Rate(bpp=0.5)]
    num_gops = whole.header.num_gops
    assert num_gops > 1
    assert sum(isinstance(event, GopDone) for event in heard) == num_gops
    assert sum(isinstance(event, GopDecoded) for event in heard) == num_gops * len(RATES)


def test_tiles_of_the_vae_are_chosen_for_the_gops_that_are_coded(frames, monkeypatch):
    chosen = []

    def choose(prior, num_frames, *rest):
        chosen.append(num_frames)

    monkeypatch.setattr("freegvc.priors.memory.choose_vae_tile", choose)
    sweep(frames, rates=RATES, metrics=(), prior="analytic", settings=SETTINGS)
    assert set(chosen) == {SETTINGS.gop_length}


def test_a_stream_is_cut_as_it_is(frames, prior, whole, points, tmp_path):
    path = whole.save(tmp_path / "clip.fgvc")
    for stream in (whole, whole.data, str(path)):
        again = sweep(stream, rates=RATES, reference=frames, metrics="psnr", prior=prior)
        assert [p.stream.data for p in again] == [p.stream.data for p in points]
        assert [p.scores.mean("psnr") for p in again] == [p.scores.mean("psnr") for p in points]


def test_without_an_original_nothing_is_decoded(whole, points, monkeypatch):
    monkeypatch.delattr("freegvc._codec.sweep.prior_to_decode")
    cuts = sweep(whole, rates=RATES)
    assert [p.stream.data for p in cuts] == [p.stream.data for p in points]
    assert [p.scores for p in cuts] == [None] * 3


def test_without_metrics_a_video_is_encoded_alone(frames, prior, points):
    heard = []
    streams = sweep(
        frames, rates=RATES, metrics=(), prior=prior, settings=SETTINGS, on_event=heard.append
    )
    assert [p.stream.data for p in streams] == [p.stream.data for p in points]
    assert [p.scores for p in streams] == [None] * 3
    assert not any(isinstance(event, GopDecoded) for event in heard)


def test_what_can_be_read_once_is_read_as_often_as_needed(frames, prior, points, tmp_path):
    path = tmp_path / "clip.y4m"
    Video.from_array(frames, 25).save(path)
    expected = sweep(path, rates=[0.2, 0.3], prior=prior, settings=SETTINGS)
    for video in (io.BytesIO(path.read_bytes()), open_video(path)):
        found = sweep(video, rates=[0.2, 0.3], prior=prior, settings=SETTINGS)
        assert [p.scores.per_frame for p in found] == [p.scores.per_frame for p in expected]


def test_a_source_of_ones_own_is_refused_before_any_work(frames, monkeypatch):
    class Once(FrameSource):
        height, width, frame_rate, num_frames = 32, 48, 25, 9

        def _frames(self):
            yield from frames

        def _count_frames(self):
            return 9

    monkeypatch.delattr("freegvc._codec.sweep.compress")
    with pytest.raises(UsageError, match="a Once is read once"):
        sweep(Once(), rates=RATES, prior="analytic")


def test_rates_are_counted_once(frames, prior, whole):
    points = sweep(whole, rates=[0.3, 0.2, 0.3, 0.2], reference=frames, prior=prior)
    assert [point.target_bpp for point in points] == [0.2, 0.3]


def test_equal_cuts_are_decoded_once(frames, prior, whole):
    near = 0.5 * (1 + 1e-9)
    heard = []
    points = sweep(whole, rates=[0.5, near], reference=frames, prior=prior, on_event=heard.append)
    assert [point.target_bpp for point in points] == [0.5, near]
    assert points[0].scores is points[1].scores
    assert sum(isinstance(event, GopDecoded) for event in heard) == whole.header.num_gops


def test_rates_out_of_reach_are_named(whole):
    with pytest.warns(TargetWarning) as said:
        points = sweep(whole, rates=[0.001, 0.002, 0.2, 7, 8])
    low, high = (str(warning.message) for warning in said)
    assert low.startswith("0.001, 0.002 bpp: too low for a single step")
    assert high.startswith("7, 8 bpp: more than this stream has")
    assert all(warning.filename == __file__ for warning in said)
    assert [point.target_bpp for point in points] == [0.2, 7, 8]
    assert points[1].stream.data == points[2].stream.data == whole.data
    with pytest.raises(TargetError, match=r"0.001, 0.002 bpp: too low.*which has .* higher"):
        sweep(whole, rates=[0.001, 0.002])
    empty = whole.truncate(stop_step=10_000)
    with pytest.raises(TargetError, match="too low for a single step"):
        sweep(whole, rates=[empty.bpp])


def test_a_rate_that_no_file_can_keep_is_an_error_of_encoding(frames, prior):
    with pytest.raises(TargetError, match="allow at least"):
        sweep(frames, rates=[1e-5, 2e-5], prior=prior, settings=SETTINGS)


def test_a_single_frame(frames, prior):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TargetWarning)
        points = sweep(
            frames[:1], rates=[1.0, 1.5], metrics=["psnr", "tof"], prior=prior, settings=SETTINGS
        )
    for point in points:
        decoded = freegvc.decompress(point.stream, prior=prior).frames
        assert point.scores.mean("psnr") == pytest.approx(psnr(frames[:1], decoded)[0])
        assert np.isnan(point.scores.per_frame["tof"][0])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"rates": []}, "rates is empty"),
        ({"rates": [0.1, 0.0]}, "a rate is 0 bpp"),
        ({"rates": [float("nan")]}, "a rate is nan bpp"),
        ({"rates": [float("inf")]}, "a rate is inf bpp"),
        ({"metrics": ["nix"]}, "no metric 'nix'"),
        ({"metrics": ["psnr"]}, "need the original"),
        ({"settings": SETTINGS}, "the input is a stream"),
    ],
)
def test_arguments_for_a_stream_are_checked(whole, arguments, message):
    with pytest.raises(UsageError, match=message):
        sweep(whole, **({"rates": RATES} | arguments))


def test_arguments_for_a_video_are_checked_before_any_work(frames, tmp_path):
    with pytest.raises(UsageError, match="its own reference"):
        sweep("nowhere.mp4", rates=RATES, reference=frames)
    with pytest.raises(MetricUnavailableError, match="does not exist"):
        sweep("nowhere.mp4", rates=RATES, metrics="lpips", weights=tmp_path / "gone")
