"""Outputs are complete or absent, and what came meanwhile is not replaced."""

import os
from pathlib import Path

import pytest

from freegvc._atomic import atomic_path, check_output
from freegvc._sibling_names import name_beside
from freegvc._study.page import check_page_folder
from freegvc._video.png import check_folder
from freegvc.errors import OutputExistsError, UsageError


def made(path, meanwhile, *, overwrite=False):
    """Write a file, and do something else before it gets its name."""
    with atomic_path(path, overwrite=overwrite) as temporary:
        temporary.write_bytes(b"ours")
        meanwhile()


def without_links(monkeypatch):
    def refuse(*paths):
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(os, "link", refuse)


@pytest.mark.parametrize("has_links", [True, False])
def test_a_file_that_came_meanwhile_stays_and_so_does_the_work(tmp_path, monkeypatch, has_links):
    if not has_links:
        without_links(monkeypatch)
    path = tmp_path / "clip.mkv"
    with pytest.raises(OutputExistsError, match=r"clip\.mkv came into being .* made is .*clip\.\w"):
        made(path, lambda: path.write_bytes(b"theirs"))
    assert path.read_bytes() == b"theirs"
    (kept,) = (file for file in tmp_path.iterdir() if file != path)
    assert kept.read_bytes() == b"ours"
    assert (kept.name[0], kept.suffix) == ("c", ".mkv")  # a name that no run takes for a leftover
    made(path, lambda: None, overwrite=True)
    made(tmp_path / "other.mkv", lambda: None)
    assert path.read_bytes() == (tmp_path / "other.mkv").read_bytes() == b"ours"
    assert len(list(tmp_path.iterdir())) == 3


def test_a_file_that_came_after_the_last_look_stays(tmp_path, monkeypatch):
    path, link = tmp_path / "a.bin", os.link

    def late(temporary, target):
        path.write_bytes(b"theirs")
        link(temporary, target)

    monkeypatch.setattr(os, "link", late)
    with pytest.raises(OutputExistsError, match=r"a\.bin came into being"):
        made(path, lambda: None)
    assert path.read_bytes() == b"theirs"
    assert sorted(file.read_bytes() for file in tmp_path.iterdir()) == [b"ours", b"theirs"]


def test_a_folder_that_came_meanwhile_stays(tmp_path):
    path = tmp_path / "a.bin"
    with pytest.raises(OutputExistsError, match=r"a\.bin came into being"):
        made(path, path.mkdir, overwrite=True)
    assert path.is_dir()
    assert len(list(tmp_path.glob("a.*.bin"))) == 1


LONGEST = 255  # bytes of a name


@pytest.mark.parametrize("name", ["a" * 243, "b" * 244, "c" * LONGEST, "é" * 127 + "x"])
def test_what_lies_beside_a_long_name_has_a_name_that_fits(tmp_path, name):
    path = tmp_path / name
    beside = name_beside(path, ".journal")
    assert beside.parent == tmp_path
    assert beside.name.endswith(".journal")
    assert len(os.fsencode(beside.name)) <= LONGEST - len(".new")
    assert beside == name_beside(path, ".journal")
    assert beside != name_beside(tmp_path / (name[:-1] + "y"), ".journal")
    beside.touch()
    if len(os.fsencode(name)) <= 243:
        assert beside.name == f"{name}.journal"


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="no /proc")
@pytest.mark.parametrize("folder", ["/proc", "/sys"])
def test_where_no_file_can_be_made_is_said_at_once(folder):
    """Root may write anywhere, says the system, until it tries."""
    for check in (check_output, check_folder, check_page_folder):
        with pytest.raises(UsageError, match=rf"out cannot be made in {folder} \(.*another folder"):
            check(Path(folder) / "out", overwrite=False)
