"""Encoder and decoder trained for what a stream costs; the denoiser stays as it is."""

from typing import Any

import numpy as np
import pytest
import torch

from freegvc.priors.small import tuning
from freegvc.priors.small.autoencoder import Autoencoder
from training.data import Clips
from training.perceptual import WEIGHTS_FOLDER, Lpips
from training.rate_distortion import EXPONENTS, PACKAGE, batch_at, losses
from training.silent_part import silent_part
from training.weights import load_autoencoder, load_denoiser

pytestmark = pytest.mark.skipif(not WEIGHTS_FOLDER.exists(), reason="needs ../shared")


@pytest.fixture(scope="module")
def metrics() -> dict[str, Lpips]:
    return {name: Lpips(name) for name in ("alex", "squeeze")}


def a_batch() -> torch.Tensor:
    """Two clips: smooth shapes that move, and the same held still."""
    y, x = np.mgrid[:72, :80] / 6.0
    frames = np.stack([np.sin(x + t / 3) * np.cos(y - t / 4) for t in range(24)])
    colours = np.array([1.0, 0.6, -0.8])
    clip = (127.5 + 100 * frames[..., None] * colours).astype(np.uint8)
    clips = Clips([clip.shape[:3]] * 2, [clip, np.repeat(clip[:1], 24, axis=0)])
    return batch_at(clips, 0, 2, 64)


def trained(model: Autoencoder) -> list[bool]:
    """Whether each parameter has a slope."""
    return [p.grad is not None and bool(p.grad.any()) for p in model.parameters()]


def test_the_loss_is_of_pictures_and_bits_and_falls(metrics: dict[str, Lpips]) -> None:
    model = load_autoencoder(PACKAGE / "autoencoder.safetensors", "cpu").requires_grad_(True)
    denoiser = load_denoiser(PACKAGE / "denoiser.safetensors", "cpu")
    optimizer = torch.optim.Adam(model.parameters(), 2e-4)
    batch, seen = a_batch(), []
    for _ in range(4):  # of one step, so that losses can be compared
        loss, parts = losses(model, denoiser, metrics, batch, 3)
        names = ("log_pictures", "log_structure", "log_mse", "log_r")
        exponents = (*EXPONENTS, tuning.EXPONENT)
        cost = sum(e * parts[name].item() for e, name in zip(exponents, names, strict=True))
        assert loss.item() == pytest.approx(cost, rel=1e-4)
        seen.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        assert all(trained(model))
        optimizer.step()
    assert seen[3] < seen[0] - 0.02


def test_bits_alone_train_the_encoder_alone(
    metrics: dict[str, Lpips], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("training.rate_distortion.EXPONENTS", (0.0, 0.0, 0.0))
    model = load_autoencoder(PACKAGE / "autoencoder.safetensors", "cpu").requires_grad_(True)
    denoiser = load_denoiser(PACKAGE / "denoiser.safetensors", "cpu")
    losses(model, denoiser, metrics, a_batch(), 0)[0].backward()
    encoder = {p for part in model.encoder_parts() for p in part.parameters()}
    assert trained(model) == [p in encoder for p in model.parameters()]


def test_what_is_decoded_is_what_a_stream_gives(
    metrics: dict[str, Lpips], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The result of the silent part, whatever its first call predicts."""
    model = load_autoencoder(PACKAGE / "autoencoder.safetensors", "cpu")
    denoiser = load_denoiser(PACKAGE / "denoiser.safetensors", "cpu")
    ends, decoded = [], []

    def silent(*given: Any) -> torch.Tensor:
        ends.append(silent_part(*given))
        return ends[-1]

    def decode(latent: torch.Tensor) -> torch.Tensor:
        decoded.append(latent)
        return Autoencoder.decode(model, latent)

    monkeypatch.setattr("training.rate_distortion.silent_part", silent)
    monkeypatch.setattr(model, "decode", decode)
    with torch.no_grad():
        losses(model, denoiser, metrics, a_batch(), 0)
    torch.testing.assert_close(torch.cat(decoded), torch.cat(ends))
