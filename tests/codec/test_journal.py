"""The journal: what it keeps comes back exactly, and it is never taken for that of another run."""

import math
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from freegvc._codec.input_digest import InputDigest
from freegvc._codec.journal import Journal, journal_path
from freegvc._codec.journal_records import PartEnd
from freegvc._codec.record_file import RecordFile
from freegvc._control.finished_gop import FinishedGop
from freegvc._run_lock import lock
from freegvc._video import cut_gops, open_video
from freegvc.errors import JournalError, JournalMismatchError, OutputExistsError, UsageError
from freegvc.events import GopDone

PLAN = {"prior": "analytic", "width": 416, "gammas": (64, 32), "target": {"stop_step": 900}}


def finished(index, **fields):
    done = GopDone(index, 900, 3, 4, 0.1, True, 2, {"walk": 0.3}, 17)
    return FinishedGop(**({"packet": b"a\nb\0", "done": done} | fields))


def same(one, other):
    assert (one.packet, one.done, one.state) == (other.packet, other.done, other.state)
    assert (one.tail is None) == (other.tail is None)
    if one.tail is not None:
        assert one.tail.tobytes() == other.tail.tobytes()
        assert one.tail.shape == other.tail.shape


@settings(max_examples=30, deadline=None)
@given(
    packet=st.binary(max_size=50),
    numbers=st.lists(st.floats(allow_nan=False) | st.integers(), max_size=5),
    tail=st.none() | st.lists(st.floats(width=32), min_size=6, max_size=6),
)
def test_what_is_kept_comes_back_exactly(tmp_path_factory, packet, numbers, tail):
    path = tmp_path_factory.mktemp("journal") / "j"
    samples = None if tail is None else np.array(tail, np.float32).reshape(1, 2, 3)
    gops = [finished(0), finished(1, packet=packet, state={"numbers": numbers}, tail=samples)]
    with Journal.open(path, PLAN, resume=False) as journal:
        for gop in gops:
            journal.add(gop, f"digest {gop.index}")
    with Journal.open(path, PLAN, resume=True) as journal:
        assert list(journal.gops) == [0, 1]
        for gop in gops:
            kept = journal.gops[gop.index]
            same(kept.finished, gop)
            assert kept.input_digest == f"digest {gop.index}"
        journal.add(finished(2), "")
    with Journal.open(path, PLAN, resume=True) as journal:
        assert list(journal.gops) == [0, 1, 2]


def test_tails_that_have_served_are_dropped(tmp_path, monkeypatch):
    monkeypatch.setattr("freegvc._codec.journal.MAX_IDLE_BYTES", 10_000)
    path, largest = tmp_path / "j", 0
    tails = np.random.default_rng(1).standard_normal((40, 1, 250, 4)).astype(np.float32)
    for begin in range(0, 40, 8):  # with a run that does not end in between
        with Journal.open(path, PLAN, resume=True) as journal:
            assert list(journal.gops) == list(range(begin))
            for index in range(begin, begin + 8):
                state = {"index": index}
                journal.add(finished(index, tail=tails[index], state=state), str(index))
                largest = max(largest, path.stat().st_size)
    with Journal.open(path, PLAN, resume=True) as journal:
        for index, gop in journal.gops.items():
            tail = tails[index] if index == 39 else None
            same(gop.finished, finished(index, tail=tail, state={"index": index}))
            assert gop.input_digest == str(index)
    assert largest < 40_000  # all tails take 160,000 bytes


def test_floats_beyond_all_numbers(tmp_path):
    with Journal.open(tmp_path / "j", PLAN, resume=False) as journal:
        journal.add(finished(0, state={"floor": math.inf}), "")
    with Journal.open(tmp_path / "j", PLAN, resume=True) as journal:
        assert journal.gops[0].finished.state == {"floor": math.inf}


def test_an_old_journal_is_named_and_not_touched(tmp_path):
    path = tmp_path / "clip.fgvc.journal"
    with Journal.open(path, PLAN, resume=False) as journal:
        journal.add(finished(0), "")
    data = path.read_bytes()
    with pytest.raises(OutputExistsError, match=r"clip\.fgvc\.journal is .*--resume.*or remove it"):
        Journal.open(path, PLAN, resume=False)
    for name, value in (("width", 640), ("gammas", (64, 33)), ("target", {"stop_step": 901})):
        with pytest.raises(JournalMismatchError, match=f"whose {name} is .* but here it is"):
            Journal.open(path, {**PLAN, name: value}, resume=True)
    target = {"kind": "StopStep", "timestep": 500}
    with pytest.raises(JournalMismatchError, match=r"here it is StopStep\(timestep=500\): give"):
        Journal.open(path, {**PLAN, "target": target}, resume=True)
    with pytest.raises(JournalMismatchError, match="whose more is None"):
        Journal.open(path, {**PLAN, "more": 1}, resume=True)
    with pytest.raises(JournalMismatchError, match=r"is None, .* 0\.1, which effort decides"):
        Journal.open(path, {**PLAN, "first_step": 0.1}, resume=True)
    with pytest.raises(JournalMismatchError, match="whose width is 416, but here it is None"):
        Journal.open(path, {n: v for n, v in PLAN.items() if n != "width"}, resume=True)
    assert path.read_bytes() == data


def test_resuming_without_a_journal_begins_one(tmp_path):
    with Journal.open(tmp_path / "j", PLAN, resume=True) as journal:
        assert journal.gops == {}
        journal.remove()
    assert not list(tmp_path.iterdir())


def test_a_run_that_was_killed_in_its_first_record(tmp_path):
    path = tmp_path / "j"
    for data in (b"", b"FG", b"FGVJ\x01", b"FGVJ\x01\x20\0\0"):
        path.write_bytes(data)
        with Journal.open(path, PLAN, resume=True) as journal:
            journal.add(finished(0), "")
        with Journal.open(path, PLAN, resume=True) as journal:
            assert list(journal.gops) == [0]
        path.unlink()


def test_a_file_that_is_closed_takes_nothing(tmp_path):
    with Journal.open(tmp_path / "j", PLAN, resume=False) as journal:
        pass
    with pytest.raises(UsageError, match="closed"):
        journal.add(finished(0), "")


@pytest.mark.parametrize(
    ("payloads", "message"),
    [
        ([b"no json"], "is not JSON"),
        ([b"[]"], "is not a JSON object"),
        ([b"{}"], "does not begin with a plan"),
        ([b'{"plan": {}}', b"{}\n"], "is not that of a GOP"),
        ([b'{"plan": {}}', b"\xff"], "is not JSON"),
    ],
)
def test_records_of_another_kind(tmp_path, payloads, message):
    file = RecordFile.create(tmp_path / "j")
    for payload in payloads:
        file.append(payload)
    file.close()
    with pytest.raises(JournalError, match=message):
        Journal.open(tmp_path / "j", {}, resume=True)


def test_gops_are_finished_in_order(tmp_path):
    path = tmp_path / "j"
    with Journal.open(path, PLAN, resume=False) as journal:
        journal.add(finished(10), "")  # a part of a video may begin anywhere
        journal.add(finished(11), "")
        for wrong in (11, 13, 9):
            with pytest.raises(JournalError, match=f"GOP {wrong} follows GOP 11"):
                journal.add(finished(wrong), "")
    with Journal.open(path, PLAN, resume=True) as journal:
        assert list(journal.gops) == [10, 11]


def test_the_digest_is_over_all_frames_so_far_and_no_others():
    frames = np.random.default_rng(1).integers(0, 256, (12, 4, 6, 3), np.uint8)

    def digests(frames, gop_length, overlap):
        digest = InputDigest()
        return [digest.add(gop) for gop in cut_gops(open_video(frames), gop_length, overlap)]

    whole = digests(frames, 4, 0)
    assert len(set(whole)) == 3
    assert digests(frames[:8], 4, 0)[0] == whole[0]
    assert digests(frames[:8], 4, 0)[1] != whole[1]  # where the last GOP is another one
    for place in (0, 5, 11):
        other = frames.copy()
        other[place, 0, 0, 0] ^= 1
        found = digests(other, 4, 0)
        differs = [mine != its for mine, its in zip(found, whole, strict=True)]
        assert differs == [gop >= place // 4 for gop in range(3)]


@pytest.mark.parametrize("path", ["", ".", "/"])
def test_a_folder_has_no_journal(path):
    with pytest.raises(UsageError, match="is a folder: name a file"):
        journal_path(Path(path))


END = PartEnd(before=None, is_last=True, num_frames=5, last_advance=0, timestamps=None, audio=None)
ENDINGS = {
    "removed": Journal.remove,
    "a part": lambda journal: journal.finish_part(
        END, journal.path.parent / "part", overwrite=False
    ),
    "replaced": lambda journal: journal._file.replace([b"{}"]),
}
needs_locks = pytest.mark.skipif(os.name == "nt", reason="Windows has no flock")


@needs_locks
@pytest.mark.parametrize("ending", ENDINGS)
def test_a_journal_that_goes_while_another_run_opens_it(tmp_path, monkeypatch, ending):
    """What that run wrote to it would be lost, or follow the end of a part."""
    first = Journal.open(tmp_path / "j", PLAN, resume=False)
    first.add(finished(0), "")

    def late(descriptor, path):
        monkeypatch.undo()
        ENDINGS[ending](first)
        first.close()
        lock(descriptor, path)

    monkeypatch.setattr("freegvc._codec.record_file.lock", late)
    with pytest.raises(UsageError, match=r"j was .* another run .* again"):
        Journal.open(tmp_path / "j", PLAN, resume=True)


@needs_locks
@pytest.mark.parametrize("ending", ["removed", "a part"])
def test_a_journal_is_locked_until_its_name_is_gone(tmp_path, monkeypatch, ending):
    path, asked = tmp_path / "j", []
    journal = Journal.open(path, PLAN, resume=False)
    journal.add(finished(0), "")

    def watched(act):
        def watch(self, *rest, **more):
            if self == path:
                asked.append(self)
                with pytest.raises(UsageError, match="still at work"):
                    RecordFile.reopen(path)
            return act(self, *rest, **more)

        return watch

    monkeypatch.setattr(Path, "unlink", watched(Path.unlink))
    monkeypatch.setattr(Path, "replace", watched(Path.replace))
    ENDINGS[ending](journal)
    assert asked == [path]
    assert not path.exists()
