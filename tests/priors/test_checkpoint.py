"""Loading from disk: the tiny checkpoints load strictly, and every kind of damage is named."""

import json
import shutil

import diffusers
import pytest
import torch
import transformers
from diffusers import CogVideoXTransformer3DModel, WanTransformer3DModel
from diffusers.utils import logging as diffusers_logging
from safetensors.torch import load_file, save_file
from transformers import T5EncoderModel
from transformers.utils import logging as transformers_logging

from freegvc.errors import PriorUnavailableError
from freegvc.priors.diffusers.checkpoint import Checkpoint
from tests.priors.tiny_checkpoints import WRITERS, write_cogvideox

WEIGHTS = "diffusion_pytorch_model.safetensors"


@pytest.fixture
def folder(tmp_path):
    return write_cogvideox(tmp_path / "model")


def load_transformer(folder, cls=CogVideoXTransformer3DModel, dtype=torch.float32):
    return Checkpoint(folder).load("transformer", cls, dtype)


@pytest.mark.parametrize("family", WRITERS)
def test_every_family_loads_as_it_was_written(family, tmp_path):
    state = torch.random.get_rng_state()
    folders = [WRITERS[family](tmp_path / name, sharded=name == "b") for name in "ab"]
    assert torch.equal(torch.random.get_rng_state(), state)
    models = []
    for folder in folders:
        checkpoint = Checkpoint(folder)
        assert checkpoint.config("scheduler")["_class_name"] == checkpoint.class_name("scheduler")
        for part in ("transformer", "vae"):
            cls = getattr(diffusers, checkpoint.class_name(part))
            models.append(checkpoint.load(part, cls, torch.float32))
    assert len(Checkpoint(folders[0]).weight_files("transformer")) == 1
    assert len(Checkpoint(folders[1]).weight_files("transformer")) > 1
    for model, same in zip(models[:2], models[2:], strict=True):
        assert not model.training
        assert not any(p.requires_grad for p in model.parameters())
        twin = same.state_dict()
        assert all(torch.equal(tensor, twin[name]) for name, tensor in model.state_dict().items())


@pytest.mark.parametrize("family", WRITERS)
@torch.no_grad()
def test_tiny_vaes_keep_their_scale_and_use_the_picture(family, tmp_path):
    checkpoint = Checkpoint(WRITERS[family](tmp_path))
    cls = getattr(diffusers, checkpoint.class_name("vae"))
    noise = torch.randn(1, 3, 3, 4, 4, generator=torch.Generator().manual_seed(1))
    pixels = torch.nn.functional.interpolate(noise, size=(9, 64, 64), mode="trilinear").clamp(-1, 1)
    decoded = []
    for dtype in (torch.float32, torch.bfloat16):
        vae = checkpoint.load("vae", cls, dtype)
        latent = vae.encode(pixels.to(dtype)).latent_dist.mode()
        other = vae.encode(-pixels.to(dtype)).latent_dist.mode()
        assert 0.1 < latent.std() < 2
        assert (latent - other).std() > 0.2 * latent.std()
        decoded.append(vae.decode(latent).sample.float())
        assert decoded[-1].shape == pixels.shape
        assert 0.05 < decoded[-1].std() < 0.7
    assert (decoded[0] - decoded[1]).std() < 0.03


def test_parameters_that_a_class_keeps_in_float32_stay_so(tmp_path):
    folder = WRITERS["wan2.1"](tmp_path)
    model = load_transformer(folder, WanTransformer3DModel, torch.bfloat16)
    assert model.proj_out.weight.dtype == torch.bfloat16
    assert model.scale_shift_table.dtype == torch.float32


def test_a_missing_tensor_is_named(folder):
    file = folder / "transformer" / WEIGHTS
    tensors = load_file(file)
    del tensors["proj_out.bias"]
    save_file(tensors, file)
    with pytest.raises(PriorUnavailableError, match=r"missing keys proj_out\.bias; fetch"):
        load_transformer(folder)


def test_many_missing_tensors_are_counted(folder):
    file = folder / "transformer" / WEIGHTS
    tensors = {k: v for k, v in load_file(file).items() if "transformer_blocks.0" not in k}
    save_file(tensors, file)
    with pytest.raises(PriorUnavailableError, match=r"missing keys \S+, \S+, \S+ and \d+ more"):
        load_transformer(folder)


def test_a_tensor_too_many_is_named(folder):
    file = folder / "transformer" / WEIGHTS
    save_file(load_file(file) | {"lora.weight": torch.zeros(2)}, file)
    with pytest.raises(PriorUnavailableError, match=r"unexpected keys lora\.weight"):
        load_transformer(folder)


def test_a_wrong_shape_is_named(folder):
    file = folder / "transformer" / WEIGHTS
    save_file(load_file(file) | {"proj_out.bias": torch.zeros(3)}, file)
    with pytest.raises(PriorUnavailableError, match=r"proj_out\.bias"):
        load_transformer(folder)


def test_another_class_is_refused(folder):
    with pytest.raises(
        PriorUnavailableError, match="holds a CogVideoXTransformer3DModel and not a W"
    ):
        load_transformer(folder, WanTransformer3DModel)


def cut(path):
    path.write_bytes(path.read_bytes()[:-5])


def garble(path):
    path.write_bytes(b"{" * 20)


def nest(path):
    path.write_bytes(b"[" * 200_000)


def swell(path):
    path.write_bytes(b" " * ((1 << 24) + 1))


def listify(path):
    path.write_bytes(b"[]")


def remove(path):
    path.unlink()


def empty(path):
    path.write_bytes(b"")


@pytest.mark.parametrize(
    ("file", "damage", "message"),
    [
        (f"transformer/{WEIGHTS}", cut, "do not fill its"),
        (f"transformer/{WEIGHTS}", empty, "its header claims"),
        (f"transformer/{WEIGHTS}", garble, "its header claims"),
        (f"transformer/{WEIGHTS}", remove, "holds no weights"),
        ("transformer/config.json", remove, "No such file"),
        ("transformer/config.json", garble, "is not JSON"),
        ("transformer/config.json", nest, "is not JSON"),
        ("transformer/config.json", swell, "the limit is"),
        ("transformer/config.json", listify, "holds no JSON object"),
        ("model_index.json", remove, "No such file"),
        ("model_index.json", cut, "is not JSON"),
    ],
)
def test_damaged_files_are_named(folder, file, damage, message):
    damage(folder / file)
    with pytest.raises(PriorUnavailableError, match=message) as error:
        load_transformer(folder)
    assert str(folder / file.split("/", maxsplit=1)[0]) in str(error.value)


def test_a_config_that_does_not_fit_the_weights_is_an_error(folder):
    path = folder / "transformer" / "config.json"
    config = json.loads(path.read_text())
    for key, value in (("num_attention_heads", 3), ("num_attention_heads", "two")):
        path.write_text(json.dumps(config | {key: value}))
        with pytest.raises(PriorUnavailableError, match="transformer"):
            load_transformer(folder)


def test_no_folder_and_no_component(folder, tmp_path):
    with pytest.raises(PriorUnavailableError, match="there is no folder"):
        Checkpoint(tmp_path / "nowhere")
    checkpoint = Checkpoint(folder)
    assert checkpoint.has("vae")
    assert not checkpoint.has("image_encoder")
    with pytest.raises(PriorUnavailableError, match="instead of a class for 'image_encoder'"):
        checkpoint.class_name("image_encoder")


def test_a_missing_shard_is_named(tmp_path):
    folder = write_cogvideox(tmp_path, sharded=True)
    shard = Checkpoint(folder).weight_files("transformer")[1]
    shard.unlink()
    with pytest.raises(PriorUnavailableError, match=f"lacks {shard.name} of its 2 shards"):
        load_transformer(folder)


def test_two_sets_of_weights_are_refused(tmp_path):
    folder = write_cogvideox(tmp_path, sharded=True)
    save_file({"x": torch.zeros(1)}, folder / "transformer" / WEIGHTS)
    with pytest.raises(PriorUnavailableError, match="more than one set of weights"):
        load_transformer(folder)


@pytest.mark.parametrize("weight_map", [{"a": "../vae/x.safetensors"}, {"a": 3}, {}, [], None])
def test_an_index_names_only_files_beside_it(tmp_path, weight_map):
    folder = write_cogvideox(tmp_path, sharded=True)
    index = folder / "transformer" / f"{WEIGHTS}.index.json"
    index.write_text(json.dumps({"weight_map": weight_map}))
    with pytest.raises(PriorUnavailableError, match="does not list files in its own folder"):
        load_transformer(folder)


def test_loading_draws_nothing_and_leaves_progress_bars_as_they_were(tmp_path, capfd):
    checkpoint = Checkpoint(write_cogvideox(tmp_path, sharded=True))
    before = [log.is_progress_bar_enabled() for log in (diffusers_logging, transformers_logging)]
    capfd.readouterr()
    checkpoint.load("transformer", CogVideoXTransformer3DModel, torch.float32)
    checkpoint.load("text_encoder", T5EncoderModel, torch.float32)
    assert capfd.readouterr().err == ""
    after = [log.is_progress_bar_enabled() for log in (diffusers_logging, transformers_logging)]
    assert before == after == [True, True]


@pytest.mark.parametrize("sharded", [False, True])
def test_the_only_variant_is_read(folder, tmp_path, sharded):
    checkpoint = Checkpoint(folder)
    shards = {"max_shard_size": "10KB"} if sharded else {}
    for part, library in (("transformer", diffusers), ("text_encoder", transformers)):
        cls = getattr(library, checkpoint.class_name(part))
        model = checkpoint.load(part, cls, torch.float16)
        shutil.rmtree(folder / part)
        model.save_pretrained(folder / part, variant="fp16", **shards)
        names = [file.name for file in checkpoint.weight_files(part)]
        assert all("model.fp16" in name for name in names)
        assert (len(names) > 1) == sharded
        again = checkpoint.load(part, cls, torch.float32).state_dict()
        expected = model.state_dict()
        assert all(torch.equal(again[name], t.float()) for name, t in expected.items())


def test_plain_weights_come_before_a_variant(folder):
    weights = folder / "transformer" / WEIGHTS
    shutil.copy(weights, weights.with_name("diffusion_pytorch_model.fp16.safetensors"))
    cut(weights.with_name("diffusion_pytorch_model.fp16.safetensors"))
    assert Checkpoint(folder).weight_files("transformer") == [weights]
    load_transformer(folder)


def test_several_variants_are_named(folder):
    weights = folder / "transformer" / WEIGHTS
    for variant in ("fp16", "bf16"):
        shutil.copy(weights, weights.with_name(f"diffusion_pytorch_model.{variant}.safetensors"))
    weights.unlink()
    with pytest.raises(PriorUnavailableError, match="only in the variants bf16, fp16"):
        load_transformer(folder)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("diffusion_pytorch_model.fp16-00001-of-00002.safetensors", "holds no weights"),
        ("diffusion_pytorch_model.bin", r"model\.bin.*as safetensors"),
    ],
)
def test_weights_that_are_not_read_are_named(folder, name, message):
    weights = folder / "transformer" / WEIGHTS
    weights.rename(weights.with_name(name))
    with pytest.raises(PriorUnavailableError, match=message):
        load_transformer(folder)
