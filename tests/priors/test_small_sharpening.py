"""The last step of freegvc-small's decoder."""

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from freegvc.priors.small import autoencoder as networks
from freegvc.priors.small.sharpening import AMOUNT, REACH_PIXELS, SIGMA_PIXELS, sharpened


@pytest.mark.parametrize("shape", [(1, 3, 8, 8), (3, 3, 16, 40), (2, 1, 1, 5)])
def test_it_is_unsharp_masking(shape):
    frames = torch.randn(shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    blurred = gaussian_filter(
        frames.numpy(), SIGMA_PIXELS, axes=(2, 3), mode="nearest", radius=REACH_PIXELS
    )
    wanted = frames.numpy() + AMOUNT * (frames.numpy() - blurred)
    assert np.allclose(sharpened(frames).numpy(), wanted, atol=1e-6)


def test_flat_frames_stay_flat():
    frames = torch.full((2, 3, 8, 16), 0.3)
    assert torch.allclose(sharpened(frames), frames, atol=1e-6)


def test_all_that_is_decoded_is_sharpened(monkeypatch):
    torch.manual_seed(2)
    autoencoder = networks.Autoencoder(8, 8, 8).eval()
    latent = torch.randn(1, 16, 3, 4, 5)
    with torch.inference_mode():
        frames, anchors = autoencoder.decode(latent), autoencoder.draw_anchors(latent)
        monkeypatch.setattr(networks, "sharpened", lambda frames: frames)
        soft_frames, soft_anchors = autoencoder.decode(latent), autoencoder.draw_anchors(latent)
    assert torch.allclose(frames[0], sharpened(soft_frames[0]), atol=1e-5)
    assert torch.allclose(anchors[0], sharpened(soft_anchors[0]), atol=1e-5)
    assert (frames - soft_frames).abs().max() > 0.01
