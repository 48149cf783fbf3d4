"""Where weights live must not change predictions, beyond the rounding of their storage."""

import pytest
import torch

from freegvc.errors import PriorUnavailableError, UsageError
from freegvc.priors.diffusers import placement
from freegvc.priors.diffusers.placement import place


@pytest.fixture
def models():
    from diffusers import AutoencoderKLCogVideoX, CogVideoXTransformer3DModel

    from tests.priors.tiny_checkpoints import randomise

    generator = torch.Generator().manual_seed(3)
    with torch.random.fork_rng(devices=[]):
        transformer = CogVideoXTransformer3DModel(
            num_attention_heads=2,
            attention_head_dim=16,
            num_layers=1,
            text_embed_dim=32,
            time_embed_dim=16,
        )
        vae = AutoencoderKLCogVideoX(
            block_out_channels=(8, 8, 8, 8), layers_per_block=1, norm_num_groups=2
        )
    randomise(transformer, generator)
    randomise(vae, generator)
    return transformer.eval(), vae.eval()


@torch.no_grad()
def outputs(transformer, vae):
    generator = torch.Generator().manual_seed(5)
    z = torch.randn(1, 2, 16, 4, 6, generator=generator, dtype=torch.float32)
    text = torch.randn(1, 226, 32, generator=generator)
    velocity = transformer(z, text, torch.tensor([700]), return_dict=False)[0]
    pixels = vae.decode(z.transpose(1, 2)).sample
    latent = vae.encode(pixels).latent_dist.mode()
    return velocity, pixels, latent


@pytest.mark.parametrize("offload", ["none", "model", "group"])
def test_offloading_changes_nothing(models, offload):
    expected = outputs(*models)
    place(*models, device=torch.device("cpu"), offload=offload)
    for _ in range(2):  # the second round starts from wherever the first left the weights
        for value, wanted in zip(outputs(*models), expected, strict=True):
            assert torch.equal(value, wanted)


def test_model_offloading_lets_one_model_in_at_a_time(models, monkeypatch):
    """The meta device stands for a GPU: a call of one model sends the other one out."""
    transformer, vae = models
    meta = torch.device("meta")
    place(transformer, vae, device=meta, offload="model")
    sent_out = []
    for name, model in (("transformer", transformer), ("vae", vae)):
        monkeypatch.setattr(model._hf_hook, "init_hook", lambda _, n=name: sent_out.append(n))
    pixels = torch.zeros(1, 3, 8, 16, 16, device=meta)
    z, text = torch.zeros(1, 2, 16, 4, 6, device=meta), torch.zeros(1, 226, 32, device=meta)
    for _ in range(2):
        vae.encode(pixels)
        transformer(z, text, torch.tensor([700], device=meta))
    assert sent_out == ["vae", "transformer", "vae"]


@pytest.mark.parametrize(("storage", "limit"), [("fp8", 0.2), ("int8", 0.05)])
def test_small_storage_costs_little(models, storage, limit):
    expected = outputs(*models)[0]
    place(*models, device=torch.device("cpu"), storage=storage)
    error = outputs(*models)[0] - expected
    share = float(error.norm() / expected.norm())
    assert 1e-4 < share < limit


def test_int8_without_torchao_names_what_to_install(models, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "torchao.quantization", None)
    with pytest.raises(PriorUnavailableError, match=r"pip install .*int8"):
        place(*models, device=torch.device("cpu"), storage="int8")


def test_unknown_offload(models):
    with pytest.raises(UsageError, match=r"'disk'.*none, model, group"):
        place(*models, device=torch.device("cpu"), offload="disk")
    assert placement.OFFLOADS == ("none", "model", "group")
