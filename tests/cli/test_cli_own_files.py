"""freegvc's own files in the wrong place, and empty ones, are called what they are."""

import pytest

from freegvc._cli.main import main
from tests.cli.tiny_clip import SMALL


@pytest.fixture(scope="module")
def part(clip, tmp_path_factory):
    path = tmp_path_factory.mktemp("part") / "a.part"
    assert main(["compress", str(clip), str(path), *SMALL, "--gops", "0:1"]) == 0
    return path


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["compress", "{stream}", "x.fgvc"], "is a freegvc stream, where a video is needed"),
        (["score", "{stream}", "{clip}"], "give the names in the other order"),
        (["compress", "{part}", "x.fgvc"], "is a part of a video or the journal of a run"),
        (["info", "{part}"], "join parts with freegvc merge"),
        (["verify", "{part}"], "join parts with freegvc merge"),
        (["decompress", "{part}", "x.mp4"], "--resume goes on with a run"),
        (["merge", "{stream}", "x.fgvc"], "is a freegvc stream, and no part or journal"),
    ],
)
def test_own_files_are_recognised(run, clip, stream, part, tmp_path, monkeypatch, arguments, words):
    monkeypatch.chdir(tmp_path)
    result = run(*(a.format(clip=clip, stream=stream, part=part) for a in arguments))
    assert result.code in (3, 4)
    assert words in result.err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["a.mp4", "a.y4m", "a.png", "a"])
def test_an_empty_file_is_called_empty(run, tmp_path, name):
    path = tmp_path / name
    path.touch()
    result = run("compress", path, tmp_path / "x.fgvc", *SMALL)
    assert result.code == 3
    assert result.err == f"freegvc: error: {path} is empty (0 bytes): get the file again\n"


def test_a_broken_picture_is_told_without_the_words_of_a_library(run, tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(b"no picture at all")
    result = run("compress", path, tmp_path / "x.fgvc", *SMALL)
    assert result.code == 3
    assert f"{path} cannot be read as a picture: its bytes are those of no kind" in result.err
    assert "Pillow" not in result.err
