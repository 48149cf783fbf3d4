"""What a GOP shows, and how its overlap latents are blended."""

from fractions import Fraction

import numpy as np
import pytest
import torch

from freegvc._bitstream.header import StreamParameters
from freegvc._trajectory import Seams, fuse
from freegvc._video.gop_plan import plan_gops
from freegvc.priors import LatentSpec


class Frames:
    """A prior whose latent is its frames: each frame is one number."""

    def __init__(self, latent):
        self.latent = latent

    def decode_latent(self, latent, height, width):
        grey = latent[0, :, 0, 0].numpy().repeat(self.latent.temporal_stride)
        return np.tile(grey[:, None, None, None], (1, height, width, 3)).astype(np.uint8)


def make_seams(spec, *, gop_length, overlap, gammas=(), chain=False):
    parameters = StreamParameters(
        width=4,
        height=2,
        frame_rate=Fraction(25),
        gop_length=gop_length,
        overlap=overlap,
        gammas=gammas,
        prior="frames",
        fingerprint=bytes(8),
        start_timestep=1000,
        silent_steps=1,
        chain=chain,
    )
    return Seams(parameters, Frames(spec))


PLAIN = LatentSpec(1, 1, 8)
STRIDED = LatentSpec(1, 2, 8)
CAUSAL = LatentSpec(1, 1, 8, is_causal=True)
CONTEXT = LatentSpec(1, 2, 8, has_context=True)


@pytest.mark.parametrize("spec", [PLAIN, STRIDED, CAUSAL, CONTEXT])
@pytest.mark.parametrize(("gop_length", "overlap"), [(8, 4), (8, 2), (6, 0), (8, 0)])
@pytest.mark.parametrize("num_frames", [1, 5, 8, 13, 14, 40])
def test_every_frame_is_shown_once(spec, gop_length, overlap, num_frames):
    gammas = (64,) if overlap else ()
    seams = make_seams(spec, gop_length=gop_length, overlap=overlap, gammas=gammas)
    for longest in (None, gop_length):
        plan = plan_gops(num_frames, gop_length, overlap, longest=longest, stride=2)
        shown = []
        for gop in range(plan.num_gops):
            part = seams.shown(gop, plan.advance(gop), is_last=gop == plan.num_gops - 1)
            shown += [plan.first_frame(gop) + frame for frame in part]
        assert shown == list(range(num_frames))


def test_frames_of_the_overlap_are_blended_with_the_gop_before():
    seams = make_seams(PLAIN, gop_length=6, overlap=2, gammas=(32, 96))
    before = torch.full((1, 6, 1, 1), 100.0)
    after = torch.full((1, 6, 1, 1), 200.0)
    tail = seams.tail(before, 4)
    assert tail.shape == (1, 2, 1, 1)
    frames = seams.frames(after, tail, seams.shown(1, 6, is_last=True))
    # gamma = 1/4 and 3/4 of the newer one
    assert frames[:, 0, 0, 0].tolist() == [125, 175, 200, 200, 200, 200]
    assert frames.shape == (6, 2, 4, 3)
    first = seams.frames(before, None, seams.shown(0, 4, is_last=False))
    assert first[:, 0, 0, 0].tolist() == [100] * 4


def test_the_tail_is_where_the_next_gop_begins():
    """Of GOPs of 6 + 2 latents, the second starts after 4 of them, not where all of them end."""
    latent = torch.arange(8.0).reshape(1, 8, 1, 1)
    seams = make_seams(PLAIN, gop_length=8, overlap=2, gammas=(64,))
    assert seams.tail(latent, 4).flatten().tolist() == [4.0, 5.0]
    causal = make_seams(LatentSpec(1, 2, 8, is_causal=True), gop_length=9, overlap=3, gammas=(64,))
    assert causal.tail(latent, 4).flatten().tolist() == [3.0]  # of frames 5 and 6


def test_one_gamma_stands_for_all_overlap_latents():
    seams = make_seams(STRIDED, gop_length=8, overlap=4, gammas=(64,))
    latent = torch.full((1, 4, 1, 1), 50.0)
    frames = seams.frames(latent, seams.tail(latent + 100.0, 4), range(8))
    assert frames[:, 0, 0, 0].tolist() == [100] * 4 + [50] * 4


def test_a_gop_with_context_shows_the_last_frames_before_it():
    seams = make_seams(CONTEXT, gop_length=6, overlap=0)
    assert seams.need_tails
    assert seams.shown(0, 6, is_last=False) == range(5)
    assert seams.shown(1, 6, is_last=True) == range(-1, 6)
    tail = seams.tail(torch.tensor([10.0, 20.0, 30.0]).reshape(1, 3, 1, 1), 6)
    assert tail.flatten().tolist() == [30.0]
    after = torch.tensor([40.0, 50.0, 60.0]).reshape(1, 3, 1, 1)
    frames = seams.frames(after, tail, range(-1, 6))
    assert frames[:, 0, 0, 0].tolist() == [30, 40, 40, 50, 50, 60, 60]
    alone = seams.frames(after, None, range(6))
    assert alone[:, 0, 0, 0].tolist() == [40, 40, 50, 50, 60, 60]


def test_context_lies_before_the_overlap():
    seams = make_seams(CONTEXT, gop_length=8, overlap=4, gammas=(64,))
    before = torch.tensor([10.0, 20.0, 30.0, 40.0]).reshape(1, 4, 1, 1)
    tail = seams.tail(before, 4)
    assert tail.flatten().tolist() == [20.0, 30.0, 40.0]
    frames = seams.frames(before + 20.0, tail, seams.shown(1, 8, is_last=True))
    assert frames[:, 0, 0, 0].tolist() == [20, 30, 30, 40, 40, 50, 50, 60, 60]


def test_known_latents_are_the_context_of_chained_gops():
    seams = make_seams(CONTEXT, gop_length=8, overlap=4, chain=True)
    latent = torch.tensor([10.0, 20.0, 30.0, 40.0]).reshape(1, 4, 1, 1)
    tail = seams.tail(latent, 4)
    assert tail.flatten().tolist() == [30.0, 40.0]
    assert seams.shown(0, 4, is_last=False) == range(7)
    shown = seams.shown(1, 8, is_last=True)
    assert seams.frames(latent, tail, shown)[:, 0, 0, 0].tolist() == [20, 30, 30, 40, 40]


def test_a_padded_latent_is_no_context():
    seams = make_seams(CONTEXT, gop_length=5, overlap=0)
    assert not seams.need_tails
    assert seams.shown(0, 5, is_last=False) == range(5)


def test_fusion_blends_only_the_overlap_latents():
    old, new = torch.zeros(2, 3, 1, 1), torch.ones(2, 5, 1, 1)
    fused = fuse(old, new, [0.25, 0.5, 0.75])
    assert fused[0, :, 0, 0].tolist() == [0.25, 0.5, 0.75, 1.0, 1.0]
    later = fuse(old[:, :2], new, [0.25, 0.5], first=1)
    assert later[0, :, 0, 0].tolist() == [1.0, 0.25, 0.5, 1.0, 1.0]
    assert new.eq(1.0).all()
