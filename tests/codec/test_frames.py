"""Frames of a part: those of the whole video, for the work of the part."""

from dataclasses import replace
from fractions import Fraction
from types import SimpleNamespace

import numpy as np
import pytest

import freegvc
from freegvc._bitstream import write_stream
from freegvc._codec.clock import clock_of, frames_between
from freegvc._codec.limits import check_limits
from freegvc.errors import AudioWarning, LargeStreamError, UsageError
from freegvc.events import GopDecoded, GopStarted
from freegvc.priors.analytic import AnalyticPrior
from tests.codec.coding import CountingPrior, compress
from tests.codec.toy_priors import CausalPrior, ContextPrior, StridedPrior
from tests.video.sound_files import sound, write_clip

STREAMS = {
    "fused": (AnalyticPrior(), {"gop_length": 6, "overlap": 2}),
    "without overlap": (AnalyticPrior(), {"gop_length": 4, "overlap": 0}),
    "chained": (AnalyticPrior(), {"gop_length": 8, "overlap": 4, "chain": True}),
    "causal": (CausalPrior(), {"gop_length": 11, "overlap": 5}),
    "causal and chained": (CausalPrior(), {"gop_length": 13, "overlap": 5, "chain": True}),
    "strided": (StridedPrior(), {"gop_length": 8, "overlap": 4}),
    "with context": (ContextPrior(), {"gop_length": 8, "overlap": 4}),
    "with context, without overlap": (ContextPrior(), {"gop_length": 8, "overlap": 0}),
    "with context and chained": (ContextPrior(), {"gop_length": 12, "overlap": 4, "chain": True}),
    "one GOP": (AnalyticPrior(), {}),
}


@pytest.fixture(scope="module", params=STREAMS)
def coded(request, scene):
    """A stream of some frames, its prior, and all frames as decoded."""
    prior, settings = STREAMS[request.param]
    stream = compress(scene(22, 16, 24), stop_step=900, prior=prior, **settings)
    return stream, prior, freegvc.decompress(stream, prior=prior).frames


def test_any_part_is_the_same_as_in_the_whole(coded):
    stream, prior, whole = coded
    for start, stop in [(0, 1), (21, 22), (3, 9), (7, 8), (0, 22), (9, 22), (12, 17)]:
        heard = []
        part = freegvc.decompress(
            stream, frames=range(start, stop), prior=prior, on_event=heard.append
        )
        assert np.array_equal(part.frames, whole[start:stop])
        done = [event for event in heard if isinstance(event, GopDecoded)]
        assert done[0].first_frame == start
        assert sum(event.num_frames for event in done) == stop - start


def test_single_frames_in_any_order(coded):
    stream, prior, whole = coded
    reader = freegvc.FrameReader(stream, prior=prior)
    assert len(reader) == 22
    for index in (20, 3, 4, -1, 0, 13):
        assert np.array_equal(reader[index], whole[index])
    for part in (slice(5, 9), slice(None, None, 7), slice(-3, None), slice(10, 2, -4), slice(4, 4)):
        assert np.array_equal(reader[part], whole[part])
    reader[3][:] = 0  # a copy
    assert np.array_equal(reader[3], whole[3])
    with pytest.raises(IndexError):
        reader[22]


def calls(stream, **keywords):
    prior = CountingPrior()
    freegvc.decompress(stream, prior=prior, **keywords)
    return prior.num_calls


def test_the_work_goes_with_the_part(scene):
    frames = scene(60, 16, 24)
    fused = compress(frames, stop_step=900, gop_length=6, overlap=2)
    per_gop = calls(fused) / fused.header.num_gops
    assert fused.header.num_gops >= 14
    assert calls(fused, frames=range(58, 60)) == 2 * per_gop
    assert calls(fused, frames=range(0, 3)) == per_gop
    apart = compress(frames, stop_step=900, gop_length=4, overlap=0)
    assert calls(apart, frames=range(58, 60)) == calls(apart) / apart.header.num_gops
    chained = compress(frames, stop_step=900, gop_length=8, overlap=4, chain=True)
    assert calls(chained, frames=range(58, 60)) == calls(chained)
    assert calls(chained, frames=range(0, 4)) == calls(chained) / chained.header.num_gops


def test_frames_in_order_take_each_gop_once(scene):
    stream = compress(scene(22, 16, 24), stop_step=900, gop_length=6, overlap=2)
    prior = CountingPrior()
    for frame, its in zip(freegvc.FrameReader(stream, prior=prior), range(22), strict=True):
        assert frame.shape == (16, 24, 3), its
    assert prior.num_calls == calls(stream)


def test_only_gops_of_the_part_are_told_of(scene):
    stream = compress(scene(22, 16, 24), stop_step=900, gop_length=6, overlap=2)
    heard = []
    frames = freegvc.decode_frames(stream, frames=range(7, 10), on_event=heard.append)
    assert len(list(frames)) == 3
    assert [event.gop for event in heard if isinstance(event, GopStarted)] == [1, 2]


@pytest.mark.parametrize(
    "frames", [range(0), range(3, 3), range(-1, 2), range(20, 23), range(0, 9, 2), [1, 2], (0, 9)]
)
def test_frames_that_cannot_be_decoded(scene, frames):
    stream = compress(scene(22, 16, 24), stop_step=950)
    with pytest.raises(UsageError, match="must be"):
        freegvc.decompress(stream, frames=frames)
    with pytest.raises(UsageError, match="must be"):
        freegvc.decode_frames(stream, frames=frames)


def test_the_clock_of_a_part(scene):
    rate = Fraction(25)
    stamps = (Fraction(0), Fraction(1, 10), Fraction(3, 10), Fraction(1, 2), Fraction(6, 10))
    video = freegvc.Video(scene(5, 16, 24), rate, stamps, last_frame_seconds=Fraction(1, 4))
    stream = compress(video, stop_step=950)
    part = freegvc.decompress(stream, frames=range(1, 4))
    assert part.timestamps == (0, Fraction(1, 5), Fraction(2, 5))
    assert part.last_frame_seconds == Fraction(1, 10)
    assert part.duration_seconds == pytest.approx(0.5)
    assert clock_of(stream, range(3, 5)) == ((0, Fraction(1, 10)), Fraction(1, 4))
    for begin, end, found in [
        (0, 1, range(5)),
        (Fraction("0.1"), Fraction("0.3"), range(1, 2)),
        (Fraction("0.2"), Fraction("0.31"), range(1, 3)),
        (Fraction("0.84"), Fraction(9), range(4, 5)),
    ]:
        assert frames_between(stream, begin, end) == found
    for begin, end in [(Fraction("0.85"), 1), (1, 1), (2, 3)]:
        with pytest.raises(UsageError, match=r"no frame is shown from .* the video lasts 0\.85 s"):
            frames_between(stream, Fraction(begin), Fraction(end))


def test_frames_of_a_constant_rate_by_time(scene):
    video = freegvc.Video(scene(6, 16, 24), Fraction(30000, 1001))
    stream = compress(video, stop_step=950)
    assert clock_of(stream, range(2, 4)) == (None, None)
    frame = 1001 / Fraction(30000)
    assert frames_between(stream, 2 * frame, 4 * frame) == range(2, 4)
    assert frames_between(stream, 2 * frame - Fraction(1, 1000), 4 * frame) == range(1, 4)
    assert frames_between(stream, Fraction(0), Fraction(100)) == range(6)


def test_a_time_in_a_stream_that_claims_to_be_endless_takes_none():
    header = SimpleNamespace(num_frames=10**15, frame_rate=Fraction(25))
    stream = SimpleNamespace(header=header, timestamps=None, last_frame_seconds=None)
    assert frames_between(stream, Fraction(2), Fraction(3)) == range(50, 75)
    rest = Fraction(10**15, 25) - Fraction(1, 50)
    assert frames_between(stream, rest, rest + 9) == range(10**15 - 1, 10**15)


def test_a_part_has_its_sound(tmp_path):
    clip = write_clip(tmp_path / "a.mp4", ("pcm_s16le",), shown=range(12), heard=(0, 0.48))
    stream = compress(clip, stop_step=950, audio="copy")
    part = freegvc.decompress(stream, frames=range(8, 12))
    part.save(tmp_path / "part.mkv")
    click, first, end, _ = sound(tmp_path / "part.mkv")
    assert click == pytest.approx(2 / 25, abs=0.002)  # at frame 10
    assert 0 <= first < 0.03
    assert end == pytest.approx(4 / 25, abs=0.002)
    assert freegvc.decompress(stream, frames=range(12)).audio == stream.audio


def test_damaged_sound_of_a_part_is_left_out_aloud(tmp_path):
    clip = write_clip(tmp_path / "a.mp4", shown=range(8))
    stream = compress(clip, stop_step=950, audio="copy")
    beginning = stream.audio[:200]
    damaged = freegvc.CompressedVideo(write_stream(replace(stream.stream, audio=beginning)))
    with pytest.warns(AudioWarning, match=r"sound of these frames is left out: the audio"):
        assert freegvc.decompress(damaged, frames=range(3)).audio is None


def test_limits_are_those_of_the_part(scene):
    stream = compress(scene(60, 16, 24), stop_step=900, gop_length=6, overlap=2)
    with pytest.MonkeyPatch.context() as tight:
        tight.setattr("freegvc._codec.limits.FREE_WORK", 4 << 20)
        tight.setattr("freegvc._codec.limits.WORK_PER_BYTE", 0)
        check_limits(stream, frames=range(50, 56))
        with pytest.raises(LargeStreamError):
            check_limits(stream)
        freegvc.decompress(stream, frames=range(50, 56))
        with pytest.raises(LargeStreamError):
            freegvc.decompress(stream)
