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
from freegvc.priors.small.motion import MIN_SIDE, PERIOD, anchor_flows, from_neighbours, warped

ANCHORS = (1, 2)  # of each PERIOD frames


def moving(num_frames: int, speed: tuple[float, float], side: int = 96) -> torch.Tensor:
    """float32 [T, 3, side, side]: smooth texture that moves by `speed` pixels (x, y) a frame."""
    rng = np.random.default_rng(3)
    waves = rng.uniform(-0.25, 0.25, (24, 2))
    phases, colours = rng.uniform(0, 2 * np.pi, 24), rng.uniform(-1, 1, (24, 3))
    y, x = np.mgrid[:side, :side]
    frames = []
    for t in range(num_frames):
        at = waves[:, :1, None] * (x - speed[0] * t) + waves[:, 1:, None] * (y - speed[1] * t)
        frames.append(np.einsum("wc,wyx->cyx", colours, np.sin(at + phases[:, None, None])))
    return torch.from_numpy(np.stack(frames).astype(np.float32) / 8)


@pytest.mark.parametrize("speed", [(0.0, 0.0), (1.5, -0.7), (-3.0, 2.0)])
def test_anchors_show_the_frames_beside_them(speed):
    """Frames between anchors are noise here: only the anchors can tell what they were."""
    video = moving(12, speed)
    drawn = video.clone()
    noise = torch.randn(video.shape, generator=torch.Generator().manual_seed(0))
    between = [t for t in range(12) if t % PERIOD not in ANCHORS]
    drawn[between] = noise[between]
    versions = from_neighbours(drawn, anchor_flows(drawn), range(12))
    inside = np.s_[..., 24:-24, 24:-24]  # what enters the picture is nowhere to be seen
    for side, version, alone in zip(("before", "after"), versions, ((0, 1), (10, 11)), strict=True):
        for t in range(12):
            if t in alone:  # there is no anchor on that side
                torch.testing.assert_close(version[t], drawn[t], rtol=0, atol=1e-4)
            else:
                error = (version[t] - video[t])[inside].abs().mean()
                assert error < 0.008, (t, side)  # of 0.1 from frame to frame at (-3, 2)


def test_a_part_of_the_frames_is_that_part_of_all():
    video = moving(8, (1.0, 1.0), 32)
    flows = anchor_flows(video)
    whole, part = (from_neighbours(video, flows, frames) for frames in (range(8), range(3, 6)))
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
    for flow in anchor_flows(video):
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
