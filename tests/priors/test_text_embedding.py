"""Prompt embeddings: equal to the pipelines' own, kept beside the model, and checked."""

import functools
import json
import shutil
import warnings
from dataclasses import replace

import diffusers
import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from freegvc.errors import FreeGvcWarning, PriorUnavailableError, UsageError
from freegvc.priors.diffusers import prompt as module
from freegvc.priors.diffusers.checkpoint import Checkpoint
from freegvc.priors.diffusers.prompt import TextSpec, load_prompt
from tests.priors.tiny_checkpoints import (
    TEXT_WIDTH,
    write_cogvideox,
    write_ltx,
    write_skyreels,
    write_wan21,
)

COGVIDEOX, WAN, LTX = TextSpec(226), TextSpec(512, is_masked=True), TextSpec(128)
FAMILIES = {
    "cogvideox": (write_cogvideox, COGVIDEOX),
    "wan": (write_wan21, WAN),
    "skyreels": (write_skyreels, WAN),
    "ltx": (write_ltx, LTX),
}
PROMPTS = ("", "a cat in the rain", "cats &amp;amp; dogs\n at   night", "zebra " * 20)


@pytest.fixture
def folder(tmp_path):
    return write_cogvideox(tmp_path / "model")


@pytest.fixture
def encoded(monkeypatch):
    """The prompts that a text encoder was loaded for."""
    prompts = []
    real = module._encode

    @functools.wraps(real)
    def spy(checkpoint, spec, prompt, files):
        prompts.append(prompt)
        return real(checkpoint, spec, prompt, files)

    monkeypatch.setattr(module, "_encode", spy)
    return prompts


def kept_file(folder):
    (file,) = (folder / "freegvc").iterdir()
    return file


@pytest.mark.parametrize("family", FAMILIES)
def test_the_oracle_is_the_pipeline(family, tmp_path):
    write, spec = FAMILIES[family]
    folder = write(tmp_path)
    pipeline = diffusers.DiffusionPipeline.from_pretrained(folder, local_files_only=True)
    for text in PROMPTS:
        prompt = load_prompt(Checkpoint(folder), spec, text)
        with torch.no_grad():
            expected = pipeline.encode_prompt(
                text, do_classifier_free_guidance=False, max_sequence_length=spec.num_rows
            )
        assert prompt.embedding.shape == (spec.num_rows, TEXT_WIDTH)
        assert prompt.embedding.dtype == torch.float32
        torch.testing.assert_close(prompt.embedding, expected[0][0], rtol=0, atol=3e-6)
        assert prompt.embedding.std() > 0.01
        if family == "ltx":
            assert torch.equal(prompt.mask, expected[1][0])
        if spec.is_masked:
            assert torch.equal(prompt.mask, prompt.embedding.any(dim=1))


@pytest.mark.parametrize("family", FAMILIES)
def test_the_kept_file_gives_exactly_the_same(family, tmp_path, encoded):
    write, spec = FAMILIES[family]
    checkpoint = Checkpoint(write(tmp_path))
    for text in PROMPTS[:2]:
        first, again = (load_prompt(checkpoint, spec, text) for _ in range(2))
        assert torch.equal(first.embedding, again.embedding)
        assert torch.equal(first.mask, again.mask)
        assert first.identity == again.identity
    assert encoded == list(PROMPTS[:2])


def test_the_text_encoder_is_not_needed_again(folder):
    first = load_prompt(Checkpoint(folder), COGVIDEOX, "")
    shutil.rmtree(folder / "text_encoder")
    shutil.rmtree(folder / "tokenizer")
    assert load_prompt(Checkpoint(folder), COGVIDEOX, "").identity == first.identity
    with pytest.raises(PriorUnavailableError, match="freegvc priors fetch NAME --text-encoder"):
        load_prompt(Checkpoint(folder), COGVIDEOX, "a cat")


def test_the_empty_prompt_needs_no_tokenizer_and_others_do(folder):
    shutil.rmtree(folder / "tokenizer")
    load_prompt(Checkpoint(folder), COGVIDEOX, "")
    with pytest.raises(PriorUnavailableError, match="prompt 'a cat' needs it"):
        load_prompt(Checkpoint(folder), COGVIDEOX, "a cat")


def test_identity_names_encoder_tokens_and_rows_but_not_bits(tmp_path, monkeypatch):
    folders = {
        name: write_cogvideox(tmp_path / name, seed=seed)
        for name, seed in (("model", 0), ("same", 0), ("other", 1), ("set", 0))
    }
    path = folders["set"] / "text_encoder" / "config.json"
    config = json.loads(path.read_text())
    path.write_text(json.dumps(config | {"layer_norm_epsilon": 1e-3}))

    def identity(name, spec=COGVIDEOX, text=""):
        return load_prompt(Checkpoint(folders[name]), spec, text).identity

    expected = identity("model")
    assert len(expected) == 32
    others = [identity("other"), identity("set"), identity("model", text="a cat")]
    shutil.rmtree(folders["model"] / "freegvc")
    others.append(identity("model", TextSpec(225)))
    assert len({expected, *others}) == 5
    # a machine that computes a little differently
    real = module._encode

    def perturbed(*arguments):
        embedding = real(*arguments)
        return replace(embedding, rows=embedding.rows * np.float32(1 + 1e-6))

    monkeypatch.setattr(module, "_encode", perturbed)
    assert identity("same") == expected


def test_a_text_encoder_saved_by_another_version_is_the_same(folder):
    first = load_prompt(Checkpoint(folder), COGVIDEOX, "").identity
    shutil.rmtree(folder / "freegvc")
    path = folder / "text_encoder" / "config.json"
    config = json.loads(path.read_text())
    config |= {"transformers_version": "4.44.0", "torch_dtype": "bfloat16"}
    config.pop("dtype", None)
    path.write_text(json.dumps(config))
    weights = folder / "text_encoder" / "model.safetensors"
    save_file(dict(reversed(load_file(weights).items())), weights)
    assert load_prompt(Checkpoint(folder), COGVIDEOX, "").identity == first


def test_a_long_prompt_is_refused_and_not_cut(folder):
    text = "cat " * 300
    with pytest.raises(UsageError, match="the model takes 226: shorten it"):
        load_prompt(Checkpoint(folder), COGVIDEOX, text)
    with pytest.raises(UsageError, match="9000 bytes in UTF-8; a stream carries 8192"):
        load_prompt(Checkpoint(folder), WAN, " " * 9000)
    with pytest.raises(UsageError, match="not Unicode text"):
        load_prompt(Checkpoint(folder), COGVIDEOX, "\ud800")


def test_a_folder_that_cannot_be_written_is_replaced_by_freegvcs_own_cache(
    folder, encoded, tmp_path, monkeypatch
):
    monkeypatch.setenv("FREEGVC_CACHE", str(tmp_path / "own"))
    (folder / "freegvc").write_text("a file where the folder should be")
    first, again = (load_prompt(Checkpoint(folder), COGVIDEOX, "") for _ in range(2))
    assert torch.equal(first.embedding, again.embedding)
    assert encoded == [""]
    assert len(list((tmp_path / "own" / "embeddings").rglob("prompt-*.safetensors"))) == 1


def test_if_nothing_can_be_written_there_is_a_warning(folder, encoded, tmp_path, monkeypatch):
    monkeypatch.setenv("FREEGVC_CACHE", str(tmp_path / "own"))
    (tmp_path / "own").write_text("a file where the folder should be")
    (folder / "freegvc").write_text("a file where the folder should be")
    for _ in range(2):
        with pytest.warns(FreeGvcWarning, match="the text encoder runs at every start"):
            prompt = load_prompt(Checkpoint(folder), COGVIDEOX, "")
    assert len(encoded) == 2
    (folder / "freegvc").unlink()
    with warnings.catch_warnings(action="error"):
        assert load_prompt(Checkpoint(folder), COGVIDEOX, "").identity == prompt.identity


def rewrite(file, tensors=None, **metadata):
    with safe_open(file, framework="pt") as opened:
        old = opened.metadata()
    save_file(load_file(file) | (tensors or {}), file, old | metadata)


def flip(file):
    raw = bytearray(file.read_bytes())
    raw[-1] ^= 1
    file.write_bytes(raw)


DAMAGE = {
    "cut": lambda f: f.write_bytes(f.read_bytes()[:-4]),
    "empty": lambda f: f.write_bytes(b""),
    "bit": flip,
    "tokens": lambda f: rewrite(f, tokens="[["),
    "rows": lambda f: rewrite(f, num_rows="many"),
    "encoder": lambda f: rewrite(f, text_encoder="00"),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_file_is_an_error_that_names_it(folder, damage):
    load_prompt(Checkpoint(folder), COGVIDEOX, "")
    file = kept_file(folder)
    DAMAGE[damage](file)
    with pytest.raises(PriorUnavailableError, match="is damaged") as error:
        load_prompt(Checkpoint(folder), COGVIDEOX, "")
    assert str(file) in str(error.value)
    assert "delete it" in str(error.value)


def test_a_file_of_another_prompt_or_model_is_an_error(folder, tmp_path):
    load_prompt(Checkpoint(folder), COGVIDEOX, "a cat")
    file = kept_file(folder)
    load_prompt(Checkpoint(folder), COGVIDEOX, "")
    (mine,) = (f for f in (folder / "freegvc").iterdir() if f != file)
    shutil.copy(file, mine)
    with pytest.raises(PriorUnavailableError, match="holds the prompt 'a cat' and not ''"):
        load_prompt(Checkpoint(folder), COGVIDEOX, "")
    with pytest.raises(PriorUnavailableError, match="226 of 226 rows and should have 128 of 128"):
        load_prompt(Checkpoint(folder), LTX, "a cat")


def test_a_file_for_another_number_of_rows_is_an_error(tmp_path):
    checkpoint = Checkpoint(write_wan21(tmp_path))
    load_prompt(checkpoint, WAN, "")
    with pytest.raises(PriorUnavailableError, match="of 512 rows and should have 1 of 256"):
        load_prompt(checkpoint, TextSpec(256, is_masked=True), "")


def test_an_embedding_has_to_fit_the_transformer(folder):
    path = folder / "transformer" / "config.json"
    config = json.loads(path.read_text())
    path.write_text(json.dumps(config | {"text_embed_dim": 64}))
    with pytest.raises(
        PriorUnavailableError, match=r"has width 32, but the transformer .* takes 64"
    ):
        load_prompt(Checkpoint(folder), COGVIDEOX, "")
    del config["text_embed_dim"]
    path.write_text(json.dumps(config))
    with pytest.raises(PriorUnavailableError, match="has no text_embed_dim or"):
        load_prompt(Checkpoint(folder), COGVIDEOX, "")


def test_only_text_encoders_that_are_known_are_used(folder):
    path = folder / "model_index.json"
    index = json.loads(path.read_text()) | {"text_encoder": ["transformers", "CLIPTextModel"]}
    path.write_text(json.dumps(index))
    with pytest.raises(PriorUnavailableError, match="is a CLIPTextModel"):
        load_prompt(Checkpoint(folder), COGVIDEOX, "")


@pytest.mark.parametrize(
    "changes",
    [
        {"tokenizer_class": "PreTrainedTokenizerFast"},
        {"tokenizer_class": "Evil", "auto_map": {"AutoTokenizer": ["evil.Evil", "evil.Evil"]}},
        {"tokenizer_class": ["T5Tokenizer"]},
    ],
)
def test_only_tokenizers_that_are_known_are_used(folder, changes):
    path = folder / "tokenizer" / "tokenizer_config.json"
    config = json.loads(path.read_text())
    path.write_text(json.dumps(config | changes))
    with pytest.raises(PriorUnavailableError, match="supports only T5Tokenizer"):
        load_prompt(Checkpoint(folder), COGVIDEOX, "a cat")


def test_a_tokenizer_brings_no_code(folder, monkeypatch, tmp_path):
    """`auto_map` names a file beside the tokenizer, which transformers offers to run."""
    monkeypatch.setenv("HF_MODULES_CACHE", str(tmp_path / "modules"))
    monkeypatch.setattr("builtins.input", lambda *question: pytest.fail("a question was asked"))
    mark = tmp_path / "ran"
    tokenizer = folder / "tokenizer"
    (tokenizer / "evil.py").write_text(
        f"open({str(mark)!r}, 'w')\nfrom transformers import T5Tokenizer as Evil\n"
    )
    path = tokenizer / "tokenizer_config.json"
    changes = {"auto_map": {"AutoTokenizer": ["evil.Evil", "evil.Evil"]}}
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    load_prompt(Checkpoint(folder), COGVIDEOX, "a cat")
    assert not mark.exists()
