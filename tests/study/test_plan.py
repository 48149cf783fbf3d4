"""Plans from files and folders, and what is refused."""

import json
import os

import pytest

from freegvc._study.plan import read_plan
from freegvc.errors import StudyError


@pytest.fixture
def folder(tmp_path):
    for name in ("bikes", "foreman"):
        place = tmp_path / "plan" / name
        (place / "x265").mkdir(parents=True)
        for file in ("reference.mp4", "freegvc.fgvc", ".hidden", "v1.5.y4m"):
            (place / file).touch()
    (tmp_path / "plan" / "notes.txt").touch()
    return tmp_path / "plan"


def write(folder, content):
    path = folder / "plan.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def test_a_folder_and_a_file_say_the_same(folder):
    codecs = {"freegvc": "freegvc.fgvc", "v1.5": "v1.5.y4m", "x265": "x265"}
    content = {
        name: {c: f"{name}/{f}" for c, f in {**codecs, "reference": "reference.mp4"}.items()}
        for name in ("bikes", "foreman")
    }
    plan = read_plan(folder)
    assert plan == read_plan(write(folder, content))
    assert plan.codecs == ("freegvc", "v1.5", "x265")
    assert [sequence.name for sequence in plan.sequences] == ["bikes", "foreman"]
    assert plan.sequences[0].reference == folder / "bikes" / "reference.mp4"
    assert plan.sequences[0].versions["x265"] == folder / "bikes" / "x265"


FILES = {"reference": "bikes/reference.mp4", "a": "bikes/x265", "b": "bikes/v1.5.y4m"}
BAD = {
    "no json": "{",
    "not text": b"\xff\xfe".decode("latin1"),
    "a list": [],
    "deep": "[" * 100_000,
    "nan": '{"s": NaN}',
    "a key twice": f'{{"s": {json.dumps(FILES)}, "s": {json.dumps(FILES)}}}',
    "no sequences": {},
    "too many sequences": {str(k): FILES for k in range(201)},
    "no files": {"s": 3},
    "a number as a file": {"s": {**FILES, "c": 3}},
    "no reference": {"s": {"a": "bikes/x265", "b": "bikes/x265"}},
    "one codec": {"s": {"reference": "bikes/x265", "a": "bikes/x265"}},
    "too many codecs": {"s": {**FILES, **{str(k): "bikes/x265" for k in range(19)}}},
    "a missing file": {"s": {**FILES, "c": "missing.mp4"}},
    "other codecs": {"s": FILES, "t": {**FILES, "c": "bikes/x265"}},
    "a name of control characters": {"s\x1b[2J": FILES},
    "a name that is too long": {"s": {**FILES, "c": "x" * 5000}},
    "a codec that is named as a check": {"s": {**FILES, "poor": "bikes/x265"}},
    "an empty name": {"s": {**FILES, "": "bikes/x265"}},
}


@pytest.mark.parametrize("name", BAD)
def test_bad_files_are_refused(folder, name):
    with pytest.raises(StudyError, match=r"plan\.json"):
        read_plan(write(folder, BAD[name]))


def test_bad_folders_are_refused(folder, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(StudyError, match="0 sequences"):
        read_plan(tmp_path / "empty")
    with pytest.raises(StudyError, match="no folder"):
        read_plan(tmp_path / "missing")
    with pytest.raises(StudyError, match="cannot be read"):
        read_plan(tmp_path / "missing.json")
    os.mkfifo(tmp_path / "pipe.json")
    with pytest.raises(StudyError, match="pipe"):
        read_plan(tmp_path / "pipe.json")
    (folder / "bikes" / "x265.mp4").touch()
    with pytest.raises(StudyError, match="both versions of 'x265'"):
        read_plan(folder)
    (folder / "bikes" / "x265.mp4").unlink()
    (folder / "bikes" / "reference.mp4").unlink()
    with pytest.raises(StudyError, match="no 'reference'"):
        read_plan(folder)
