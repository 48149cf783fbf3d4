"""The file under a journal: whole records come back, a torn one is cut off, damage is named."""

import os
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from freegvc._codec.record_file import MAGIC, RecordFile, read_records
from freegvc._run_lock import lock
from freegvc.errors import JournalError, OutputExistsError, UsageError

PAYLOADS = [b"plan", b"", b"\0" * 40, bytes(range(256))]


def write(path, payloads=PAYLOADS):
    file = RecordFile.create(path)
    for payload in payloads:
        file.append(payload)
    file.close()
    return path.read_bytes()


def reopened(path):
    file, payloads = RecordFile.reopen(path)
    file.close()
    return payloads


def ends(payloads):
    """Where each record ends, the magic included."""
    found = [len(MAGIC)]
    for payload in payloads:
        found.append(found[-1] + 12 + len(payload))
    return found


@settings(max_examples=30, deadline=None)
@given(payloads=st.lists(st.binary(max_size=60), max_size=5), more=st.binary(max_size=60))
def test_records_come_back_and_go_on(tmp_path_factory, payloads, more):
    path = tmp_path_factory.mktemp("records") / "j"
    write(path, payloads)
    file, found = RecordFile.reopen(path)
    assert found == payloads
    file.append(more)
    file.close()
    assert reopened(path) == read_records(path) == [*payloads, more]


def test_a_file_cut_at_any_byte_keeps_its_whole_records(tmp_path):
    path = tmp_path / "j"
    data = write(path)
    for size in range(len(data) + 1):
        path.write_bytes(data[:size])
        whole = sum(end <= size for end in ends(PAYLOADS)[1:])
        assert reopened(path) == PAYLOADS[:whole], size
        assert path.stat().st_size == max(ends(PAYLOADS)[whole], len(MAGIC))


@pytest.mark.parametrize("page", [1, 8, 16])
def test_pages_of_the_last_record_that_are_missing(tmp_path, page):
    """After a loss of power any page of the last record may be zeros."""
    path = tmp_path / "j"
    data = write(path)
    begin = ends(PAYLOADS)[-2]
    for lost in range(begin, len(data), page):
        path.write_bytes(data[:lost] + bytes(page) + data[lost + page :])
        assert reopened(path) in (PAYLOADS[:-1], PAYLOADS)
        path.write_bytes(data[:lost] + bytes(len(data) - lost + 4096))
        assert reopened(path) in (PAYLOADS[:-1], PAYLOADS)


def test_any_damaged_byte_before_the_last_record_is_an_error(tmp_path):
    path = tmp_path / "j"
    data = write(path)
    for place in range(ends(PAYLOADS)[-2]):
        path.write_bytes(data[:place] + bytes((data[place] ^ 0x10,)) + data[place + 1 :])
        with pytest.raises(JournalError, match=r"damaged|another kind of file"):
            RecordFile.reopen(path)


def test_an_existing_file_is_never_begun_anew(tmp_path):
    path = tmp_path / "j"
    data = write(path)
    with pytest.raises(OutputExistsError, match="j exists"):
        RecordFile.create(path)
    assert path.read_bytes() == data


def test_other_files_are_refused(tmp_path):
    path = tmp_path / "j"
    for data, words in (
        (b"others and more", "another kind of file"),
        (b"FGVC and more", "is a freegvc stream, and no part or journal"),
    ):
        path.write_bytes(data)
        with pytest.raises(JournalError, match=words):
            RecordFile.reopen(path)
        assert path.read_bytes() == data
    with pytest.raises(JournalError, match="cannot read"):
        read_records(tmp_path / "none")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no mkfifo")
def test_pipes_and_folders_are_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    for name, message in {"pipe": "pipe is a pipe, and no", "folder": "is a folder, and"}.items():
        for read in (read_records, RecordFile.reopen):
            with pytest.raises(JournalError, match=message):
                read(tmp_path / name)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no flock")
def test_two_runs_cannot_write_to_one_file(tmp_path):
    path = tmp_path / "j"
    file = RecordFile.create(path)
    with pytest.raises(UsageError, match="still at work"):
        RecordFile.reopen(path)
    file.append(b"mine")
    file.close()
    file.close()
    assert reopened(path) == [b"mine"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no limits of files")
def test_a_full_disk_is_named_and_leaves_what_was_there(tmp_path):
    path = tmp_path / "j"
    code = (
        "import resource, sys; from pathlib import Path\n"
        "from freegvc._codec.record_file import RecordFile\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))\n"
        "file = RecordFile.create(Path(sys.argv[1]))\n"
        "file.append(b'first'); file.append(bytes(90))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, path], capture_output=True, text=True, check=False
    )
    assert done.stderr.strip().endswith(f"File too large: '{path}'")
    assert path.stat().st_size == 100  # the torn record fills the disk
    assert reopened(path) == [b"first"]


def test_other_records_take_the_place_of_all(tmp_path):
    path = tmp_path / "j"
    file = RecordFile.create(path)
    for payload in PAYLOADS:
        file.append(payload)
    (tmp_path / "j.new").write_bytes(b"of a run that was killed here")
    file.replace([b"one", b"two"])
    file.append(b"three")
    with pytest.raises(UsageError, match="still at work"):
        RecordFile.reopen(path)
    file.close()
    assert reopened(path) == [b"one", b"two", b"three"]
    assert [file.name for file in tmp_path.iterdir()] == ["j"]


def test_records_stay_where_others_cannot_be_put(tmp_path, monkeypatch):
    path = tmp_path / "j"
    file = RecordFile.create(path)
    file.append(b"old")

    def fail(descriptor):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as full:
        full.setattr("freegvc._codec.record_file.os.fsync", fail)
        with pytest.raises(OSError, match="No space"):
            file.replace([b"new"])
    file.append(b"and more")
    file.close()
    assert reopened(path) == [b"old", b"and more"]
    assert [file.name for file in tmp_path.iterdir()] == ["j"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no flock")
def test_a_file_that_another_run_took_at_once_is_left_to_it(tmp_path, monkeypatch):
    path, other = tmp_path / "j", []

    def taken(descriptor, name):
        with monkeypatch.context() as real:
            real.setattr("freegvc._codec.record_file.lock", lock)
            other.append(RecordFile.reopen(path)[0])
        lock(descriptor, name)

    monkeypatch.setattr("freegvc._codec.record_file.lock", taken)
    with pytest.raises(UsageError, match="still at work"):
        RecordFile.create(path)
    other[0].append(b"its")
    other[0].close()
    assert read_records(path) == [b"its"]
