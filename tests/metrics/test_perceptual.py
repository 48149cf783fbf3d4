"""LPIPS and DISTS against torchmetrics' own functions, and against published numbers."""

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from torchmetrics.functional.image import dists as dists_engine
from torchmetrics.functional.image import lpips as lpips_engine
from torchvision import models

from freegvc.errors import UsageError
from freegvc.metrics import dists, lpips
from freegvc.metrics.frames import unit_batches
from freegvc.metrics.perceptual import DISTS_MIN_SIDE, LPIPS_NETS

TORCHVISION = {"alex": "alexnet", "vgg": "vgg16", "squeeze": "squeezenet1_1"}


def unit(frames):
    return torch.from_numpy(frames).permute(0, 3, 1, 2).float() / 255


def backbone(name, state):
    network = getattr(models, name)(weights=None)
    network.features.load_state_dict(state)
    return network


def test_the_published_example(real_weights):
    reference, p0, p1 = (
        np.asarray(Image.open(real_weights / f"ex_{name}.png").convert("RGB"))[None]
        for name in ("ref", "p0", "p1")
    )
    assert lpips(reference, p0, weights=real_weights)[0] == pytest.approx(0.722, abs=5e-4)
    assert lpips(reference, p1, weights=real_weights)[0] == pytest.approx(0.138, abs=5e-4)


@pytest.mark.parametrize("net", ["alex", "vgg", "squeeze"])
def test_the_heads_are_the_published_ones(net, real_weights):
    heads = load_file(real_weights / f"lpips_lin_{net}.safetensors")
    network = lpips_engine._LPIPS(net=net, pnet_rand=True)
    for name, tensor in heads.items():
        assert torch.equal(network.state_dict()[name], tensor)


@pytest.mark.parametrize("net", ["alex", "vgg", "squeeze"])
def test_lpips_is_torchmetrics(net, monkeypatch, random_states, random_weights, texture, noisy):
    state = random_states[TORCHVISION[net]]
    monkeypatch.setattr(
        lpips_engine,
        "_get_tv_model_features",
        lambda name, pretrained: backbone(name, state).features,
    )
    a = texture(3, 40, 56)
    b = noisy(a, 60)
    oracle = lpips_engine.learned_perceptual_image_patch_similarity(
        unit(a), unit(b), net_type=net, reduction="none", normalize=True
    )
    scores = lpips(a, b, net=net, weights=random_weights)
    assert scores.dtype == np.float64
    assert scores == pytest.approx(oracle.numpy(), rel=1e-5)
    assert scores.min() > 1e-3


def test_dists_is_torchmetrics(monkeypatch, random_states, random_weights, texture, noisy):
    state = random_states["vgg16"]
    monkeypatch.setattr(dists_engine, "vgg16", lambda weights: backbone("vgg16", state))
    a = texture(3, 64, 80)
    b = noisy(a, 60)
    oracle = dists_engine.deep_image_structure_and_texture_similarity(unit(a), unit(b))
    monkeypatch.undo()
    scores = dists(a, b, weights=random_weights)
    assert scores == pytest.approx(oracle.detach().numpy(), abs=1e-6)
    assert scores.min() > 1e-2


@pytest.mark.parametrize("metric", [lpips, dists])
def test_properties(metric, random_weights, texture, noisy):
    clean = texture(4, 48, 64)
    noises = [noisy(clean, amplitude) for amplitude in (4, 16, 64)]
    scores = [metric(clean, frames, weights=random_weights) for frames in noises]
    assert (scores[0] < scores[1]).all()
    assert (scores[1] < scores[2]).all()
    assert metric(clean, clean, weights=random_weights) == pytest.approx(0.0, abs=2e-6)
    swapped = metric(noises[2], clean, weights=random_weights)
    assert swapped == pytest.approx(scores[2], abs=1e-6)


@pytest.mark.parametrize("metric", [lpips, dists])
def test_a_batch_is_its_frames(metric, monkeypatch, random_weights, texture, noisy):
    clean = texture(5, 48, 64)
    bad = noisy(clean, 30)
    alone = [metric(clean[k : k + 1], bad[k : k + 1], weights=random_weights) for k in range(5)]
    sizes = []

    def batches(*arguments):
        for pair in unit_batches(*arguments, batch_pixels=2 * 48 * 64):
            sizes.append(len(pair[0]))
            yield pair

    monkeypatch.setattr("freegvc.metrics.perceptual.unit_batches", batches)
    in_twos = metric(clean, bad, weights=random_weights)
    assert sizes == [2, 2, 1]
    assert in_twos == pytest.approx(np.concatenate(alone), abs=1e-6)


def test_neither_the_callers_generator_nor_his_frames_are_touched(random_weights, texture):
    frames = texture(2, 40, 40)
    frames.setflags(write=False)
    torch.manual_seed(1)
    expected = torch.rand(1)
    torch.manual_seed(1)
    lpips(frames, frames, weights=random_weights)
    dists(frames, frames, weights=random_weights)
    assert torch.equal(torch.rand(1), expected)
    assert not torch.is_inference_mode_enabled()


@pytest.mark.parametrize("net", sorted(LPIPS_NETS))
def test_the_smallest_frames_of_lpips(net, random_weights):
    side = LPIPS_NETS[net][1]
    frames = np.zeros((1, side, 64, 3), np.uint8)
    assert np.isfinite(lpips(frames, frames, net=net, weights=random_weights)).all()
    with pytest.raises(UsageError, match=f"at least {side}x{side}, these are 64x{side - 1}"):
        lpips(frames[:, :-1], frames[:, :-1], net=net, weights=random_weights)
    # it is the network's own limit, not ours
    network = lpips_engine._LPIPS(net=net, pretrained=False, pnet_rand=True)
    small = torch.zeros(1, 3, side - 1, 64)
    with pytest.raises(RuntimeError):
        network(small, small)


def test_the_smallest_frames_of_dists(random_weights):
    frames = np.zeros((1, DISTS_MIN_SIDE, DISTS_MIN_SIDE, 3), np.uint8)
    assert dists(frames, frames, weights=random_weights) == pytest.approx(0.0, abs=1e-6)
    with pytest.raises(UsageError, match="DISTS needs"):
        dists(frames[:, :-1], frames[:, :-1], weights=random_weights)
    with pytest.raises(UsageError, match="differ in shape"):
        dists(frames, frames[:, :-1], weights=random_weights)
