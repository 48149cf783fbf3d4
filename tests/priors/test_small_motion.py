"""Motion in the decoder of freegvc-small: frames as their neighbours show them."""

import itertools

import numpy as np
import pytest
import torch

from freegvc._video import open_video
from freegvc.metrics import psnr
from freegvc.priors import load_prior
from freegvc.priors.small import autoencoder as networks
from freegvc.priors.small.autoencoder import LATENT_CHANNELS, Autoencoder
from freegvc.priors.small.fusion import CELL, VERSIONS, Fusion
from freegvc.priors.small.motion import (
    MIN_SIDE,
    PERIOD,
    from_neighbours,
    motion_of,
    replace_strays,
    warped,
)

ANCHORS = (1, 2)  # of each PERIOD frames
SPEED = (1.5, -0.7)


def moving(
    num_frames: int, speed: tuple[float, float], side: int = 96, seed: int = 3
) -> torch.Tensor:
    """float32 [T, 3, side, side]: smooth texture that moves by `speed` pixels (x, y) a frame."""
    rng = np.random.default_rng(seed)
    waves = rng.uniform(-0.25, 0.25, (24, 2))
    phases, colours = rng.uniform(0, 2 * np.pi, 24), rng.uniform(-1, 1, (24, 3))
    y, x = np.mgrid[:side, :side]
    frames = []
    for t in range(num_frames):
        at = waves[:, :1, None] * (x - speed[0] * t) + waves[:, 1:, None] * (y - speed[1] * t)
        frames.append(np.einsum("wc,wyx->cyx", colours, np.sin(at + phases[:, None, None])))
    return torch.from_numpy(np.stack(frames).astype(np.float32) / 8)


def two_scenes(cut: int, speed: tuple[float, float] = SPEED) -> torch.Tensor:
    """16 frames of a scene, from `cut` on of another."""
    return torch.cat([moving(16, speed, seed=4)[:cut], moving(16, speed)[cut:]])


@pytest.mark.parametrize("speed", [(0.0, 0.0), (1.5, -0.7), (-3.0, 2.0)])
def test_anchors_show_the_frames_beside_them(speed):
    """Frames between anchors are noise here: only the anchors can tell what they were."""
    video = moving(12, speed)
    drawn = video.clone()
    noise = torch.randn(video.shape, generator=torch.Generator().manual_seed(0))
    between = [t for t in range(12) if t % PERIOD not in ANCHORS]
    drawn[between] = noise[between]
    versions = from_neighbours(drawn, motion_of(drawn), range(12))
    inside = np.s_[..., 24:-24, 24:-24]  # what enters the picture is nowhere to be seen
    for side, version, alone in zip(("before", "after"), versions, ((0, 1), (10, 11)), strict=True):
        for t in range(12):
            if t in alone:  # there is no anchor on that side
                torch.testing.assert_close(version[t], drawn[t], rtol=0, atol=1e-4)
            else:
                error = (version[t] - video[t])[inside].abs().mean()
                assert error < 0.008, (t, side)  # of 0.1 from frame to frame at (-3, 2)


@pytest.mark.parametrize("speed", [(0.0, 0.0), (1.5, -0.7), (-3.0, 2.0)])
def test_there_is_no_cut_where_things_move_fade_or_are_flat(speed):
    video = moving(16, speed)
    fade = torch.linspace(1, 0.6, 16)[:, None, None, None]
    for clip in (video, video * fade, torch.zeros_like(video)):
        assert not any(motion_of(clip).is_cut)


@pytest.mark.parametrize("colour", [-1.0, 1.0])
@pytest.mark.parametrize("length", [8, 16])
@pytest.mark.parametrize("gain", [0.0, 1.5])
def test_fades_from_black_and_white_are_no_cuts(colour, length, gain):
    """They leave flat pictures, and their steps are larger than these have contrast."""
    share = (torch.arange(16) / length).clamp(max=1)[:, None, None, None]
    video = colour * (1 - share) + share * gain * moving(16, SPEED)
    assert not any(motion_of(video).is_cut)


def test_a_scene_after_black_is_a_cut():
    video = moving(16, SPEED)
    video[:8] = -1
    assert motion_of(video).is_cut == [k == 3 for k in range(7)]


def test_a_fade_is_decoded_evenly():
    """Taken for a chain of cuts, it came in steps of four frames, one of them backwards."""
    levels = np.linspace(0, 255, 24).round().astype(np.uint8)
    video = np.broadcast_to(levels[:, None, None, None], (24, 64, 64, 3))
    prior = load_prior()
    decoded = prior.decode_latent(prior.encode_frames(np.ascontiguousarray(video)), 64, 64)
    steps = np.diff(decoded[1:-1].mean((1, 2, 3)))  # the ends have no neighbour to be moved from
    assert steps.min() > 5  # of 11
    assert steps.max() < 17


@pytest.mark.parametrize("cut", range(5, 12))
def test_a_cut_is_found_between_its_anchors(cut):
    anchors = [t for t in range(16) if t % PERIOD in ANCHORS]
    pair = sum(t < cut for t in anchors) - 1
    found = motion_of(two_scenes(cut)).is_cut
    assert found == [k == pair for k in range(len(found))]


@pytest.mark.parametrize("cut", range(5, 12))
def test_every_version_of_a_frame_is_of_its_own_scene(cut):
    """Where a scene's own anchor is beside the frame; `replace_strays` is for the others."""
    video = two_scenes(cut)
    versions = from_neighbours(video, motion_of(video), range(16))
    inside = np.s_[..., 24:-24, 24:-24]
    for t in range(16):
        if (cut % PERIOD, t) in ((1, cut - 1), (3, cut)):
            continue
        for version in versions:
            error = (version[t] - video[t])[inside].abs().mean()
            assert error < 0.02, t  # of 0.29 between the scenes


@pytest.mark.parametrize("cut", range(5, 12))
@pytest.mark.parametrize("moves", [True, False])
def test_a_frame_that_a_latent_mixes_of_two_scenes_is_drawn_anew(cut, moves):
    """Frame 0 or 3 of a latent whose other frames are of the other scene."""
    video = two_scenes(cut, SPEED if moves else (0.0, 0.0))
    stray = {1: cut - 1, 3: cut}.get(cut % PERIOD)
    drawn = video.clone()
    if stray is not None:
        beside = stray + (1 if stray % PERIOD == 0 else -1)
        drawn[stray] = 0.5 * (video[stray] + video[beside])
    fused = drawn.clone()
    replace_strays(fused, drawn, motion_of(drawn))
    inside = np.s_[..., 24:-24, 24:-24]
    for t in range(16):
        if t == stray:
            assert (fused[t] - video[t])[inside].abs().mean() < 0.02
        else:
            assert torch.equal(fused[t], drawn[t]), t


def test_gradients_pass_a_frame_that_is_drawn_anew():
    """Training meets cuts too; the frame is replaced in place."""
    video = two_scenes(7)
    video[7] = 0.5 * (video[6] + video[7])
    gain = torch.ones((), requires_grad=True)
    fused = gain * video
    replace_strays(fused, video, motion_of(video))
    assert not torch.equal(fused[7], video[7])
    fused.square().sum().backward()
    assert gain.grad.item() == pytest.approx(2 * fused.square().sum().item(), rel=1e-4)


@pytest.mark.parametrize("cut", [22, 23, 24])
def test_frames_beside_a_cut_are_of_one_scene(clips, cut):
    """With a mixture of both they had 10 to 17 dB."""
    first, second = (first_frames(clips / name) for name in ("basketballpass", "vid4_walk"))
    video = np.concatenate([first[:cut], second[: 32 - cut]])
    prior = load_prior()
    decoded = prior.decode_latent(prior.encode_frames(video), *video.shape[1:3])
    beside = slice(cut - 2, cut + 2)
    assert psnr(video[beside], decoded[beside]).min() > 17


def first_frames(path):
    """The first 32 frames, the middle 96x128 pixels."""
    with open_video(path) as source:
        frames = np.stack(list(itertools.islice(source, 32)))
    top, left = (frames.shape[1] - 96) // 2, (frames.shape[2] - 128) // 2
    return np.ascontiguousarray(frames[:, top : top + 96, left : left + 128])


def test_a_part_of_the_frames_is_that_part_of_all():
    video = moving(8, (1.0, 1.0), 32)
    motion = motion_of(video)
    whole, part = (from_neighbours(video, motion, frames) for frames in (range(8), range(3, 6)))
    for a, b in zip(whole, part, strict=True):
        torch.testing.assert_close(a[3:6], b)


def test_a_warp_along_no_flow_is_the_picture():
    pictures = torch.rand(2, 3, 9, 13)
    torch.testing.assert_close(warped(pictures, torch.zeros(2, 2, 9, 13)), pictures)


def test_a_warp_samples_where_the_flow_points():
    picture = torch.arange(8.0).expand(1, 3, 6, 8)
    flow = torch.tensor([2.0, 0.0])[None, :, None, None].expand(1, 2, 6, 8)
    torch.testing.assert_close(warped(picture, flow)[..., :4], picture[..., 2:6])


def test_pictures_too_small_for_a_flow_stand_still():
    video = torch.rand(8, 3, MIN_SIDE - 4, 64)
    motion = motion_of(video)
    for flow in (motion.forwards, motion.backwards):
        assert flow.shape == (3, 2, MIN_SIDE - 4, 64)
        assert not flow.any()


def test_fusion_starts_as_interpolation():
    torch.manual_seed(0)
    fusion = Fusion(features=5)
    versions = torch.rand(4, VERSIONS, 3, 8, 8)
    fused = fusion(versions, torch.rand(4, 5, 8 // CELL, 8 // CELL), torch.arange(4))
    own, before, after = versions.unbind(1)
    expected = torch.stack([before[0] / 3 + after[0] * 2 / 3, own[1], own[2]])
    torch.testing.assert_close(fused[:3], expected, rtol=0, atol=0.05)
    torch.testing.assert_close(fused[3], before[3] * 2 / 3 + after[3] / 3, rtol=0, atol=0.05)


def test_frames_do_not_depend_on_how_many_are_made_at_once(monkeypatch):
    torch.manual_seed(0)
    model = Autoencoder().eval()
    latent = torch.randn(2, LATENT_CHANNELS, 3, 4, 5)
    with torch.no_grad():
        whole = model.decode(latent)
        monkeypatch.setattr(networks, "PIXELS_AT_ONCE", 5 * 32 * 40)
        parts = model.decode(latent)
    assert whole.shape == (2, 12, 3, 32, 40)
    torch.testing.assert_close(parts, whole, rtol=0, atol=1e-4)


def test_a_decoder_in_training_has_a_gradient_everywhere():
    model = Autoencoder().train()
    model.decode(torch.randn(1, LATENT_CHANNELS, 2, 4, 4)).square().mean().backward()
    for name, parameter in model.named_parameters():
        is_of_encoder = any(parameter is p for m in model.encoder_parts() for p in m.parameters())
        assert is_of_encoder == (parameter.grad is None), name


def test_the_four_frames_of_a_latent_are_alike(clips):
    """PSNR by phase of a real clip that moves, coded at no loss but the autoencoder's."""
    with open_video(clips / "dolphins.mp4", matrix="bt709") as source:
        frames = np.stack(list(itertools.islice(source, 24)))[:, 56:184, 112:304]
    prior = load_prior()
    copy = prior.decode_latent(prior.encode_frames(frames), *frames.shape[1:3])
    scores = psnr(frames, copy)[4:-4]
    phases = [scores[k::PERIOD].mean() for k in range(PERIOD)]
    assert max(phases) - min(phases) < 5.5  # it was 7.2 when each latent showed two pictures
