"""A run that is killed, ended or out of disk goes on with --resume, to the undisturbed bytes."""

import json
import os
import re
import signal
import time
from contextlib import suppress
from fractions import Fraction

import numpy as np
import pytest

from freegvc._codec.journal import count_gops
from freegvc._codec.record_file import read_records
from freegvc._video import Video
from freegvc._video.partial_folder import PartialFolder
from tests.cli.forked_server import Forked
from tests.cli.killed_commands import QUICK
from tests.cli.tiny_clip import NUM_FRAMES, waves

NUM_GOPS = 10


@pytest.fixture(scope="module")
def forked(clip, tmp_path_factory):
    server = Forked(clip, tmp_path_factory.mktemp("warm"), "compress")
    yield server
    server.stop()


@pytest.fixture(scope="module")
def long_clip(tmp_path_factory):
    path = tmp_path_factory.mktemp("long") / "clip.y4m"
    Video(waves(5 + 3 * (NUM_GOPS - 1)), Fraction(25)).save(path)
    return path


@pytest.fixture(scope="module")
def undisturbed(forked, long_clip, tmp_path_factory):
    """The bytes of a run to its end, and how long it takes."""
    output = tmp_path_factory.mktemp("undisturbed") / "a.fgvc"
    for _ in range(2):  # the first reads files that the second finds in memory
        began = time.monotonic()
        forked.start("compress", long_clip, output, *QUICK, "--force")
        code, err = forked.wait()
        assert code == 0, err
    return output.read_bytes(), time.monotonic() - began


def started(out):
    """The GOPs that a run has begun to code."""
    events = [json.loads(line) for line in out.read_text().splitlines()]
    return [event["gop"] for event in events if event["event"] == "GopStarted"]


def kept(journal):
    """How many finished GOPs there are; a run that was killed at its very start has no journal."""
    return count_gops(journal) if journal.exists() else 0


def resume(forked, clip, output, out):
    """Go on to the end; gives the GOPs that were coded, and what was said."""
    out.unlink(missing_ok=True)
    forked.start("compress", clip, output, *QUICK, "--resume", "--events", "ndjson", out=out)
    code, err = forked.wait()
    assert code == 0, err
    return started(out), err


def wait_for(journal, num_gops):
    """Wait until so many are finished."""
    deadline = time.monotonic() + 60
    while kept(journal) < num_gops and time.monotonic() < deadline:
        time.sleep(0.001)


def kill_at_random(forked, clip, undisturbed, folder, num_moments, number=signal.SIGKILL):
    """End runs at random moments and go on with each; gives how many GOPs each had finished."""
    data, seconds = undisturbed
    output, journal, out = folder / "a.fgvc", folder / "a.fgvc.journal", folder / "out"
    counts = []
    for moment in np.random.default_rng(3).uniform(0, seconds, num_moments):
        output.unlink(missing_ok=True)
        child = forked.start("compress", clip, output, *QUICK)
        time.sleep(moment)
        with suppress(ProcessLookupError):  # it has ended already
            os.kill(child, number)
        code, err = forked.wait()
        before = kept(journal)
        # a process that is killed while Python exits has done its work, too
        is_done = output.exists() and not journal.exists()
        assert is_done or code != 0
        if is_done:
            before = NUM_GOPS
        else:
            coded, _ = resume(forked, clip, output, out)
            assert coded == list(range(before, NUM_GOPS))  # none that was finished
        assert output.read_bytes() == data
        assert not journal.exists()
        counts.append(before)
        if number == signal.SIGTERM and not is_done and before:
            assert f"a.fgvc.journal keeps {before} finished GOP" in err
            assert err.splitlines()[-1] == "freegvc: error: ended by SIGTERM"
        for left in folder.glob(".a.*.tmp.fgvc"):
            assert number == signal.SIGKILL
            left.unlink()
    return counts


def test_killed_and_gone_on_with(forked, long_clip, undisturbed, tmp_path):
    counts = kill_at_random(forked, long_clip, undisturbed, tmp_path, 4)
    assert any(0 < count < NUM_GOPS for count in counts), "no run was killed at its work"


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_killed_at_twenty_moments(forked, long_clip, undisturbed, tmp_path, number):
    counts = kill_at_random(forked, long_clip, undisturbed, tmp_path, 20, number)
    assert sum(0 < count < NUM_GOPS for count in counts) >= 8


def test_killed_again_and_again(forked, long_clip, undisturbed, tmp_path):
    """One run, killed a few GOPs after each time that it goes on."""
    data, _ = undisturbed
    output, journal, out = tmp_path / "a.fgvc", tmp_path / "a.fgvc.journal", tmp_path / "out"
    for _ in range(2):
        before = kept(journal)
        child = forked.start("compress", long_clip, output, *QUICK, "--resume")
        wait_for(journal, before + 2)
        os.kill(child, signal.SIGKILL)
        forked.wait()
        assert kept(journal) >= before + 2
    coded, err = resume(forked, long_clip, output, out)
    assert coded[-1] == NUM_GOPS - 1
    assert len(coded) <= NUM_GOPS - 4
    assert f"a.fgvc.journal: {NUM_GOPS - len(coded)} GOPs finished before" in err
    assert output.read_bytes() == data


def test_ended_by_sigterm_keeps_the_journal_and_says_so(forked, long_clip, undisturbed, tmp_path):
    output, journal = tmp_path / "a.fgvc", tmp_path / "a.fgvc.journal"
    child = forked.start("compress", long_clip, output, *QUICK)
    wait_for(journal, 3)
    os.kill(child, signal.SIGTERM)
    code, err = forked.wait()
    assert code == 143, err
    assert [file.name for file in tmp_path.iterdir()] == [journal.name]
    line = f"freegvc: {journal} keeps {kept(journal)} finished GOPs: the same command with --resume"
    assert err.splitlines()[-2].startswith(line)
    forked.start("compress", long_clip, output, *QUICK)
    code, err = forked.wait()
    assert code == 2
    assert re.search(r"a\.fgvc\.journal is the journal .*\(--resume.*or remove it", err)
    resume(forked, long_clip, output, tmp_path / "out")
    assert output.read_bytes() == undisturbed[0]


def test_a_full_disk(forked, long_clip, undisturbed, tmp_path):
    """The journal grows until nothing more fits; what is in it is enough once there is room."""
    output, journal = tmp_path / "a.fgvc", tmp_path / "a.fgvc.journal"
    child = forked.start("compress", long_clip, output, *QUICK)
    wait_for(journal, 4)
    os.kill(child, signal.SIGKILL)
    forked.wait()
    limit = journal.stat().st_size
    journal.unlink()
    forked.start("compress", long_clip, output, *QUICK, limit=limit)
    code, err = forked.wait()
    assert code == 1
    assert err.splitlines()[-1] == f"freegvc: error: {journal}: File too large"
    before = kept(journal)
    assert 0 < before < NUM_GOPS
    assert f"keeps {before} finished GOP" in err
    coded, _ = resume(forked, long_clip, output, tmp_path / "out")
    assert coded == list(range(before, NUM_GOPS))
    assert output.read_bytes() == undisturbed[0]


def test_resume_where_there_is_nothing_to_go_on_with(run, clip, tmp_path):
    result = run("compress", clip, tmp_path / "a.fgvc", *QUICK, "--resume")
    assert result.code == 0
    assert "finished before" not in result.err
    assert [file.name for file in tmp_path.iterdir()] == ["a.fgvc"]
    result = run("compress", clip, tmp_path / "a.fgvc", *QUICK, "--resume")
    assert result.code == 2
    assert "a.fgvc exists" in result.err
    result = run("compress", clip, "-", *QUICK, "--resume")
    assert result.code == 2
    assert "--resume needs what an output file leaves beside it" in result.err


def test_a_journal_is_no_output(run, clip, tmp_path):
    journal = tmp_path / "a.fgvc.journal"
    journal.write_bytes(b"finished GOPs")
    result = run("compress", clip, journal, *QUICK, "--force")
    assert result.code == 2
    assert "a.fgvc.journal ends in .journal" in result.err
    assert journal.read_bytes() == b"finished GOPs"


def test_killed_between_the_output_and_the_end_of_its_journal(run, clip, tmp_path, monkeypatch):
    output, journal = tmp_path / "a.fgvc", tmp_path / "a.fgvc.journal"
    with monkeypatch.context() as killed:
        killed.setattr("freegvc._codec.journal.Journal.remove", lambda journal: None)
        assert run("compress", clip, output, *QUICK).code == 0
    data, records = output.read_bytes(), journal.read_bytes()
    result = run("compress", clip, output, *QUICK, "--resume")
    assert (result.code, result.err) == (0, f"freegvc: {output}: finished before\n")
    assert [file.name for file in tmp_path.iterdir()] == [output.name]
    assert output.read_bytes() == data
    journal.write_bytes(records)
    result = run("compress", clip, output, *QUICK, "--resume", "--events", "ndjson")
    events = [json.loads(line) for line in result.out.splitlines()]
    assert [event["event"] for event in events] == ["CommandStarted", "CommandDone"]
    assert events[-1]["num_bytes"] == len(data)
    journal.write_bytes(records)
    output.write_bytes(b"another file")
    assert run("compress", clip, output, *QUICK, "--resume").code == 2
    assert run("compress", clip, output, *QUICK, "--resume", "--force").code == 0
    assert output.read_bytes() == data


def test_a_report_of_a_run_that_went_on(run, clip, tmp_path, monkeypatch):
    def fail(self, *args, **kwargs):
        raise OSError(28, "No space left on device")

    target = ["--prior", "analytic", "--gop-length", "5", "--overlap", "2", "--target-psnr", "20"]
    with monkeypatch.context() as full:
        full.setattr("freegvc.CompressedVideo.save", fail)
        assert run("compress", clip, tmp_path / "a.fgvc", *target).code == 1
    output, report = tmp_path / "a.fgvc", tmp_path / "report"
    result = run("compress", clip, output, *target, "--resume", "--report", report)
    assert result.code == 0, result.err
    assert "PSNR" in result.err  # the scores of GOPs that were finished before
    assert any(report.iterdir())


def test_another_input_or_setting_is_refused(run, clip, tmp_path, monkeypatch):
    output, journal = tmp_path / "a.fgvc", tmp_path / "a.fgvc.journal"

    def fail(self, *args, **kwargs):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as full:
        full.setattr("freegvc.CompressedVideo.save", fail)
        assert run("compress", clip, output, *QUICK).code == 1
    data = journal.read_bytes()
    assert len(read_records(journal)) > 1
    result = run("compress", clip, output, *QUICK[:-1], "951", "--resume")
    assert result.code == 4
    assert "whose target is" in result.err
    other = tmp_path / "other.y4m"
    Video(255 - waves(), Fraction(25)).save(other)
    result = run("compress", other, output, *QUICK, "--resume")
    assert result.code == 4
    assert "of another input" in result.err
    assert "keeps" not in result.err
    assert journal.read_bytes() == data
    journal.write_bytes(data[:60] + b"?" + data[61:])
    result = run("compress", clip, output, *QUICK, "--resume")
    assert result.code == 4
    assert "damaged" in result.err


def test_a_damaged_journal_does_not_hide_why_a_run_failed(run, clip, tmp_path, monkeypatch):
    output, journal = tmp_path / "a.fgvc", tmp_path / "a.fgvc.journal"

    def fail(self, *args, **kwargs):
        data = journal.read_bytes()
        journal.write_bytes(data[:60] + b"?" + data[61:])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("freegvc.CompressedVideo.save", fail)
    result = run("compress", clip, output, *QUICK)
    assert result.code == 1
    assert result.err == "freegvc: error: No space left on device\n"


def pictures(folder):
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def test_a_folder_of_pictures_goes_on_by_frame(run, stream, tmp_path, monkeypatch):
    assert run("decompress", stream, tmp_path / "whole").code == 0
    whole = pictures(tmp_path / "whole")
    assert len(whole) == NUM_FRAMES
    output, partial = tmp_path / "f", tmp_path / "f.partial"
    write = PartialFolder.write

    def write_five(folder, frame):
        if folder.num_frames == 5:
            raise OSError(28, "No space left on device")
        write(folder, frame)

    with monkeypatch.context() as full:
        full.setattr(PartialFolder, "write", write_five)
        result = run("decompress", stream, output)
    assert result.code == 1
    assert f"{partial} keeps finished frames: the same command with --resume goes on" in result.err
    assert len(list(partial.glob("*.png"))) == 5
    result = run("decompress", stream, output)
    assert result.code == 2
    assert "f.partial holds the frames of a run that did not end" in result.err
    result = run("decompress", stream, output, "--frames", "1:", "--resume")
    assert result.code == 4
    result = run("decompress", stream, output, "--resume", "--events", "ndjson")
    assert result.code == 0, result.err
    assert f"{partial}: 5 frames finished before" in result.err
    events = [json.loads(line) for line in result.out.splitlines()]
    assert [event["gop"] for event in events if event["event"] == "GopStarted"] == [1, 2]
    assert pictures(output) == whole
    assert not partial.exists()


def test_all_frames_but_not_the_folder(run, stream, tmp_path, monkeypatch):
    output = tmp_path / "f"
    with monkeypatch.context() as killed:
        killed.setattr("freegvc._video.partial_folder.put_in_place", lambda *folders: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            run("decompress", stream, output)
    result = run("decompress", stream, output, "--resume")
    assert result.code == 0, result.err
    assert len(pictures(output)) == NUM_FRAMES


def test_pictures_after_kill_9(forked, clip, tmp_path):
    stream, output, partial = tmp_path / "a.fgvc", tmp_path / "f", tmp_path / "f.partial"
    forked.start("compress", clip, stream, *QUICK)
    assert forked.wait()[0] == 0
    child = forked.start("decompress", stream, output)
    deadline = time.monotonic() + 60
    while not (partial / "f00001.png").exists() and time.monotonic() < deadline:
        if output.exists():
            break
    os.kill(child, signal.SIGKILL)
    forked.wait()
    forked.start("decompress", stream, output, "--resume", "--force")
    code, err = forked.wait()
    assert code == 0, err
    assert len(pictures(output)) == NUM_FRAMES
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.fgvc", "f"]


def test_other_containers_are_written_anew(run, stream, tmp_path):
    result = run("decompress", stream, tmp_path / "a.mkv", "--resume")
    assert result.code == 0
    assert "a.mkv is written anew: only a folder of PNG files is gone on with" in result.err
