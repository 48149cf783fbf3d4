"""The whole codec: decode(encode(x)) is the encoder's own reconstruction."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
import torch

import freegvc
from freegvc._codec.decoder import decode_gop
from freegvc._codec.model import _check_geometry
from freegvc._video import open_video
from freegvc.errors import (
    CorruptStreamError,
    OutputWarning,
    PriorMismatchError,
    TargetError,
    UsageError,
)
from freegvc.metrics import psnr
from freegvc.priors import load_prior
from freegvc.priors.analytic import AnalyticPrior
from tests.codec.coding import compress, decoded_in_a_fresh_process
from tests.codec.toy_priors import CausalPrior, ContextPrior, StridedPrior


def test_round_trip_keeps_the_shape_of_the_video(scene):
    frames = scene(9, 33, 47)
    compressed = compress(open_video(frames, fps="30000/1001"), stop_step=750)
    video = freegvc.decompress(compressed)
    assert video.frames.shape == frames.shape
    assert video.frame_rate == Fraction(30000, 1001)
    assert psnr(frames, video.frames).mean() > 20


def test_decoding_twice_and_in_a_fresh_process_is_bit_exact(scene, tmp_path):
    compressed = compress(scene(12, 40, 56), stop_step=790, gop_length=8, overlap=2)
    path = compressed.save(tmp_path / "a.fgvc")
    here = freegvc.decompress(compressed).frames
    assert np.array_equal(decoded_in_a_fresh_process(path), here)


def test_the_decoder_gets_the_senders_own_states(scene, monkeypatch):
    """The decoded latent of each GOP equals the encoder's reconstruction bit for bit."""
    from freegvc._trajectory import Sender, Silent

    senders = []
    original = Sender.__init__

    def spy(self, *args, **kwargs):
        original(self, *args, **kwargs)
        senders.append(self)

    monkeypatch.setattr(Sender, "__init__", spy)
    compressed = compress(scene(10, 32, 40), stop_step=775, gop_length=6, overlap=2)
    prior = load_prior("analytic")
    for k, sender in enumerate(senders):
        mine = sender.reconstruct(Silent("ddim", 1))
        assert torch.equal(decode_gop(compressed, prior, k), mine)
    assert len(senders) == compressed.header.num_gops == 2


@pytest.mark.parametrize(
    ("num_frames", "firsts"),
    [(1, [0]), (5, [0]), (48, [0]), (49, [0]), (69, [0]), (70, [0, 44]), (96, [0, 44])],
)
def test_any_length(scene, num_frames, firsts):
    frames = scene(num_frames, 16, 24)
    compressed = compress(frames, stop_step=830)
    video = freegvc.decompress(compressed)
    assert video.num_frames == num_frames
    assert [g.first_frame for g in compressed.gops] == firsts
    assert psnr(frames, video.frames).min() > 15


@pytest.mark.parametrize(("most", "lengths"), [(None, [8, 10]), (8, [8, 6, 6])])
def test_a_short_rest_becomes_a_longer_gop_or_two_shorter_ones(scene, tmp_path, most, lengths):
    """The decoder's prior need not know how many frames the encoder's takes."""
    frames, prior = scene(16, 40, 56), load_prior("analytic")
    prior.defaults = replace(prior.defaults, max_gop_length=most)
    compressed = compress(frames, stop_step=790, gop_length=8, overlap=2, prior=prior)
    assert [gop.num_frames for gop in compressed.gops] == lengths
    path = compressed.save(tmp_path / "a.fgvc")
    decoded = decoded_in_a_fresh_process(path)
    assert np.array_equal(decoded, freegvc.decompress(compressed).frames)
    assert psnr(frames, decoded).min() > 15


def test_a_gop_of_no_overlap_may_end_within_a_latent(scene):
    prior = StridedPrior()
    compressed = compress(scene(13, 16, 24), stop_step=830, prior=prior, gop_length=6, overlap=0)
    assert freegvc.decompress(compressed, prior=prior).num_frames == 13


@pytest.mark.parametrize(("length", "overlap"), [(1, 0), (5, 0), (5, 2), (7, 3), (8, 1)])
def test_any_gop_length_and_overlap(scene, length, overlap):
    frames = scene(15, 16, 24)
    compressed = compress(frames, stop_step=790, gop_length=length, overlap=overlap)
    assert freegvc.decompress(compressed).frames.shape == frames.shape


def test_gammas_decide_whose_frames_are_shown(scene):
    """gamma = 1 shows the newer GOP at the overlap, gamma = 0 the older, 0.5 their mean."""
    frames = scene(10, 16, 24)
    decoded = {}
    for gamma in (0.0, 0.5, 1.0):
        compressed = compress(frames, stop_step=830, gop_length=6, overlap=2, gamma=gamma)
        decoded[gamma] = freegvc.decompress(compressed).frames.astype(int)
    old, mean, new = decoded[0.0], decoded[0.5], decoded[1.0]
    shared = slice(4, 6)
    assert np.abs(old[shared] - new[shared]).max() > 3
    assert np.abs(mean[shared] - (old[shared] + new[shared]) / 2).max() <= 1.0
    first_gop_alone = freegvc.decompress(compress(frames[:6], stop_step=830))
    assert np.array_equal(old[:6], first_gop_alone.frames)
    outside = np.r_[0:4, 6:10]
    assert np.array_equal(old[outside], new[outside])


def test_a_causal_gop_takes_over_after_its_first_frame(scene):
    """Of GOPs at 0..5 and 4..9, frame 4 is the older's alone, 5 is shared, 6.. the newer's."""
    frames, prior = scene(10, 16, 24), CausalPrior()
    decoded = {}
    for gamma in (0.0, 0.5, 1.0):
        compressed = compress(
            frames, stop_step=830, gop_length=6, overlap=2, gamma=gamma, prior=prior
        )
        decoded[gamma] = freegvc.decompress(compressed, prior=prior).frames.astype(int)
    old, mean, new = decoded[0.0], decoded[0.5], decoded[1.0]
    assert np.abs(old[5] - new[5]).max() > 3
    assert np.abs(mean[5] - (old[5] + new[5]) / 2).max() <= 1.0
    assert np.array_equal(old[[0, 1, 2, 3, 4, 6, 7, 8, 9]], new[[0, 1, 2, 3, 4, 6, 7, 8, 9]])
    first_gop = freegvc.decompress(compress(frames[:6], stop_step=830, prior=prior), prior=prior)
    assert np.array_equal(old[:6], first_gop.frames)


@pytest.mark.parametrize("num_frames", [1, 6, 7, 10, 11])
@pytest.mark.parametrize("overlap", [0, 1, 2])
def test_causal_gops_lose_no_frame(scene, num_frames, overlap):
    frames, prior = scene(num_frames, 16, 24), CausalPrior()
    compressed = compress(frames, stop_step=830, gop_length=6, overlap=overlap, prior=prior)
    decoded = freegvc.decompress(compressed, prior=prior).frames
    assert decoded.shape == frames.shape
    assert psnr(frames, decoded).min() > 15


def test_gamma_may_be_a_function_of_the_overlap_latent(scene):
    compressed = compress(
        scene(14, 16, 24), stop_step=830, gop_length=8, overlap=4, gamma=lambda i: (i + 1) / 5
    )
    assert compressed.header.gammas == (26, 51, 77, 102)
    assert freegvc.decompress(compressed).num_frames == 14
    with pytest.raises(UsageError, match=r"gamma is \[2.0, .* 0 .. 1"):
        compress(scene(14, 16, 24), gop_length=8, gamma=lambda i: 2.0)


@pytest.mark.parametrize("num_frames", [1, 3, 8, 13, 21])
@pytest.mark.parametrize(("gop_length", "overlap"), [(8, 0), (8, 4), (9, 0)])
@pytest.mark.parametrize("prior", [StridedPrior(), ContextPrior()])
def test_latents_of_several_frames_pad_the_last_gop(scene, num_frames, gop_length, overlap, prior):
    frames = scene(num_frames, 16, 24)
    compressed = compress(
        frames, stop_step=790, prior=prior, gop_length=gop_length, overlap=overlap
    )
    video = freegvc.decompress(compressed, prior=prior)
    assert video.num_frames == num_frames
    assert psnr(frames, video.frames).min() > 15


def test_gop_advance_must_fit_the_latent(scene):
    with pytest.raises(UsageError, match="multiple of 4"):
        compress(scene(9, 16, 24), prior=StridedPrior(), gop_length=8, overlap=3)
    with pytest.raises(UsageError, match=r"overlap is -1, but must be in 0"):
        compress(scene(9, 16, 24), prior=StridedPrior(), gop_length=8, overlap=-1)


def test_a_stream_whose_gops_begin_inside_a_latent_is_refused(scene):
    prior = StridedPrior()
    whole = compress(scene(18, 16, 24), prior=prior, gop_length=8, overlap=0).header
    padded = replace(whole, num_frames=20, gop_length=9)  # no GOP begins with a latent of another
    for header, last_advance in [(whole, 0), (whole, 4), (padded, 4), (padded, 5)]:
        _check_geometry(replace(header, last_advance=last_advance), prior)
    with pytest.raises(CorruptStreamError, match=r"after 3, but .* needs a multiple of 4"):
        _check_geometry(replace(whole, last_advance=3), prior)


@pytest.mark.parametrize("coder", ["trellis", "pfr"])
def test_the_coder_by_name(scene, coder):
    frames = scene(6, 32, 40)
    compressed = compress(frames, stop_step=800, coder=coder)
    assert compressed.header.coder == coder
    decoded = freegvc.decompress(freegvc.CompressedVideo(compressed.data)).frames
    assert psnr(frames, decoded).mean() > 20
    by_default = freegvc.compress(frames, stop_step=800, prior="analytic")
    assert (by_default.data == compressed.data) == (coder == "trellis")


def test_an_unknown_coder_is_refused(scene):
    with pytest.raises(UsageError, match="coder"):
        compress(scene(1, 16, 24), coder="morse")


def test_a_stop_step_beyond_the_schedule_is_refused(scene):
    with pytest.raises(UsageError, match="1000"):
        compress(scene(2, 16, 24), stop_step=1001)
    nothing_sent = compress(scene(2, 16, 24), stop_step=1000)
    assert nothing_sent.gops[0].num_steps == 0
    assert freegvc.decompress(nothing_sent).num_frames == 2


@pytest.mark.parametrize("bpp", [0.1, 0.2])
def test_rate_target_is_met_from_below(scene, bpp):
    compressed = compress(scene(20, 48, 64), target_bpp=bpp, gop_length=8, overlap=2)
    assert 0.9 * bpp <= compressed.bpp <= bpp


def test_target_bytes_counts_the_whole_file(scene, tmp_path):
    compressed = compress(scene(20, 64, 96), target_bytes=1500, gop_length=8, overlap=2)
    path = compressed.save(tmp_path / "a.fgvc")
    assert 1350 <= path.stat().st_size <= 1500
    with pytest.raises(TargetError, match="before a single step"):
        compress(scene(4, 16, 24), target_bytes=70)


def test_quality_target_is_met_by_the_decode(scene):
    frames = scene(8, 64, 96)
    compressed = compress(frames, freegvc.Score("psnr", 24.0, tolerance=0.3))
    decoded = freegvc.decompress(compressed).frames
    assert abs(psnr(frames, decoded).mean() - 24.0) <= 0.3
    coarser = compress(frames, freegvc.Score("psnr", 22.0, tolerance=0.3))
    assert coarser.num_bytes < compressed.num_bytes


def test_ms_ssim_target(scene):
    from freegvc.metrics import ms_ssim

    frames = scene(2, 176, 184)
    compressed = compress(frames, freegvc.Score("ms_ssim", 0.9, tolerance=0.01))
    assert abs(ms_ssim(frames, freegvc.decompress(compressed).frames).mean() - 0.9) <= 0.01


@pytest.mark.parametrize("dtype", ["float64", "float32", "bfloat16"])
def test_another_arithmetic_drifts_and_never_breaks_the_parse(scene, dtype):
    frames = scene(10, 64, 96)
    compressed = compress(frames, stop_step=775, gop_length=6, overlap=2)
    reference = freegvc.decompress(compressed).frames
    other = freegvc.decompress(compressed, prior=load_prior("analytic", dtype=dtype)).frames
    assert psnr(reference, other).min() > 40
    assert np.array_equal(reference, other) == (dtype == "float32")


def test_more_steps_give_more_bits_and_a_better_picture(scene):
    frames = scene(8, 64, 96)
    results = [compress(frames, stop_step=s) for s in (880, 820, 750)]
    sizes = [r.num_bytes for r in results]
    scores = [psnr(frames, freegvc.decompress(r).frames).mean() for r in results]
    assert sizes == sorted(sizes)
    assert scores == sorted(scores)


def test_a_foreign_prior_is_refused(scene):
    compressed = compress(scene(2, 16, 24), stop_step=880)

    class OtherWeights(AnalyticPrior):
        fingerprint = b"12345678"

    with pytest.raises(PriorMismatchError, match="3132333435363738"):
        freegvc.decompress(compressed, prior=OtherWeights())


def test_gop_infos_say_what_is_in_the_file(scene):
    compressed = compress(scene(10, 32, 40), stop_step=790, gop_length=6, overlap=2)
    assert [g.stop_step for g in compressed.gops] == [790, 790]
    assert [(g.first_frame, g.num_frames) for g in compressed.gops] == [(0, 6), (4, 6)]
    packets = sum(g.bits for g in compressed.gops) // 8
    assert compressed.num_bytes - 80 < packets < compressed.num_bytes
    assert all(0 < g.seed_bits < g.bits for g in compressed.gops)
    assert compressed.bpp == pytest.approx(8 * compressed.num_bytes / (10 * 32 * 40))


def test_a_stream_is_taken_from_a_path_bytes_or_an_open_file(scene, tmp_path):
    compressed = compress(scene(3, 16, 24), stop_step=880)
    frames = freegvc.decompress(compressed).frames
    path = compressed.save(tmp_path / "a.fgvc")
    with path.open("rb") as file:
        for given in (path, str(path), compressed.data, bytearray(compressed.data), file):
            assert np.array_equal(freegvc.decompress(given).frames, frames)
    with pytest.raises(UsageError, match="the stream is 'int', but must be a path, bytes, a file"):
        freegvc.decompress(3)
    with path.open("r", encoding="latin-1") as text, pytest.raises(UsageError, match="for reading"):
        freegvc.decompress(text)


def test_any_rate_that_a_stream_states_comes_back(scene):
    video = freegvc.Video(scene(3, 16, 24), Fraction(5000))
    assert freegvc.decompress(compress(video, stop_step=950)).frame_rate == 5000


def test_variable_frame_rate_keeps_its_timestamps(scene):
    times = tuple(Fraction(n, 600) for n in (0, 20, 45, 60, 85, 100))
    video = freegvc.Video(scene(6, 16, 24), frame_rate=Fraction(30), timestamps=times)
    decoded = freegvc.decompress(compress(video, stop_step=880, gop_length=4, overlap=1))
    assert decoded.timestamps == times
    assert decoded.last_frame_seconds is None


@pytest.mark.parametrize("times", [None, (0, 20, 45, 60, 85, 100)])
def test_the_last_frame_keeps_its_duration(scene, times):
    stamps = None if times is None else tuple(Fraction(n, 600) for n in times)
    video = freegvc.Video(scene(6, 16, 24), Fraction(30), stamps, last_frame_seconds=Fraction(5, 7))
    compressed = compress(video, stop_step=880, gop_length=4, overlap=1)
    assert compressed.duration_seconds == pytest.approx(1 / 6 + 5 / 7)
    decoded = freegvc.decompress(compressed)
    assert decoded.last_frame_seconds == Fraction(5, 7)
    assert decoded.timestamps == (stamps or tuple(Fraction(n, 30) for n in range(6)))
    assert decoded.duration_seconds == video.duration_seconds


def test_a_very_long_video_loses_the_duration_of_its_last_frame_alone(scene, monkeypatch):
    monkeypatch.setattr("freegvc._control.gop_encoder.MAX_TIMESTAMPS", 5)
    video = freegvc.Video(scene(6, 16, 24), Fraction(30), last_frame_seconds=Fraction(5, 7))
    with pytest.warns(OutputWarning, match=r"not 0\.714286 s: a video of more than 5 frames"):
        compressed = compress(video, stop_step=880)
    assert (compressed.header.num_frames, compressed.last_frame_seconds) == (6, None)


def test_bits_per_second_are_those_of_the_time_in_which_frames_are_shown(scene):
    shown = {}
    for rate, last in ((30, None), (30, Fraction(10)), (15, None)):
        video = freegvc.Video(scene(6, 16, 24), Fraction(rate), last_frame_seconds=last)
        compressed = compress(video, target_kbps=8.0)
        assert compressed.num_bytes <= 1000 * video.duration_seconds
        shown[rate, last] = compressed.num_bytes
    assert shown[30, None] < shown[15, None] < shown[30, Fraction(10)]
