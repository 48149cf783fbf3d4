"""freegvc priors: the list, what is known of one prior, and a fetch from a hub on this machine."""

import json
import os
import subprocess
import sys
from types import SimpleNamespace

import pytest

from freegvc._cli.main import main
from freegvc.priors.built_in import BUILT_IN_PRIORS
from freegvc.priors.diffusers.catalogue import KNOWN_MODELS, find
from freegvc.priors.loading import BUILT_IN, load_prior
from tests.priors.small_hub import serve
from tests.priors.tiny_checkpoints import write_cogvideox

NAME = "zai-org/CogVideoX-2b"


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory):
    return write_cogvideox(tmp_path_factory.mktemp("hub") / "cogvideox", sharded=True)


@pytest.fixture
def hub(checkpoint):
    with serve({NAME: checkpoint}) as hub:
        yield hub


def put_into_cache(checkpoint, cache):
    """As the hub's library leaves a model."""
    repository = cache / "models--zai-org--CogVideoX-2b"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text("abc")
    (repository / "snapshots").mkdir()
    folder = repository / "snapshots" / "abc"
    folder.symlink_to(checkpoint)
    return folder


def freegvc(*arguments, **environment):
    """A process of its own: the hub's library reads its environment when it is imported."""
    return subprocess.run(
        [sys.executable, "-m", "freegvc", *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_list_has_a_line_for_every_prior(capsys):
    assert main(["priors", "list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    head = lines[0].split()
    assert head == ["name", "from", "licence", "parameters", "weights", "size", "present"]
    small = "freegvc-small freegvc Apache-2.0 12.4 M 49.6 MB 832x480 yes"
    assert lines[1].split() == small.split()
    assert lines[2].split() == ["analytic", "freegvc", "Apache-2.0", "0", "0", "-", "yes"]
    models = lines[3 : 3 + len(KNOWN_MODELS)]
    for line, model in zip(models, KNOWN_MODELS, strict=True):
        assert line.split()[:2] == [model.name, model.hub_id]
        assert line.endswith("no")
    assert models[0].split()[2:] == ["Apache-2.0", "1.91", "B", "3.82", "GB", "720x480", "no"]
    assert "not measured here" in lines[-3]


def test_list_as_json_knows_what_is_present(capsys, checkpoint, cache):
    folder = put_into_cache(checkpoint, cache)
    assert main(["priors", "list", "--json"]) == 0
    entries = json.loads(capsys.readouterr().out)
    assert [e["name"] for e in entries] == [*BUILT_IN, *(m.name for m in KNOWN_MODELS)]
    assert len({tuple(sorted(e)) for e in entries}) == 1
    assert [e["name"] for e in entries if e["present"]] == [*BUILT_IN, "cogvideox-2b"]
    assert entries[2]["folder"] == str(folder)
    assert entries[2]["native_size"] == [480, 720]
    assert entries[2]["weights_bytes"] == find(NAME).weights_bytes


def test_list_has_the_priors_of_other_packages(capsys, monkeypatch):
    point = SimpleNamespace(name="mine", value="m:P", dist=SimpleNamespace(name="my-package"))
    monkeypatch.setattr("freegvc.priors.loading.entry_points", lambda group: [point])
    assert main(["priors", "list", "--json"]) == 0
    entry = json.loads(capsys.readouterr().out)[-1]
    assert (entry["name"], entry["package"], entry["present"]) == ("mine", "my-package", True)
    assert main(["priors", "show", "mine"]) == 0
    assert "my-package" in capsys.readouterr().out
    assert main(["priors", "fetch", "mine"]) == 5
    assert "mine comes with the package my-package" in capsys.readouterr().err


@pytest.mark.parametrize("name", BUILT_IN)
def test_what_is_built_in_is_not_fetched(capsys, name):
    assert main(["priors", "fetch", name]) == 5
    assert f"{name} comes with freegvc: there is nothing to fetch" in capsys.readouterr().err


def test_list_loads_no_model_library_and_is_quick():
    code = (
        "import sys\n"
        "from freegvc._cli.main import main\n"
        "assert main(['priors', 'list']) == 0\n"
        "heavy = {'torch', 'diffusers', 'transformers', 'huggingface_hub'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    before = os.times().children_user
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)
    assert os.times().children_user - before < 1.0  # of the processor: the box may be busy


def test_the_facts_of_built_in_priors_are_those_of_the_loaded_ones(capsys):
    for built_in in BUILT_IN_PRIORS:
        prior = load_prior(built_in.name)
        assert prior.defaults.native_size == built_in.native_size
        assert f"torch.{built_in.dtype}" == str(prior.dtype)
        assert main(["priors", "show", built_in.name]) == 0
        page = capsys.readouterr().out
        assert "licence      Apache-2.0\n" in page
    small = load_prior()
    networks = (small._autoencoder, small._denoiser)
    num_parameters = sum(p.numel() for network in networks for p in network.parameters())
    assert BUILT_IN_PRIORS[0].num_parameters == num_parameters
    assert BUILT_IN_PRIORS[0].files_bytes == sum(f.stat().st_size for f in small._files)


@pytest.mark.parametrize("name", ["cogvideox-2b", NAME, "thudm/cogvideox-2b"])
def test_show_a_known_model_that_is_not_here(name, capsys):
    assert main(["priors", "show", name]) == 0
    page = capsys.readouterr().out
    assert f"Apache-2.0, see https://huggingface.co/{NAME}" in page
    assert "float16" in page
    assert "activations     not measured here" in page
    assert page.splitlines()[-1].split() == ["present", "no"]


def test_show_a_folder_and_what_it_lacks(capsys, tmp_path):
    folder = write_cogvideox(tmp_path / "model", sharded=True)
    assert main(["priors", "show", str(folder)]) == 0
    page = capsys.readouterr().out
    assert "present           yes\n" in page
    assert "class             CogVideoXTransformer3DModel\n" in page
    assert "prompts embedded  0\n" in page
    next((folder / "transformer").glob("*.safetensors")).unlink()
    assert main(["priors", "show", str(folder)]) == 0
    assert "in part" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("nothing", "no prior is called 'nothing'"),
        ("a/b", "freegvc priors fetch a/b"),
        ("/", "model_index.json cannot be read"),
    ],
)
def test_show_what_is_not_there(name, what, capsys):
    assert main(["priors", "show", name]) == 5
    assert what in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [[], ["fetch"], ["show"], ["remove", "x"], ["export-embedding", "x"], ["import-embedding"]],
)
def test_usage(arguments, capsys):
    assert main(["priors", *arguments]) == 2
    assert "freegvc priors" in capsys.readouterr().err


def test_fetch_downloads_and_makes_the_empty_prompt(hub, cache, capsys):
    run = freegvc("priors", "fetch", "cogvideox-2b", HF_ENDPOINT=hub.endpoint)
    assert run.returncode == 0, run.stderr
    folder = cache / "models--zai-org--CogVideoX-2b"
    assert run.stdout.startswith(f"{folder}/snapshots/")
    assert run.stdout.count("\n") == 1
    assert "own licence (Apache-2.0)" in run.stderr
    assert "will be downloaded" in run.stderr
    assert "in float32 on the CPU, in 1.07 GB of memory" in run.stderr
    assert main(["priors", "show", "cogvideox-2b"]) == 0
    assert "prompts embedded  1" in capsys.readouterr().out


def test_fetch_without_the_text_encoder(hub):
    run = freegvc("priors", "fetch", NAME, "--no-text-encoder", HF_ENDPOINT=hub.endpoint)
    assert run.returncode == 0, run.stderr
    assert not [f for f in hub.downloads() if f.startswith(("text_encoder/", "tokenizer/"))]
    assert "embedding" not in run.stderr


def test_fetch_that_fails_is_one_line(hub):
    run = freegvc("priors", "fetch", "wan2.1-t2v-14b", HF_ENDPOINT=hub.endpoint)
    assert (run.returncode, run.stdout) == (5, "")
    assert run.stderr.splitlines()[-1].startswith("freegvc: error: the hub has no model Wan-AI/")
    assert "Traceback" not in run.stderr


def test_an_embedding_goes_to_another_machine(hub, cache, tmp_path, capsys, monkeypatch):
    assert freegvc("priors", "fetch", NAME, HF_ENDPOINT=hub.endpoint).returncode == 0
    file = tmp_path / "e.safetensors"
    assert main(["priors", "export-embedding", "cogvideox-2b", str(file)]) == 0
    assert capsys.readouterr().out == f"{file}\n"
    assert main(["priors", "export-embedding", NAME, str(file)]) == 2
    assert "--force" in capsys.readouterr().err
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "other"))
    hub.requests.clear()
    assert main(["priors", "import-embedding", str(file)]) == 0
    printed = capsys.readouterr()
    assert printed.out.startswith(str(tmp_path / "other"))
    assert f"the prompt '' for {NAME}, commit " in printed.err
    run = freegvc("priors", "fetch", NAME, HF_ENDPOINT=hub.endpoint)
    assert run.returncode == 0, run.stderr
    assert "is here, so the text encoder is left out" in run.stderr
    assert not [f for f in hub.downloads() if f.startswith("text_encoder/model")]
    assert main(["priors", "show", "cogvideox-2b"]) == 0
    page = capsys.readouterr().out
    assert "prompts embedded  1" in page
    assert "commit  " in page
    file.write_bytes(b"")
    assert main(["priors", "import-embedding", str(file)]) == 5
    assert "Traceback" not in capsys.readouterr().err


def test_fetch_of_a_revision_that_is_not_there(hub):
    run = freegvc("priors", "fetch", NAME, "--revision", "v9", HF_ENDPOINT=hub.endpoint)
    assert (run.returncode, run.stdout) == (5, "")
    assert "has no revision 'v9'" in run.stderr
