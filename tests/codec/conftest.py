"""Clips for the tests of the codec."""

import numpy as np
import pytest


@pytest.fixture(scope="module")
def uneven(scene):
    """Five GOPs of 8 frames, 4 of them shared, that differ in how hard they are."""
    frames = scene(24, 96, 128).astype(np.int64)
    blocks = np.random.default_rng(7).integers(-35, 36, (8, 6, 8, 3))
    frames[8:16] += np.kron(blocks, np.ones((1, 16, 16, 1), np.int64))
    return frames.clip(0, 255).astype(np.uint8)
