"""Fetching from a hub on this machine, with the hub's own library, and finding without any."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from freegvc.errors import PriorUnavailableError, UsageError
from freegvc.priors.diffusers import fetching
from freegvc.priors.diffusers.fetching import fetch
from freegvc.priors.diffusers.hub_cache import cache_folder, find_folder, set_reference
from tests.priors.small_hub import commit_of, serve

NAME = "zai-org/CogVideoX-2b"
OTHER = "someone/a-wan"
SHARDS = [f"diffusion_pytorch_model-0000{i}-of-00002.safetensors" for i in (1, 2)]
USED = {
    "model_index.json",
    "scheduler/scheduler_config.json",
    "transformer/config.json",
    "transformer/diffusion_pytorch_model.safetensors.index.json",
    *(f"transformer/{shard}" for shard in SHARDS),
    "vae/config.json",
    "vae/diffusion_pytorch_model.safetensors",
}
TEXT = {
    "text_encoder/config.json",
    "text_encoder/model.safetensors",
    "tokenizer/spiece.model",
    "tokenizer/tokenizer_config.json",
}
UNUSED = {
    "README.md",
    "model-original.ckpt",
    "big-single-file.safetensors",
    "transformer/diffusion_pytorch_model.fp16.safetensors",
    "transformer/diffusion_pytorch_model.safetensors",  # the same weights once more
    "transformer/diffusion_pytorch_model.bin",
    "vae/old.pt",
}


def write_repository(folder, cls="CogVideoXTransformer3DModel", **index):
    """A repository as the hub has them: also with files that freegvc does not use."""
    index = {
        "_class_name": "CogVideoXPipeline",
        "transformer": ["diffusers", cls],
        "vae": ["diffusers", "AutoencoderKLCogVideoX"],
        "text_encoder": ["transformers", "T5EncoderModel"],
        **index,
    }
    for number, file in enumerate(sorted(USED | TEXT | UNUSED)):
        path = folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"{}" if file.endswith(".json") else bytes([number]) * (500 + number))
    (folder / "model_index.json").write_text(json.dumps(index))
    t5 = {"d_model": 32, "d_ff": 48, "d_kv": 8, "num_heads": 2, "num_layers": 1}
    (folder / "text_encoder/config.json").write_text(json.dumps(t5))
    weight_map = {"a": SHARDS[0], "b": SHARDS[1], "c": SHARDS[0]}
    (folder / "transformer/diffusion_pytorch_model.safetensors.index.json").write_text(
        json.dumps({"weight_map": weight_map})
    )
    return folder


def files_in(folder):
    return {str(p.relative_to(folder)) for p in Path(folder).rglob("*") if p.is_file()}


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    for variable in ("HF_HOME", "HUGGINGFACE_HUB_CACHE", "HF_TOKEN", "HF_HUB_OFFLINE"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def hub(tmp_path):
    repositories = {
        NAME: write_repository(tmp_path / "cogvideox"),
        OTHER: write_repository(tmp_path / "wan", "WanTransformer3DModel"),
    }
    with serve(repositories) as hub:
        yield hub


def test_fetch_takes_what_is_used_and_no_more(hub, cache):
    plans = []
    folder = fetch("cogvideox-2b", on_plan=plans.append, endpoint=hub.endpoint)
    assert files_in(folder) == USED | TEXT
    assert folder.is_relative_to(cache)
    source = hub.repositories[NAME]
    for file in USED | TEXT:
        assert (folder / file).read_bytes() == (source / file).read_bytes()
    num_bytes = sum((source / file).stat().st_size for file in USED | TEXT)
    (plan,) = plans
    assert plan.hub_id == NAME
    assert set(plan.files) == USED | TEXT
    assert plan.num_bytes == num_bytes
    at_hand = sum((source / f).stat().st_size for f in USED if f.endswith("index.json"))
    assert plan.missing_bytes == num_bytes - at_hand  # the two indices were read for the plan


def test_fetch_without_the_text_encoder(hub):
    folder = fetch(NAME, with_text_encoder=False, endpoint=hub.endpoint)
    assert files_in(folder) == USED


def test_fetch_of_a_hub_id_that_freegvc_does_not_know(hub):
    folder = fetch(OTHER, endpoint=hub.endpoint)
    assert find_folder(OTHER) == folder


def test_found_afterwards_without_a_network(hub):
    assert find_folder(NAME) is None
    folder = fetch(NAME, endpoint=hub.endpoint)
    num_requests = len(hub.requests)
    assert find_folder(NAME) == find_folder("thudm/cogvideox-2b") == folder
    assert len(hub.requests) == num_requests


def test_found_under_an_old_id(hub, cache):
    folder = fetch(NAME, endpoint=hub.endpoint)
    repository = cache / "models--THUDM--CogVideoX-2b"
    (cache / "models--zai-org--CogVideoX-2b").rename(repository)
    assert find_folder(NAME) == repository / "snapshots" / folder.name


@pytest.mark.parametrize("file", sorted(USED))
def test_a_snapshot_that_lacks_a_file_is_not_found_until_it_is_fetched_again(hub, file):
    folder = fetch(NAME, endpoint=hub.endpoint)
    (folder / file).unlink()
    assert find_folder(NAME) is None
    assert fetch(NAME, endpoint=hub.endpoint) == folder == find_folder(NAME)


def test_a_second_fetch_downloads_nothing(hub):
    plans = []
    fetch(NAME, endpoint=hub.endpoint)
    before = hub.downloads()
    fetch(NAME, on_plan=plans.append, endpoint=hub.endpoint)
    assert hub.downloads() == before
    assert plans[0].missing_bytes == 0 < plans[0].num_bytes


def test_a_transfer_that_breaks_goes_on_where_it_was(hub, monkeypatch):
    monkeypatch.setattr("huggingface_hub.file_download.time.sleep", lambda _: None)
    monkeypatch.setattr("huggingface_hub.constants.DOWNLOAD_CHUNK_SIZE", 1)
    file = "vae/diffusion_pytorch_model.safetensors"
    hub.cut[file] = 1
    folder = fetch(NAME, endpoint=hub.endpoint)
    content = (hub.repositories[NAME] / file).read_bytes()
    assert (folder / file).read_bytes() == content
    ranges = [r for method, path, r in hub.requests if method == "GET" and path.endswith(file)]
    assert ranges == [None, f"bytes={len(content) // 2}-"]


def test_an_interrupted_fetch_keeps_whole_files(hub, monkeypatch):
    monkeypatch.setattr("huggingface_hub.file_download.time.sleep", lambda _: None)
    file = "vae/diffusion_pytorch_model.safetensors"
    hub.cut[file] = 1000
    with pytest.raises(PriorUnavailableError, match="cannot be reached"):
        fetch(NAME, endpoint=hub.endpoint)
    assert find_folder(NAME) is None
    whole = {f for f in hub.downloads() if not f.endswith(file)}
    assert len(whole) > 2
    hub.cut.clear()
    hub.requests.clear()
    folder = fetch(NAME, endpoint=hub.endpoint)
    assert files_in(folder) == USED | TEXT
    assert file in hub.downloads()
    assert not whole & set(hub.downloads())


def test_a_missing_repository(hub):
    with pytest.raises(PriorUnavailableError, match=r"no model zai-org/CogVideoX-5b.*spelling"):
        fetch("cogvideox-5b", endpoint=hub.endpoint)


def test_a_gated_repository_says_where_to_accept_the_licence(hub):
    hub.gated.add(NAME)
    with pytest.raises(PriorUnavailableError, match=f"licence.*huggingface.co/{NAME}.*log in"):
        fetch(NAME, endpoint=hub.endpoint)


@pytest.mark.parametrize("status", [401, 403, 404, 500])
def test_a_hub_that_refuses(hub, status):
    hub.fail_with = status
    expected = {401: "no model", 403: "licence", 404: "404", 500: "500"}[status]
    with pytest.raises(PriorUnavailableError, match=f"{expected}.*"):
        fetch(NAME, endpoint=hub.endpoint)


def test_no_network():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, but not listening
        nowhere = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(PriorUnavailableError, match=r"cannot be reached.*check the network"):
            fetch(NAME, endpoint=nowhere)


def test_a_disk_that_is_too_small_is_reported_before_the_download(hub, tmp_path):
    hub.sizes["vae/diffusion_pytorch_model.safetensors"] = 10**18
    with pytest.raises(PriorUnavailableError, match=r"needs 1000000000\.00 GB more") as caught:
        fetch(NAME, endpoint=hub.endpoint)
    told = float(re.search(r"has (\d+\.\d\d) GB free", str(caught.value))[1])
    assert told == pytest.approx(shutil.disk_usage(tmp_path).free / 1e9, abs=2)
    assert not {f for f in hub.downloads() if not f.endswith(".json")}


@pytest.mark.parametrize(
    ("index", "what"),
    [
        ({"transformer": ["diffusers", "MochiTransformer3DModel"]}, "MochiTransformer3DModel"),
        ({"transformer": None}, "transformer None"),
        ({"transformer": [["x"], ["y"]]}, "'y'"),
        ({"transformer_2": ["diffusers", "CogVideoXTransformer3DModel"]}, "two transformers"),
        ({"text_encoder": ["transformers", "CLIPTextModel"]}, "is a CLIPTextModel"),
    ],
)
def test_a_model_without_an_adapter_is_refused_before_the_download(hub, index, what):
    write_repository(hub.repositories[NAME], **index)
    with pytest.raises(PriorUnavailableError, match=what):
        fetch(NAME, endpoint=hub.endpoint)
    assert hub.downloads() == ["model_index.json"]


def test_a_second_transformer_that_is_null_is_none(hub):
    write_repository(hub.repositories[NAME], transformer_2=[None, None])
    assert fetch(NAME, endpoint=hub.endpoint)


@pytest.mark.parametrize("file", sorted((USED | TEXT) - {f for f in TEXT if "tokenizer" in f}))
def test_a_repository_that_lacks_a_file_is_refused_before_the_download(hub, file):
    folder = hub.repositories[NAME]
    (folder / file).unlink()
    if file.endswith("safetensors.index.json"):  # then the whole file is the one
        assert fetch(NAME, endpoint=hub.endpoint)
        return
    with pytest.raises(PriorUnavailableError, match=f"lacks|has no|{Path(file).name}"):
        fetch(NAME, endpoint=hub.endpoint)
    assert not {f for f in hub.downloads() if not f.endswith(".json")}


@pytest.mark.parametrize("content", ["[1]", "{", '{"weight_map": {}}', '{"weight_map": ["x"]}'])
def test_damaged_indices(hub, content):
    file = "transformer/diffusion_pytorch_model.safetensors.index.json"
    (hub.repositories[NAME] / file).write_text(content)
    with pytest.raises(PriorUnavailableError, match=NAME):
        fetch(NAME, endpoint=hub.endpoint)


@pytest.mark.parametrize("name", ["nothing", "", "a/b/c", "../secrets", "org/..", "a--b/c", "/x"])
def test_names_that_are_no_ids(name):
    with pytest.raises(PriorUnavailableError, match="freegvc priors list"):
        fetch(name)


def test_errors_of_the_disk_stay_what_they_are(hub, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device", "/cache")

    monkeypatch.setattr("huggingface_hub.snapshot_download", full)
    with pytest.raises(OSError, match="No space left"):
        fetch(NAME, endpoint=hub.endpoint)


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"XDG_CACHE_HOME": "/x"},
        {"HF_HOME": "~/models"},
        {"HF_HOME": "$HOME/models", "XDG_CACHE_HOME": "/x"},
        {"HUGGINGFACE_HUB_CACHE": "/old", "HF_HOME": "/h"},
        {"HF_HUB_CACHE": "~/hub", "HUGGINGFACE_HUB_CACHE": "/old"},
    ],
)
def test_cache_folder_is_that_of_the_hubs_library(variables, monkeypatch):
    monkeypatch.delenv("HF_HUB_CACHE")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    for variable, value in variables.items():
        monkeypatch.setenv(variable, value)
    code = "from huggingface_hub import constants; print(constants.HF_HUB_CACHE)"
    run = subprocess.run(
        [sys.executable, "-c", code], env=os.environ, capture_output=True, text=True, check=True
    )
    assert str(cache_folder()) == run.stdout.strip()


def test_plan_counts_a_cache_that_does_not_exist_yet(hub, cache):
    assert not cache.exists()
    plans = []
    fetch(NAME, on_plan=plans.append, endpoint=hub.endpoint)
    assert plans[0].free_bytes > fetching.SPARE_BYTES


def test_a_revision_is_fetched_and_from_then_on_meant(hub, cache, tmp_path):
    main = fetch(NAME, endpoint=hub.endpoint)
    hub.revisions[NAME, "v2"] = write_repository(tmp_path / "v2", _version=2)
    plans = []
    folder = fetch(NAME, revision="v2", on_plan=plans.append, endpoint=hub.endpoint)
    assert plans[0].commit == folder.name == commit_of(NAME, "v2") != main.name
    assert json.loads((folder / "model_index.json").read_text())["_version"] == 2
    assert find_folder(NAME) == folder
    assert fetch(NAME, revision=main.name, endpoint=hub.endpoint) == main == find_folder(NAME)
    references = cache / "models--zai-org--CogVideoX-2b" / "refs"
    assert {p.name: p.read_text() for p in references.iterdir()} == {
        "freegvc": main.name,
        "main": main.name,
        "v2": folder.name,
    }


def test_the_download_is_of_the_commit_that_was_planned(hub, tmp_path):
    """The branch moves between the plan and the download."""
    planned = hub.repositories[NAME]
    hub.revisions[NAME, "old"] = planned

    def push(plan):
        assert plan.commit == commit_of(NAME)
        hub.repositories[NAME] = write_repository(tmp_path / "new", _version=2)
        hub.revisions[NAME, plan.commit] = planned

    folder = fetch(NAME, on_plan=push, endpoint=hub.endpoint)
    assert folder.name == commit_of(NAME)
    assert "_version" not in json.loads((folder / "model_index.json").read_text())
    assert find_folder(NAME) == folder


def test_a_part_of_a_new_commit_does_not_hide_the_model(hub, cache):
    """Another program fetched a new commit, or is still at it."""
    folder = fetch(NAME, endpoint=hub.endpoint)
    (folder.parent / "f00").mkdir()
    set_reference(NAME, "main", "f00")
    assert find_folder(NAME) == folder


def test_a_model_that_another_program_fetched_is_found(hub, cache):
    folder = fetch(NAME, endpoint=hub.endpoint)
    (cache / "models--zai-org--CogVideoX-2b" / "refs" / "freegvc").unlink()
    assert find_folder(NAME) == folder


def test_a_missing_revision(hub):
    with pytest.raises(PriorUnavailableError, match="has no revision 'v9'"):
        fetch(NAME, revision="v9", endpoint=hub.endpoint)


@pytest.mark.parametrize("revision", ["", "../x", "a b", "/x", "x/", "a//b", "x.lock", "-x", "é"])
def test_what_is_no_revision(revision):
    with pytest.raises(UsageError, match="a branch, a tag or a commit"):
        fetch(NAME, revision=revision)


def test_memory_that_is_too_small_is_reported_before_the_download(hub, monkeypatch):
    plans = []
    fetch(NAME, with_text_encoder=False, on_plan=plans.append, endpoint=hub.endpoint)
    monkeypatch.setattr(fetching, "free_ram_bytes", lambda: 10**9)
    with pytest.raises(PriorUnavailableError, match=r"takes 1\.07 GB of memory .* 1\.00 GB are"):
        fetch(NAME, endpoint=hub.endpoint)
    assert not [f for f in hub.downloads() if "text_encoder/model" in f]
    assert plans[0].ram_bytes == 0 < plans[0].free_ram_bytes


@pytest.mark.parametrize("d_model", [None, "wide", 0, True])
def test_a_text_encoder_of_no_size_is_refused_before_the_download(hub, d_model):
    path = hub.repositories[NAME] / "text_encoder/config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"d_model": d_model}))
    with pytest.raises(PriorUnavailableError, match="no sizes of a T5"):
        fetch(NAME, endpoint=hub.endpoint)


def test_a_variant_is_fetched_if_there_is_nothing_else(hub):
    vae = hub.repositories[NAME] / "vae"
    whole = vae / "diffusion_pytorch_model.safetensors"
    whole.rename(vae / "diffusion_pytorch_model.fp16.safetensors")
    folder = fetch(NAME, endpoint=hub.endpoint)
    assert files_in(folder / "vae") == {"config.json", "diffusion_pytorch_model.fp16.safetensors"}
    assert find_folder(NAME) == folder


def test_several_variants_are_named(hub):
    vae = hub.repositories[NAME] / "vae"
    whole = vae / "diffusion_pytorch_model.safetensors"
    shutil.copy(whole, vae / "diffusion_pytorch_model.bf16.safetensors")
    whole.rename(vae / "diffusion_pytorch_model.fp16.safetensors")
    with pytest.raises(PriorUnavailableError, match=r"folder vae .* variants bf16, fp16"):
        fetch(NAME, endpoint=hub.endpoint)
