"""Embeddings go from a machine that has the text encoder to one that never fetches it."""

import json
import shutil

import pytest
import torch

from freegvc.errors import OutputExistsError, PriorUnavailableError
from freegvc.priors import load_prior
from freegvc.priors.diffusers import prompt as prompt_module
from freegvc.priors.diffusers.embedding_file import read_embedding
from freegvc.priors.diffusers.fetching import embed_empty_prompt, fetch
from freegvc.priors.diffusers.hub_cache import find_folder
from freegvc.priors.diffusers.transfer import export_embedding, import_embedding
from tests.priors.small_hub import serve
from tests.priors.tiny_checkpoints import write_cogvideox, write_wan21

NAME = "zai-org/CogVideoX-2b"
WAN = "Wan-AI/Wan2.1-T2V-1.3B-Diffusers"


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hub")
    return {
        NAME: write_cogvideox(folder / "cogvideox", sharded=True),
        WAN: write_wan21(folder / "wan"),
        "new": write_cogvideox(folder / "new", seed=1),
    }


@pytest.fixture
def hub(models):
    with serve({name: models[name] for name in (NAME, WAN)}) as hub:
        yield hub


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """Go to another machine, which has an empty cache on the first visit."""
    for variable in ("HF_HOME", "HUGGINGFACE_HUB_CACHE", "HF_TOKEN", "HF_HUB_OFFLINE"):
        monkeypatch.delenv(variable, raising=False)

    def go_to(name):
        monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / name / "hub"))
        monkeypatch.setenv("FREEGVC_CACHE", str(tmp_path / name / "freegvc"))

    go_to("a")
    return go_to


@pytest.fixture
def exported(hub, machine, tmp_path):
    embed_empty_prompt(fetch(NAME, endpoint=hub.endpoint))
    export_embedding("cogvideox-2b", tmp_path / "e.safetensors")
    hub.requests.clear()
    return tmp_path / "e.safetensors"


def text_files(hub):
    return [f for f in hub.downloads() if f.startswith(("text_encoder/model", "tokenizer/"))]


@pytest.mark.parametrize("first", ["import", "fetch"])
def test_the_other_machine_has_the_same_prior_without_the_text_encoder(
    hub, machine, exported, first
):
    expected = load_prior("cogvideox-2b")
    machine("b")
    if first == "fetch":
        folder = fetch(NAME, with_text_encoder=False, endpoint=hub.endpoint)
        with pytest.raises(PriorUnavailableError, match="import-embedding FILE"):
            load_prior("cogvideox-2b")
    embedding, kept = import_embedding(exported)
    assert embedding.origin.hub_id == NAME
    assert kept.is_file()
    if first == "import":
        plans = []
        folder = fetch(NAME, on_plan=plans.append, endpoint=hub.endpoint)
        assert not plans[0].with_text_encoder
        assert plans[0].ram_bytes == 0
    assert not text_files(hub)
    assert not (folder / "text_encoder" / "model.safetensors").exists()
    prior = load_prior("cogvideox-2b")
    assert prior.fingerprint == expected.fingerprint
    assert torch.equal(prior.embedding, expected.embedding)


def test_a_new_commit_keeps_the_embedding_and_a_new_text_encoder_does_not(
    hub, machine, models, tmp_path, monkeypatch
):
    first = fetch(NAME, endpoint=hub.endpoint)
    embed_empty_prompt(first)
    before = load_prior("cogvideox-2b").fingerprint
    readme = shutil.copytree(models[NAME], tmp_path / "readme")
    (readme / "README.md").write_text("new")
    hub.revisions[NAME, "readme"] = readme
    hub.requests.clear()
    second = fetch(NAME, revision="readme", endpoint=hub.endpoint)
    assert second != first
    assert not text_files(hub)
    assert load_prior("cogvideox-2b").fingerprint == before

    hub.revisions[NAME, "new"] = models["new"]
    third = fetch(NAME, revision="new", endpoint=hub.endpoint)
    assert text_files(hub)
    runs = []
    real = prompt_module.run_text_encoder
    monkeypatch.setattr(prompt_module, "run_text_encoder", lambda *a: runs.append(1) or real(*a))
    embed_empty_prompt(third)
    embed_empty_prompt(third)
    assert runs == [1]
    assert load_prior("cogvideox-2b").fingerprint != before


def test_the_text_encoder_can_be_asked_for(hub, machine, exported):
    machine("b")
    import_embedding(exported)
    fetch(NAME, with_text_encoder=True, endpoint=hub.endpoint)
    assert text_files(hub)


def test_other_prompts_are_exported_and_made_if_need_be(hub, exported, tmp_path):
    export_embedding("cogvideox-2b", tmp_path / "cat.safetensors", prompt="a cat")
    assert read_embedding(tmp_path / "cat.safetensors").origin.prompt == "a cat"


def test_what_cannot_be_exported(hub, machine, exported, models):
    with pytest.raises(OutputExistsError):
        export_embedding(NAME, exported)
    export_embedding(NAME, exported, overwrite=True)
    machine("b")
    for name in (NAME, "someone/else", str(models[NAME]), "nothing"):
        with pytest.raises(PriorUnavailableError, match="Hugging Face cache"):
            export_embedding(name, exported, overwrite=True)
    assert read_embedding(exported)


def test_the_embedding_of_another_text_encoder_is_refused(hub, machine, exported, models, tmp_path):
    machine("b")
    hub.revisions[NAME, "new"] = models["new"]
    embed_empty_prompt(fetch(NAME, revision="new", endpoint=hub.endpoint))
    with pytest.raises(PriorUnavailableError, match="by another text encoder"):
        import_embedding(exported)


def test_an_embedding_that_does_not_fit_the_model_is_refused(hub, machine, exported):
    machine("b")
    folder = fetch(NAME, with_text_encoder=False, endpoint=hub.endpoint)
    path = folder / "transformer" / "config.json"
    config = json.loads(path.read_text()) | {"text_embed_dim": 64}
    path.unlink()
    path.write_text(json.dumps(config))
    with pytest.raises(PriorUnavailableError, match="has width 32"):
        import_embedding(exported)


def test_the_embedding_of_a_folder_has_no_place_of_its_own(machine, models, tmp_path):
    folder = shutil.copytree(models[WAN], tmp_path / "model")
    embed_empty_prompt(folder)
    (file,) = (folder / "freegvc").iterdir()
    with pytest.raises(PriorUnavailableError, match=f"copy it into that folder, as .*{file.name}"):
        import_embedding(file)


def test_an_embedding_can_be_imported_beside_a_cache_that_cannot_be_written(
    hub, machine, exported, tmp_path
):
    machine("b")
    folder = fetch(NAME, with_text_encoder=False, endpoint=hub.endpoint)
    (folder.parent.parent / "freegvc").write_text("a file where the folder should be")
    _, kept = import_embedding(exported)
    assert kept.is_relative_to(tmp_path / "b" / "freegvc")
    assert find_folder(NAME) == folder
    load_prior("cogvideox-2b")
