"""Several inputs with --out-dir: what fails, what is skipped, what is refused."""

import errno
import json
import shutil
from pathlib import Path

import pytest

from freegvc import CompressedVideo, errors
from freegvc._cli.batch import outputs_of
from freegvc._codec.journal import Journal
from freegvc._video import Video, load_video
from tests.cli.tiny_clip import waves

QUICK = ["--prior", "analytic", "--gop-length", "4", "--overlap", "1", "--stop-step", "950"]


@pytest.fixture
def folder(clip, tmp_path):
    """Two clips and a file that is none."""
    shutil.copy(clip, tmp_path / "a.y4m")
    Video(waves(5), 25).save(tmp_path / "b.y4m")
    (tmp_path / "broken.y4m").write_bytes(b"no video")
    return tmp_path


def names(path):
    return sorted(file.name for file in path.iterdir())


def test_files_after_a_failure_are_coded_and_it_is_listed_at_the_end(run, folder):
    inputs = [folder / "a.y4m", folder / "broken.y4m", folder / "b.y4m"]
    result = run("compress", inputs[0], *QUICK, *inputs[1:], "--out-dir", folder / "new" / "out")
    assert result.code == errors.VideoError.exit_code
    out = folder / "new" / "out"
    assert names(out) == ["a.fgvc", "b.fgvc"]
    assert run("compress", inputs[0], folder / "alone.fgvc", *QUICK).code == 0
    assert (out / "a.fgvc").read_bytes() == (folder / "alone.fgvc").read_bytes()
    lines = result.err.splitlines()
    assert "3 files: 2 done, 0 finished before, 1 failed" in lines[-2]
    assert str(inputs[1]) in lines[-1]
    for line, done in ((f"{out / 'a.fgvc'}: ", "1 of 3"), (f"{inputs[1]}: failed", "2 of 3")):
        assert line in result.err
        assert f"compress: {done} files" in result.err


def test_what_the_system_refuses_of_one_file_does_not_end_the_batch(run, folder, monkeypatch):
    begin = Journal.open

    def refuse(path, *rest, **more):
        if path.name == "a.fgvc.journal":
            raise OSError(errno.ENAMETOOLONG, "File name too long", str(path))
        return begin(path, *rest, **more)

    monkeypatch.setattr(Journal, "open", refuse)
    refused = folder / "a.y4m"
    words = [refused, folder / "b.y4m", "--out-dir", folder / "out", "--events", "ndjson"]
    result = run("compress", *words, *QUICK)
    assert result.code == 1
    assert names(folder / "out") == ["b.fgvc"]
    lines = result.err.splitlines()
    assert "2 files: 1 done, 0 finished before, 1 failed" in lines[-2]
    assert lines[-1].endswith(".fgvc.journal: File name too long")
    told = [json.loads(line) for line in result.out.splitlines()]
    (failed,) = [event for event in told if event["event"] == "CommandFailed"]
    assert (failed["file"], failed["error"], failed["exit_code"]) == (str(refused), "OSError", 1)
    assert told[-1]["failed"] == [str(refused)]


def test_a_full_disk_ends_the_batch(run, folder, monkeypatch):
    def fail(self, *args, **kwargs):
        raise OSError(errno.ENOSPC, "No space left on device", "out/a.fgvc")

    monkeypatch.setattr(CompressedVideo, "save", fail)
    words = [folder / "a.y4m", folder / "b.y4m", "--out-dir", folder / "out"]
    result = run("compress", *words, *QUICK)
    assert result.code == 1
    assert result.err.splitlines()[-2:] == [
        "freegvc: 2 files: 0 done, 0 finished before, 0 failed, 2 not done",
        "freegvc: error: out/a.fgvc: No space left on device",
    ]
    assert names(folder / "out") == ["a.fgvc.journal"]


def test_a_folder_of_images_gives_its_own_name(folder, monkeypatch):
    monkeypatch.chdir(folder)
    (folder / "below").mkdir()
    here = str(Path("o") / f"{folder.resolve().name}.fgvc")
    for name in (".", "below/..", str(folder)):
        assert outputs_of([name], "o", ".fgvc") == [here]


def test_finished_files_are_skipped_and_cut_ones_coded_again(run, folder):
    inputs, out = [folder / "a.y4m", folder / "b.y4m"], folder / "out"
    command = ["compress", *inputs, *QUICK, "--out-dir", out]
    assert run(*command).code == 0
    whole = (out / "b.fgvc").read_bytes()
    before = (out / "a.fgvc").stat()
    for damaged in (whole[:-3], whole[:-3] + b"abc", whole[:9]):
        (out / "b.fgvc").write_bytes(damaged)
        result = run(*command)
        assert result.code == 0, result.err
        assert "2 files: 1 done, 1 finished before, 0 failed" in result.err
        assert (out / "b.fgvc").read_bytes() == whole
    after = (out / "a.fgvc").stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert run(*command, "--force").code == 0
    assert (out / "a.fgvc").stat().st_ino != before.st_ino


def test_what_is_not_ours_is_never_replaced(run, folder):
    out = folder / "out"
    out.mkdir()
    (out / "a.fgvc").write_bytes(b"a diary")
    result = run("compress", folder / "a.y4m", *QUICK, "--out-dir", out)
    assert result.code == errors.OutputExistsError.exit_code
    assert (out / "a.fgvc").read_bytes() == b"a diary"


def test_the_prior_is_loaded_once(run, folder, monkeypatch):
    from freegvc import priors
    from freegvc._codec import kept_prior

    loaded = []

    def count(module, name):
        real = getattr(module, name)
        monkeypatch.setattr(module, name, lambda *a, **k: loaded.append(name) or real(*a, **k))

    count(priors, "load_prior")
    out = folder / "out"
    inputs = [folder / "a.y4m", folder / "b.y4m"]
    assert run("compress", *inputs, *QUICK, "--out-dir", out).code == 0
    assert loaded == ["load_prior"]
    count(kept_prior, "load_prior_of")
    streams = [out / "a.fgvc", out / "b.fgvc"]
    assert run("decompress", *streams, "--out-dir", folder / "back").code == 0
    assert loaded[1:].count("load_prior_of") == 1


def test_streams_come_back_in_a_format_and_only_once(run, folder):
    out, back = folder / "out", folder / "back"
    inputs = [folder / "a.y4m", folder / "b.y4m"]
    assert run("compress", *inputs, *QUICK, "--out-dir", out).code == 0
    streams = [out / "a.fgvc", out / "b.fgvc"]
    for form, made in (("png", ["a", "b"]), ("y4m", ["a", "a.y4m", "b", "b.y4m"])):
        command = ["decompress", *streams, "--out-dir", back, "--format", form]
        assert run(*command).code == 0
        assert names(back) == made
        assert "2 files: 0 done, 2 finished before, 0 failed" in run(*command).err
    assert load_video(back / "a").num_frames == 9
    # another video of that name is neither taken for a result nor replaced
    shutil.copy(folder / "b.y4m", back / "a.y4m")
    result = run(*command)
    assert result.code == errors.OutputExistsError.exit_code
    assert (back / "a.y4m").read_bytes() == (folder / "b.y4m").read_bytes()


def test_one_output_for_two_inputs_is_refused_before_any_work(run, folder):
    shutil.copy(folder / "a.y4m", folder / "a.yuv")
    result = run("compress", folder / "a.y4m", folder / "a.yuv", "--out-dir", folder / "out")
    assert result.code == 2
    assert "a.yuv" in result.err
    assert not (folder / "out").exists()
    with pytest.raises(errors.UsageError, match="both"):
        outputs_of(["x/clip.mp4", "y/clip.mkv"], "out", ".fgvc")
    (folder / "take.1").mkdir()
    (folder / "take.2").mkdir()
    takes = [str(folder / "take.1"), str(folder / "take.2")]
    made = outputs_of(takes, "out", ".fgvc")
    assert made == [str(Path("out") / name) for name in ("take.1.fgvc", "take.2.fgvc")]


@pytest.mark.parametrize(
    "words",
    [
        ["compress", "a.y4m", "b.y4m", "--force"],
        ["compress", "a.y4m", "b.y4m", "c.fgvc"],
        ["compress", "a.y4m"],
        ["compress", "a.y4m", "-", "--out-dir", "out"],
        ["compress", "a.y4m", "b.y4m", "--out-dir", "out", "--report", "r"],
        ["compress", "a.y4m", "b.y4m", "--out-dir", "out", "--stop-step", "9", "--metric", "psnr"],
        ["decompress", "a.fgvc", "b.mkv", "--format", "png"],
        ["decompress", "a.fgvc", "b.fgvc", "c.fgvc"],
    ],
)
def test_refused_before_any_work(run, folder, monkeypatch, words):
    monkeypatch.chdir(folder)
    before = {name: (folder / name).read_bytes() for name in names(folder)}
    result = run(*words)
    assert result.code == 2
    assert result.err.count("\n") == 1
    assert {name: (folder / name).read_bytes() for name in names(folder)} == before


def test_names_may_stand_anywhere(run, folder, monkeypatch):
    monkeypatch.chdir(folder)
    assert run("compress", "a.y4m", *QUICK, "c.fgvc").code == 0
    assert run("compress", *QUICK, "--out-dir", "out", "a.y4m", "--force", "--", "b.y4m").code == 0
    assert names(folder / "out") == ["a.fgvc", "b.fgvc"]
    assert CompressedVideo.open("c.fgvc").header.num_frames == 9


def test_events_of_a_batch_name_the_file(run, folder):
    inputs = [folder / "a.y4m", folder / "broken.y4m"]
    command = ["compress", *inputs, *QUICK, "--out-dir", folder / "out", "--events", "ndjson"]
    for first in ("CommandStarted", "FileSkipped"):
        result = run(*command)
        lines = [json.loads(line) for line in result.out.splitlines()]
        assert [line["file"] for line in lines[:-1]] == sorted(line["file"] for line in lines[:-1])
        mine = [line["event"] for line in lines if line.get("file") == str(inputs[0])]
        other = [line["event"] for line in lines if line.get("file") == str(inputs[1])]
        assert (mine[0], other) == (first, ["CommandStarted", "CommandFailed"])
        last = lines[-1]
        assert (last["event"], last["exit_code"]) == ("BatchDone", result.code)
        assert last["failed"] == [str(inputs[1])]
    assert last["skipped"] == [str(inputs[0])]
