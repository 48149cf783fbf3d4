"""The prior's name in a stream is data: it never reaches a folder that happens to have it."""

from dataclasses import replace

import pytest

import freegvc
from freegvc._bitstream import write_stream
from freegvc.errors import PriorMismatchError, PriorUnavailableError
from freegvc.priors.diffusers.checkpoint import Checkpoint
from tests.priors.tiny_checkpoints import write_wan21


@pytest.fixture(scope="module")
def stream(scene):
    return freegvc.compress(scene(2, 16, 24), stop_step=950, prior="analytic").stream


def naming(stream, name):
    """The same stream with another name for its prior, and a prompt."""
    header = replace(stream.header, prior=name)
    return write_stream(replace(stream, header=header, prompt="a cat"))


@pytest.fixture
def here(tmp_path, monkeypatch):
    """The working directory, and an empty Hugging Face cache."""
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("models/evil", "models/evil is not on this machine"),
        ("evil", "a stream cannot name a folder"),
        ("./evil", "a stream cannot name a folder"),
        ("models/../evil", "a stream cannot name a folder"),
        ("../evil", "a stream cannot name a folder"),
        ("/proc/self", "a stream cannot name a folder"),
        ("a/b/c", "a stream cannot name a folder"),
        ("evil/", "a stream cannot name a folder"),
        ("..", "a stream cannot name a folder"),
        ("models/evil--x", "a stream cannot name a folder"),
        ("wan", "is a family of models"),
        ("cogvideox-2b", "zai-org/CogVideoX-2b is not on this machine"),
    ],
)
def test_a_stream_names_no_folder(stream, here, monkeypatch, name, message):
    for folder in ("models/evil", "evil", "wan", "cogvideox-2b", "a/b/c", "models/evil--x"):
        (here / folder).mkdir(parents=True)
        (here / folder / "model_index.json").write_text("{}")

    def refuse(self, folder):
        pytest.fail(f"{folder} was opened")

    monkeypatch.setattr(Checkpoint, "__init__", refuse)
    data = naming(stream, name)
    for read in (freegvc.decompress, lambda data: list(freegvc.decode_frames(data))):
        with pytest.raises(PriorUnavailableError, match=message):
            read(data)
    with pytest.raises(PriorUnavailableError, match=message):
        freegvc.score(data, data, metrics=["psnr"])


def test_a_user_names_a_folder(stream, here):
    write_wan21(here / "models" / "mine")
    with pytest.raises(PriorMismatchError, match="models/mine"):
        freegvc.decompress(naming(stream, "models/mine"), prior="models/mine")
