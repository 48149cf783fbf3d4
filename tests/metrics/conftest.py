"""Frames, and folders of weights: the real ones where they are, random ones of the same shapes."""

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from freegvc.metrics.fid import inception
from freegvc.metrics.perceptual import dists_network, lpips_network
from freegvc.metrics.weights import WEIGHTS_VARIABLE
from tests.conftest import SHARED

REAL_WEIGHTS = SHARED / "data" / "weights"


@pytest.fixture(autouse=True)
def bare_machine(monkeypatch, tmp_path):
    """No weights of the machine that runs the tests, no network, no network kept from before."""
    import urllib.error
    import urllib.request

    def unreachable(*args, timeout, **kwargs):
        assert timeout <= 5.0
        raise urllib.error.URLError("no network in tests")

    monkeypatch.setattr(urllib.request, "urlopen", unreachable)
    monkeypatch.setattr(torch.hub, "_hub_dir", str(tmp_path / "hub"))
    monkeypatch.delenv(WEIGHTS_VARIABLE, raising=False)
    lpips_network.cache_clear()
    dists_network.cache_clear()
    inception.cache_clear()


@pytest.fixture(scope="session")
def real_weights():
    if not REAL_WEIGHTS.is_dir():
        pytest.skip(f"no metric weights at {REAL_WEIGHTS}: they are not part of the repository")
    return REAL_WEIGHTS


@pytest.fixture(scope="session")
def random_states():
    """By torchvision's name: random convolutions whose outputs neither vanish nor explode."""
    from torchvision import models

    generator = torch.Generator().manual_seed(5)
    states = {}
    for name in ("alexnet", "vgg16", "squeezenet1_1"):
        options = {"init_weights": False} if name == "vgg16" else {}
        state = getattr(models, name)(weights=None, **options).features.state_dict()
        for key, tensor in state.items():
            scale = (2.0 / tensor[0].numel()) ** 0.5 if tensor.ndim == 4 else 0.1
            state[key] = torch.randn(tensor.shape, generator=generator) * scale
        states[name] = state
    return states


@pytest.fixture(scope="session")
def random_weights(random_states, tmp_path_factory):
    folder = tmp_path_factory.mktemp("weights")
    for name, state in random_states.items():
        named = {f"features.{key}": tensor for key, tensor in state.items()}
        save_file(named, folder / f"{name}_features.safetensors")
    return folder


@pytest.fixture(scope="session")
def texture():
    """Maker of smooth textures that pan by whole pixels a frame, uint8 [T, H, W, 3]."""
    import cv2

    def texture(num_frames, height, width, step=(0, 0), seed=0):
        margin = num_frames * max(map(abs, step), default=0)
        shape = (height + 2 * margin, width + 2 * margin, 3)
        noise = np.random.default_rng(seed).normal(size=shape).astype(np.float32)
        smooth = cv2.GaussianBlur(noise, (0, 0), 2.5)
        image = np.clip(128 + 50 * smooth / smooth.std(), 0, 255).astype(np.uint8)
        starts = [(margin - t * step[1], margin - t * step[0]) for t in range(num_frames)]
        return np.stack([image[y : y + height, x : x + width] for y, x in starts])

    return texture


@pytest.fixture(scope="session")
def noisy():
    """Maker of frames with uniform noise of a given amplitude."""

    def noisy(frames, amplitude, seed=1):
        noise = np.random.default_rng(seed).uniform(-1.0, 1.0, frames.shape)
        return np.clip(frames + amplitude * noise, 0, 255).round().astype(np.uint8)

    return noisy
