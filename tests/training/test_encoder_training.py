"""The encoder's training: what a stream costs falls, and decoder and denoiser stay as they are."""

import numpy as np
import pytest
import torch

from freegvc.priors import load_prior
from freegvc.priors.small.tuning import EXPONENT
from training.data import Clips
from training.encoder import FULL_PERIOD, PACKAGE, batch_at, losses
from training.perceptual import WEIGHTS_FOLDER, Lpips
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


def test_the_loss_falls_and_the_encoder_alone_is_trained(metrics: dict[str, Lpips]) -> None:
    model = load_autoencoder(PACKAGE / "autoencoder.safetensors", "cpu")
    denoiser = load_denoiser(PACKAGE / "denoiser.safetensors", "cpu")
    before = {name: value.clone() for name, value in model.state_dict().items()}
    encoder = [p.requires_grad_(True) for part in model.encoder_parts() for p in part.parameters()]
    optimizer = torch.optim.Adam(encoder, 3e-4)
    batch, seen = a_batch(), []
    for _ in range(4):  # of one step, so that losses can be compared
        loss, parts = losses(model, denoiser, metrics, batch, FULL_PERIOD)
        seen.append(loss.item())
        cost = parts["log_d_alex_all"] + EXPONENT * parts["log_r"]
        assert loss.item() == pytest.approx(cost.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert seen[3] < seen[0] - 0.02
    assert all(p.grad is not None for p in encoder)
    trained = {id(p) for p in encoder}
    for name, parameter in model.named_parameters():
        assert torch.equal(parameter, before[name]) == (id(parameter) not in trained), name


def test_the_loss_is_the_one_that_tuning_descends(metrics: dict[str, Lpips]) -> None:
    """Latents tuned for this very batch have a smaller one, whatever the step."""
    from freegvc._control.tuning import TUNINGS, distance_of

    batch = a_batch()
    prior = load_prior("freegvc-small")
    distance = distance_of(TUNINGS["balanced"], metrics["alex"])
    plain, tuned = [], []
    for clip in batch:
        frames = clip.permute(0, 2, 3, 1).contiguous().numpy()
        plain.append(prior.encode_frames(frames))
        tuned.append(prior.tuned(plain[-1], frames, distance))

    class Fixed:
        def __init__(self, latents: list[torch.Tensor]) -> None:
            self.latents = torch.stack(latents)
            self.decode = prior._autoencoder.decode
            self.draw_anchors = prior._autoencoder.draw_anchors

        def encode(self, video: torch.Tensor) -> torch.Tensor:
            return self.latents

    for step in range(4):
        with torch.no_grad():
            first, then = (
                losses(Fixed(each), prior._denoiser, metrics, batch, step)[0].item()  # type: ignore[arg-type]
                for each in (plain, tuned)
            )
        assert then < first - 0.02, step
