"""The tiny clip of these tests, and the options that code it quickly."""

from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
WIDTH, HEIGHT, NUM_FRAMES = 64, 32, 9  # x265 takes no less than 64 columns
SMALL = ["--prior", "analytic", "--gop-length", "4", "--overlap", "1", "--stop-step", "800"]


def waves(num_frames=NUM_FRAMES, height=HEIGHT, width=WIDTH):
    """Smooth moving colour, uint8 [T, H, W, 3]."""
    t, y, x = np.mgrid[0:num_frames, 0:height, 0:width]
    channels = [np.sin((x * (c + 1) + 2 * y + 4 * t) / 12 + c) for c in range(3)]
    return (128 + 90 * np.stack(channels, axis=-1)).round().astype(np.uint8)
