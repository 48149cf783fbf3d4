"""Chained GOPs: fewer bits, decoded in order, and the same frames in every process."""

import numpy as np
import pytest

import freegvc
from freegvc._codec.decoder import decode_gop
from freegvc.errors import TargetError, UsageError
from freegvc.events import GopDecoded, ProbeDone
from freegvc.metrics import psnr
from freegvc.priors import load_prior
from tests.codec.coding import compress, decoded_gops, decoded_in_a_fresh_process
from tests.codec.toy_priors import CausalPrior, StridedPrior

CHAIN = {"chain": True, "gop_length": 8, "overlap": 4}


def drifts_of(compressed, **keywords):
    heard = []
    freegvc.decompress(compressed, on_event=heard.append, **keywords)
    return [event.drift_sigma for event in heard if isinstance(event, GopDecoded)]


@pytest.fixture(scope="module")
def chained(scene):
    return compress(scene(16, 40, 56), stop_step=760, **CHAIN)


def test_a_fresh_process_decodes_it_bit_for_bit_without_drift(scene, chained, tmp_path):
    assert [gop.num_frames for gop in chained.gops] == [8, 8, 8]
    frames, shown = decoded_gops(chained)
    assert shown == [slice(0, 8), slice(8, 12), slice(12, 16)]
    assert np.array_equal(decoded_in_a_fresh_process(chained.save(tmp_path / "a.fgvc")), frames)
    assert psnr(scene(16, 40, 56), frames).min() > 20
    assert drifts_of(chained) == [0.0, 0.0, 0.0]


def test_the_overlap_costs_nothing(scene, chained):
    """A still picture: later GOPs bring half of the frames, and less than half of the bits."""
    alone = compress(scene(16, 40, 56), stop_step=760, gop_length=8, overlap=4)
    assert [g.num_frames for g in alone.gops] == [g.num_frames for g in chained.gops]
    assert chained.gops[0].bits == alone.gops[0].bits
    for mine, its in zip(chained.gops[1:], alone.gops[1:], strict=True):
        assert mine.bits < 0.75 * its.bits


def test_a_gop_is_decoded_after_those_before_it(chained):
    prior = load_prior("analytic")
    whole = freegvc.decompress(chained).frames
    last = prior.decode_latent(decode_gop(chained, prior, 2), 40, 56)
    assert np.array_equal(last[4:], whole[12:])


@pytest.mark.parametrize("prior", [CausalPrior(), StridedPrior()], ids=lambda p: p.name)
def test_latents_of_several_frames_and_causal_ones(scene, prior):
    frames = scene(19, 16, 24)
    overlap = 4 + int(prior.latent.is_causal)
    compressed = compress(
        frames, prior=prior, stop_step=790, chain=True, gop_length=8 + overlap, overlap=overlap
    )
    assert compressed.header.num_gops == 2
    decoded = freegvc.decompress(compressed, prior=prior).frames
    assert psnr(frames, decoded).min() > 15
    assert drifts_of(compressed, prior=prior) == [0.0, 0.0]


@pytest.mark.parametrize("cut", [{"stop_step": 850}, {"num_bytes": 330}])
def test_a_cut_stream_decodes_bit_for_bit(scene, chained, tmp_path, cut):
    """Later GOPs then follow another one than the encoder saw, so no GOP of them states drift."""
    smaller = chained.truncate(**cut)
    assert smaller.num_bytes < chained.num_bytes
    frames = freegvc.decompress(smaller).frames
    if "stop_step" in cut:  # a process takes seconds to start
        path = smaller.save(tmp_path / "b.fgvc")
        assert np.array_equal(decoded_in_a_fresh_process(path), frames)
    first = next(k for k, (a, b) in enumerate(zip(smaller.gops, chained.gops, strict=True))
                 if a.num_steps < b.num_steps)  # fmt: skip
    assert drifts_of(smaller) == [0.0] * first + [None] * (3 - first)
    assert psnr(scene(16, 40, 56), frames).min() > 15


@pytest.mark.parametrize("num_bytes", [600, 1500])
def test_a_rate_is_kept_and_used(scene, num_bytes):
    compressed = compress(scene(16, 40, 56), target_bytes=num_bytes, **CHAIN)
    assert 0.85 * num_bytes < compressed.num_bytes <= num_bytes
    assert compressed.header.num_gops == 3
    with pytest.raises(TargetError, match="before a single step is sent"):
        compress(scene(16, 40, 56), target_bytes=60, **CHAIN)


def test_a_score_is_met_by_every_gop(scene):
    frames = scene(16, 40, 56)
    target = freegvc.Score("psnr", 24.0, tolerance=0.3)
    decoded, shown = decoded_gops(compress(frames, target, **CHAIN))
    for gop in shown:
        assert psnr(frames[gop], decoded[gop]).mean() == pytest.approx(24.0, abs=0.3)


class CountingCausalPrior(CausalPrior):
    """CausalPrior, which counts what its VAE does."""

    num_encoded = num_decoded = 0

    def encode_frames(self, frames):
        self.num_encoded += 1
        return super().encode_frames(frames)

    def decode_latent(self, latent, height, width):
        self.num_decoded += 1
        return super().decode_latent(latent, height, width)


@pytest.mark.parametrize(
    "target",
    [
        freegvc.Score("psnr", 20.0, tolerance=2.0),
        freegvc.LikeFirstGop(freegvc.StopStep(800), "psnr", tolerance=2.0),
    ],
    ids=["score", "like-first-gop"],
)
def test_scores_of_causal_gops_need_one_tail_each(scene, target):
    """A causal tail is decoded and encoded again: once a GOP, not once a probe, not at the end."""
    prior, heard = CountingCausalPrior(), []
    frames = scene(18, 40, 56)
    compressed = compress(
        frames, target, prior=prior, on_event=heard.append, chain=True, gop_length=10, overlap=5
    )
    assert compressed.header.num_gops == 3
    assert prior.num_encoded == 3 + 2
    assert prior.num_decoded == sum(isinstance(event, ProbeDone) for event in heard) + 2
    assert psnr(frames, freegvc.decompress(compressed, prior=prior).frames).min() > 15


def test_defaults_have_room_for_the_context(scene):
    header = compress(scene(2, 16, 24), stop_step=900, chain=True).header
    assert (header.gop_length, header.overlap, header.gammas) == (52, 8, ())
    prior = StridedPrior()
    header = compress(scene(2, 16, 24), stop_step=900, chain=True, prior=prior).header
    assert (header.gop_length, header.overlap) == (64, 20)


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"overlap": 0}, "at least one latent of 4 frames"),
        ({"gop_length": 7, "overlap": 3}, "at least one latent of 4 frames"),
        ({"gamma": 0.3}, "leave out gamma or chain"),
    ],
)
def test_what_cannot_be_chained_is_said(scene, keywords, message):
    given = {"chain": True, "gop_length": 8, "overlap": 4} | keywords
    with pytest.raises(UsageError, match=message):
        compress(scene(9, 16, 24), prior=StridedPrior(), stop_step=900, **given)
