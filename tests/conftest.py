"""What all tests share."""

import os
import tempfile
from ctypes.util import find_library
from pathlib import Path

import numpy as np
import pytest

# One thread for each worker: with more, small operations on a busy machine take many times longer.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("NUMBA_NUM_THREADS", "2")

# Digests of weights are kept here, not in the home of the user who runs the tests.
os.environ.setdefault("FREEGVC_CACHE", str(Path(tempfile.gettempdir()) / "freegvc-test-cache"))

# Without a GPU the tests of Triton kernels run in its interpreter. Triton reads this when it is
# imported, and diffusers imports it.
if find_library("cuda") is None:
    os.environ.setdefault("TRITON_INTERPRET", "1")

SHARED = Path(__file__).parents[2] / "shared"


def pytest_runtest_setup(item):
    """Skip tests marked `cuda` where no CUDA device is available."""
    if item.get_closest_marker("cuda"):
        import torch

        if not torch.cuda.is_available():
            pytest.skip("torch finds no CUDA device")


@pytest.fixture(scope="session")
def clips():
    """The folder of real clips; skips where it is absent."""
    folder = SHARED / "data" / "clips"
    if not folder.is_dir():
        pytest.skip(f"no real clips at {folder}: they are not part of the repository")
    return folder


def moving_scene(num_frames, height, width):
    """A textured background that pans behind a moving ball, uint8 [T, H, W, 3]."""
    t, y, x = np.meshgrid(np.arange(num_frames), np.arange(height), np.arange(width), indexing="ij")
    ground = 110 + 40 * np.sin((x + 1.5 * t) / 5.0) + 30 * np.cos((y - 0.5 * t) / 8.0)
    ball = (x - width / 3 - t) ** 2 + (y - height / 2) ** 2 < (height / 5) ** 2
    scene = np.stack([ground, ground * 0.8 + 20, 200 - ground * 0.6], axis=-1)
    scene[ball] = (230, 60, 40)
    return scene.clip(0, 255).astype(np.uint8)


@pytest.fixture(scope="session")
def scene():
    """Maker of small moving scenes."""
    return moving_scene
