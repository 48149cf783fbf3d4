"""The catalogue agrees with the models that diffusers builds and with the adapters."""

import re
import subprocess
import sys
from importlib import import_module
from types import SimpleNamespace

import pytest

from freegvc.priors.diffusers.catalogue import KNOWN_MODELS, find
from freegvc.priors.diffusers.families import ADAPTERS
from freegvc.priors.loading import known_priors

WAN = {"qk_norm": "rms_norm_across_heads", "freq_dim": 256, "attention_head_dim": 128}
WAN_13 = WAN | {"num_attention_heads": 12, "num_layers": 30, "ffn_dim": 8960}
COG_5B = {
    "num_attention_heads": 48,
    "num_layers": 42,
    "use_rotary_positional_embeddings": True,
}
WAN_22_VAE = {
    "base_dim": 160,
    "decoder_base_dim": 256,
    "z_dim": 48,
    "is_residual": True,
    "in_channels": 12,
    "out_channels": 12,
    "patch_size": 2,
    "latents_mean": [0.0] * 48,
    "latents_std": [1.0] * 48,
}
# values of the published configs that differ from the defaults of diffusers' classes
TRANSFORMERS = {
    "cogvideox-2b": ("CogVideoXTransformer3DModel", {}),
    "cogvideox-5b": ("CogVideoXTransformer3DModel", COG_5B),
    "cogvideox1.5-5b": (
        "CogVideoXTransformer3DModel",
        COG_5B
        | {"patch_size_t": 2, "patch_bias": False, "sample_height": 300, "sample_width": 300}
        | {"sample_frames": 81},
    ),
    "wan2.1-t2v-1.3b": ("WanTransformer3DModel", WAN_13),
    "wan2.1-t2v-14b": (
        "WanTransformer3DModel",
        WAN | {"num_attention_heads": 40, "num_layers": 40, "ffn_dim": 13824},
    ),
    "wan2.2-ti2v-5b": (
        "WanTransformer3DModel",
        WAN
        | {"num_attention_heads": 24, "num_layers": 30, "ffn_dim": 14336}
        | {"in_channels": 48, "out_channels": 48},
    ),
    "skyreels-v2-df-1.3b": (
        "SkyReelsV2Transformer3DModel",
        WAN_13 | {"inject_sample_info": True},
    ),
    "ltx-video": ("LTXVideoTransformer3DModel", {}),
}
VAES = {
    "cogvideox": ("AutoencoderKLCogVideoX", {}),
    "wan": ("AutoencoderKLWan", {}),
    "wan2.2-ti2v-5b": ("AutoencoderKLWan", WAN_22_VAE),
    "ltx": ("AutoencoderKLLTXVideo", {}),
}


def num_parameters(class_name, config):
    """Counted on a model without memory."""
    import diffusers
    import torch

    with torch.device("meta"):
        model = getattr(diffusers, class_name)(**config)
    return sum(p.numel() for p in model.parameters())


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")
@pytest.mark.parametrize("model", KNOWN_MODELS, ids=lambda m: m.name)
def test_parameters_are_those_of_the_models_that_diffusers_builds(model):
    class_name, config = TRANSFORMERS[model.name]
    assert num_parameters(class_name, config) == model.transformer_parameters
    vae = VAES.get(model.name, VAES[model.family])
    assert num_parameters(*vae) == model.vae_parameters
    assert ADAPTERS[class_name][0] == model.family


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")
@pytest.mark.parametrize("model", KNOWN_MODELS, ids=lambda m: m.name)
def test_sizes_and_dtypes_are_those_of_the_adapters(model):
    class_name, config = TRANSFORMERS[model.name]
    module = import_module(f"freegvc.priors.diffusers.{model.family}")
    adapter = getattr(module, ADAPTERS[class_name][1])
    assert class_name in adapter.transformer_classes
    assert adapter.vae_in_float32 == (model.vae_dtype == "float32")
    transformer = SimpleNamespace(config=lambda _: config)
    numerics = adapter.default_numerics(transformer, SimpleNamespace(type="cuda"))
    assert numerics.name == model.dtype
    if model.family == "wan":
        stride = 16 if model.name == "wan2.2-ti2v-5b" else 8
        assert module.NATIVE[class_name, stride][0] == model.native_size
    elif model.family == "ltx":
        assert model.native_size == module.NATIVE_SIZE
    elif "patch_size_t" in config:
        assert model.native_size == module.NATIVE_SIZE_15
    else:  # 60 x 90 latents of 8 x 8 pixels, by default
        assert model.native_size == (480, 720)


def test_names_are_unique_and_can_be_told_from_hub_ids():
    names = [m.name for m in KNOWN_MODELS]
    ids = [i.casefold() for m in KNOWN_MODELS for i in (m.hub_id, *m.old_ids)]
    assert len(set(names)) == len(names)
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[a-z0-9.-]+", name) for name in names)
    assert all(i.count("/") == 1 for i in ids)
    assert set(names) < set(known_priors())


@pytest.mark.parametrize("model", KNOWN_MODELS, ids=lambda m: m.name)
def test_find_by_name_and_by_every_id_in_any_case(model):
    assert find(model.name) is model
    for hub_id in (model.hub_id, *model.old_ids):
        assert find(hub_id) is find(hub_id.upper()) is find(hub_id.lower()) is model


@pytest.mark.parametrize("name", ["", "analytic", "CogVideoX-2B", "cogvideox", "org/other", "/"])
def test_find_nothing_else(name):
    assert find(name) is None


def test_memory_of_weights_adds_up():
    cogvideox, wan = find("cogvideox-2b"), find("wan2.1-t2v-1.3b")
    assert cogvideox.weights_bytes == 2 * cogvideox.num_parameters
    assert wan.weights_bytes == 2 * wan.transformer_parameters + 4 * wan.vae_parameters
    assert 3.8e9 < cogvideox.weights_bytes < 3.9e9


def test_catalogue_and_look_up_load_no_model_library():
    code = (
        "import sys\n"
        "from freegvc.priors.diffusers.hub_cache import find_folder\n"
        "find_folder('zai-org/CogVideoX-2b')\n"
        "heavy = {'torch', 'diffusers', 'transformers', 'huggingface_hub'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
