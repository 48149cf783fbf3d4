"""The two networks: what they depend on, of any size."""

import math

import pytest
import torch

from freegvc._diffusion import NoiseSchedule
from freegvc.priors.small.autoencoder import Autoencoder
from freegvc.priors.small.denoiser import Block, Denoiser, TimeAttention, schedule


def shaken(model: torch.nn.Module) -> torch.nn.Module:
    """The model with random weights everywhere, also where a new one has zeros."""
    torch.manual_seed(1)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    return model


@pytest.fixture(scope="module")
def autoencoder() -> Autoencoder:
    return shaken(Autoencoder(8, 8, 16))


@torch.no_grad()
def test_latents_do_not_depend_on_later_frames(autoencoder: Autoencoder) -> None:
    video = torch.rand(1, 12, 3, 24, 32)
    changed = video.clone()
    changed[:, 8:] = 0.0
    before, after = autoencoder.encode(video), autoencoder.encode(changed)
    assert before.shape == (1, 16, 3, 3, 4)
    assert torch.equal(before[:, :, :2], after[:, :, :2])
    assert not torch.equal(before[:, :, 2], after[:, :, 2])


@torch.no_grad()
def test_frames_depend_on_the_next_latent_and_no_later_one(autoencoder: Autoencoder) -> None:
    latent = torch.randn(1, 16, 3, 3, 4)
    changed = latent.clone()
    changed[:, :, 2:] = 0.0
    before, after = autoencoder.decode(latent), autoencoder.decode(changed)
    assert before.shape == (1, 12, 3, 24, 32)
    assert torch.equal(before[:, :4], after[:, :4])
    assert not torch.equal(before[:, 7], after[:, 7])


@torch.no_grad()
def test_normalisation_is_undone_by_the_decoder(autoencoder: Autoencoder) -> None:
    video = torch.rand(1, 8, 3, 16, 16)
    plain = autoencoder.decode(autoencoder.encode(video))
    autoencoder.mean.copy_(torch.linspace(-1, 1, 16))
    autoencoder.scale.fill_(1.7)
    normalised = autoencoder.decode(autoencoder.encode(video))
    torch.testing.assert_close(plain, normalised, rtol=0, atol=1e-4)


def test_encoder_parts_are_what_latents_depend_on(autoencoder: Autoencoder) -> None:
    autoencoder.encode(torch.rand(1, 8, 3, 16, 16)).square().sum().backward()
    listed = {id(p) for part in autoencoder.encoder_parts() for p in part.parameters()}
    moved = {id(p) for p in autoencoder.parameters() if p.grad is not None}
    assert listed == moved


@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 5, 7), (12, 4, 10)])
@torch.no_grad()
def test_denoiser_takes_any_size_and_length(shape: tuple[int, int, int]) -> None:
    model = shaken(Denoiser((32, 32, 32), 1))
    z = torch.randn(2, 16, *shape)
    both = model(z, torch.tensor([900, 100]))
    assert both.shape == z.shape
    torch.testing.assert_close(both[1:], model(z[1:], torch.tensor([100])), rtol=0, atol=1e-4)
    assert not torch.allclose(both[1:], model(z[1:], torch.tensor([900])), atol=1e-3)


@pytest.mark.parametrize("length", [1, 2, 5])
@torch.no_grad()
def test_a_block_convolves_three_instants(length: int) -> None:
    block = shaken(Block(4, 8))
    x, embedding = torch.randn(3 * length, 4, 5, 6), torch.randn(3 * length, 8)
    y = torch.nn.functional.silu(block.norm(x, embedding))
    y = torch.nn.functional.silu(block.space(y)).reshape(3, length, 4, 5, 6)
    kernel = block.time.weight.reshape(4, 3, 4).transpose(1, 2)[..., None, None]
    change = torch.nn.functional.conv3d(
        y.transpose(1, 2), kernel, block.time.bias, padding=(1, 0, 0)
    )
    expected = x + change.transpose(1, 2).flatten(0, 1)
    torch.testing.assert_close(block(x, embedding, length), expected)


@torch.no_grad()
def test_attention_mixes_the_instants_of_one_point() -> None:
    attention = shaken(TimeAttention(32, 8))
    x, embedding = torch.randn(2 * 3, 32, 4, 5), torch.randn(2 * 3, 8)
    changed = x.clone()
    changed[4, :, 1, 2] = 0.0  # of the second clip
    differs = (attention(x, embedding, 3) != attention(changed, embedding, 3)).any(1)
    expected = torch.zeros(6, 4, 5, dtype=torch.bool)
    expected[3:, 1, 2] = True
    assert torch.equal(differs, expected)


def test_schedule_is_one_the_codec_takes() -> None:
    alpha, sigma = schedule()
    levels = NoiseSchedule(alpha.numpy(), sigma.numpy())
    assert levels.start == 1000
    assert levels.snr(500) == pytest.approx(1.0)
    assert math.sqrt(levels.snr(0)) > 1000
