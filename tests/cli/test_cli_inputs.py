"""No command replaces one of its own inputs, or writes pictures among those that it reads."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from freegvc._video import open_video
from tests.cli.tiny_clip import SMALL, waves


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A working directory with pictures, alone and in a folder, and links to them."""
    monkeypatch.chdir(tmp_path)
    Path("pictures").mkdir()
    for index, frame in enumerate(waves(3)):
        Image.fromarray(frame).save(Path("pictures") / f"f{index}.png")
    for name in ("a.png", "b.png"):
        Image.fromarray(waves(1)[0]).save(name)
    Path("link.png").symlink_to("a.png")
    Path("link.html").symlink_to("b.png")
    Path("link.csv").symlink_to("a.png")
    Path("folder").symlink_to("pictures")
    return tmp_path


def contents(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


SCORE = ["score", "a.png", "b.png", "--metrics", "psnr"]
SWEEP = ["sweep", "a.png", "--rates", "0.5", "--prior", "analytic"]


@pytest.mark.parametrize(
    "arguments",
    [
        [*SCORE, "--plot", "a.png"],
        [*SCORE, "--plot", "b.png"],
        [*SCORE, "--plot", "link.png"],
        [*SCORE, "--page", "link.html"],
        [*SWEEP, "--plot", "a.png"],
        [*SWEEP, "--plot", "link.png"],
        [*SWEEP, "-o", "link.csv"],
        ["view", "a.png", "b.png", "--out", "link.html"],
    ],
)
def test_an_input_is_never_replaced(run, here, arguments):
    before = contents(here)
    result = run(*arguments, "--force")
    assert (result.code, result.out) == (2, "")
    assert "is the input itself: name another output" in result.err
    assert contents(here) == before


@pytest.mark.parametrize("folder", ["pictures", "folder"])
def test_no_picture_is_written_among_those_that_are_read(run, here, folder):
    before = contents(here)
    for arguments in (
        ["compress", "pictures", "x.fgvc", *SMALL, "--report", folder],
        ["score", "pictures", "pictures", "--metrics", "psnr", "--plot", f"{folder}/new.png"],
        ["strip", "pictures", f"{folder}/new.png", "--prior", "analytic"],
    ):
        result = run(*arguments)
        assert (result.code, result.out) == (2, "")
        assert "would be one of the pictures of the input pictures" in result.err
        assert contents(here) == before
    with open_video("pictures") as video:
        assert np.array_equal(next(iter(video)), waves(3)[0])


def test_a_report_replaces_no_input_that_has_its_name(run, here):
    Path("r").mkdir()
    source = Path("a.png").rename("r/scores.png")
    before = contents(here)
    result = run("compress", source, "x.fgvc", *SMALL, "--report", "r", "--force")
    assert (result.code, result.out) == (2, "")
    assert "is the input itself" in result.err
    assert contents(here) == before
