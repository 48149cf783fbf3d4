"""Patch FID: which patches, and the distance against its formula."""

import numpy as np
import pytest
import scipy.linalg
import torch
from torch import nn

from freegvc.errors import UsageError
from freegvc.metrics import PatchFid
from freegvc.metrics.fid import cut_patches


class Features(nn.Module):
    """A random network with 6 features."""

    num_features = 6

    def __init__(self):
        super().__init__()
        generator = torch.Generator().manual_seed(3)
        self.kernel = nn.Parameter(torch.randn(6, 3, 8, 8, generator=generator) / 100)
        self.requires_grad_(False)

    def forward(self, images):
        assert images.dtype == torch.uint8
        maps = torch.conv2d(images.float() / 255, self.kernel, stride=8)
        return maps.relu().mean(dim=(2, 3))


def formula(a, b):
    """Heusel et al. 2017."""
    root = scipy.linalg.sqrtm(np.cov(a.T) @ np.cov(b.T)).real
    return ((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(np.cov(a.T) + np.cov(b.T) - 2 * root)


@pytest.mark.parametrize(
    ("height", "width", "side", "count"),
    [
        (64, 64, 64, 1),
        (95, 200, 64, 3),  # too low for the shifted grid
        (96, 200, 64, 3 + 2),
        (240, 416, 64, 3 * 6 + 3 * 6),  # HEVC class D, as the paper cuts it
        (255, 600, 64, 3 * 9 + 3 * 8),
        (256, 256, 256, 1),
        (1080, 1920, 256, 4 * 7 + 3 * 7),
    ],
)
def test_patches(height, width, side, count):
    ids = np.arange(height * width, dtype=np.uint32).reshape(1, height, width, 1)
    fid = PatchFid(height, width, network=Features())
    assert fid.patch_side == side
    patches = cut_patches(ids, side)
    assert patches.shape == (count, side, side, 1)
    corners = {divmod(int(p[0, 0, 0]), width) for p in patches}
    expected = {
        (y, x) for y in range(0, height - side + 1, side) for x in range(0, width - side + 1, side)
    }
    half = side // 2
    if min(height, width) >= 3 * half:
        expected |= {
            (y, x)
            for y in range(half, height - side + 1, side)
            for x in range(half, width - side + 1, side)
        }
    assert corners == expected
    assert (patches[0, :, :, 0] == ids[0, :side, :side, 0]).all()


def test_the_distance_is_its_formula(texture, noisy):
    a = texture(5, 128, 192, step=(9, 5))
    b = noisy(a, 80)
    network = Features()
    fid = PatchFid(128, 192, network=network)
    for k in range(0, 5, 2):  # in pieces
        fid.update(a[k : k + 2], b[k : k + 2])
    features = [
        network(torch.from_numpy(cut_patches(f, 64)).permute(0, 3, 1, 2)).double().numpy()
        for f in (a, b)
    ]
    assert fid.num_patches == len(features[0]) == 5 * (6 + 2)
    expected = formula(*features)
    assert fid.compute() == pytest.approx(expected, rel=1e-3)
    assert expected > 1e-5


def test_equal_videos_and_growing_noise(texture, noisy):
    clean = texture(4, 96, 128, step=(7, 3))
    values = []
    for amplitude in (0, 20, 90):
        fid = PatchFid(96, 128, network=Features())
        fid.update(clean, noisy(clean, amplitude))
        values.append(fid.compute())
    assert values[0] == pytest.approx(0.0, abs=1e-6)
    assert values[0] < values[1] < values[2]


def test_errors():
    with pytest.raises(UsageError, match="FID needs frames of at least 64x64, these are 100x63"):
        PatchFid(63, 100, network=Features())
    frames = np.zeros((1, 64, 64, 3), np.uint8)
    fid = PatchFid(64, 64, network=Features())
    fid.update(frames, frames)
    with pytest.raises(UsageError, match="two patches or more, there is 1"):
        fid.compute()
    with pytest.raises(UsageError, match="differ in shape"):
        fid.update(frames, frames[:, 1:])
