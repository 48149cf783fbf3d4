"""A run that goes on from its journal ends with the bytes of one that was never interrupted."""

import pytest

import freegvc
from freegvc import LikeFirstGop, Rate, Score, StopStep
from freegvc._channel.pfr.coder import PfrCoder
from freegvc._codec.coding import code_gops, prepare
from freegvc._codec.encoder import stream_of
from freegvc._codec.journal import Journal
from freegvc._codec.parts import compress_part
from freegvc._codec.record_file import RecordFile, read_records
from freegvc._video import open_video
from freegvc.errors import JournalMismatchError, OutputExistsError, UsageError
from freegvc.events import GopDone, GopStarted, ignore
from tests.codec.coding import FAST
from tests.codec.toy_priors import ContextPrior
from tests.video.sound_files import write_clip

GOPS = {"gop_length": 6, "overlap": 2}
CHAINED = {"gop_length": 8, "overlap": 4, "chain": True}
CONTEXT = {"gop_length": 8, "overlap": 4, "prior": ContextPrior()}
RUNS = {
    "stop step": (StopStep(900), GOPS),
    "rate": (Rate(bpp=0.3), GOPS),
    "prior's rate": (Rate(), GOPS),  # too small for the header, so it is raised on the way
    "even rate": (Rate(bpp=0.5, even="psnr"), GOPS),
    "kbps": (Rate(kbps=15.0), GOPS),
    "score": (Score("psnr", 22.0, max_probes=4), GOPS),
    "like the first GOP": (LikeFirstGop(StopStep(850), "psnr", max_probes=4), GOPS),
    "like the first GOP at a rate": (LikeFirstGop(Rate(bpp=0.4), "psnr", max_probes=3), GOPS),
    "chained": (StopStep(900), CHAINED),
    "chained rate": (Rate(bpp=0.3), CHAINED),
    "chained prior's rate": (Rate(), CHAINED),
    "chained score": (Score("psnr", 22.0, max_probes=3), CHAINED),
    "score with context": (Score("psnr", 22.0, max_probes=3), CONTEXT),
    "like the first GOP with context": (LikeFirstGop(StopStep(850), "psnr"), CONTEXT),
}


@pytest.fixture(scope="module")
def frames(scene):
    return scene(15, 32, 48)


def coded(
    video,
    target,
    *,
    prior="analytic",
    journal=None,
    resume=False,
    audio=None,
    on_event=ignore,
    **settings,
):
    """A stream, with a journal that stays."""
    given = freegvc.Settings(**{"coder": FAST, **settings})
    with open_video(video) as source:
        coding = prepare(source, target, given, prior, None, audio, on_event)
        if journal is None:
            return stream_of(coding, code_gops(coding))
        with Journal.open(journal, coding.plan, resume=resume) as kept:
            return stream_of(coding, code_gops(coding, kept))


def cut(journal, num_gops, torn=b""):
    """Leave the first GOPs of a journal, and perhaps a part of the next record."""
    payloads = read_records(journal)
    journal.unlink()
    file = RecordFile.create(journal)
    for payload in payloads[: 1 + num_gops]:
        file.append(payload)
    file.close()
    journal.write_bytes(journal.read_bytes() + torn)


@pytest.mark.filterwarnings("ignore::freegvc.errors.TargetWarning")
@pytest.mark.parametrize("run", RUNS)
def test_the_bytes_are_the_same_after_an_interruption(frames, tmp_path, run):
    target, settings = RUNS[run]
    journal = tmp_path / "j"
    undisturbed = coded(frames, target, **settings)
    whole = coded(frames, target, **settings, journal=journal)
    assert whole.data == undisturbed.data
    records, num_gops = journal.read_bytes(), whole.header.num_gops
    assert num_gops >= 3
    for kept in (num_gops - 1, num_gops):
        journal.write_bytes(records)
        cut(journal, kept, torn=b"torn")
        heard = []
        resumed = coded(
            frames, target, **settings, journal=journal, resume=True, on_event=heard.append
        )
        assert resumed.data == undisturbed.data
        assert [e.gop for e in heard if isinstance(e, GopStarted)] == list(range(kept, num_gops))
        assert [e.gop for e in heard if isinstance(e, GopDone)] == list(range(num_gops))
        again = read_records(journal)
        assert len(again) == 1 + num_gops
        assert again[: 1 + kept] == read_records_of(records, journal)[: 1 + kept]


def read_records_of(data, path):
    other = path.with_name("other")
    other.write_bytes(data)
    return read_records(other)


def test_a_journal_of_anything_else_is_refused(frames, tmp_path):
    journal = tmp_path / "j"
    coded(frames, StopStep(900), **GOPS, journal=journal)
    cut(journal, 2)
    kept = journal.read_bytes()
    other_end, other_start = frames.copy(), frames.copy()
    other_end[-1] ^= 1
    other_start[3] ^= 1
    for changes, message in [
        ({"target": StopStep(901)}, r"target is StopStep\(timestep=900\), .*=901\)"),
        ({"target": Rate(bpp=0.1)}, "whose target is"),
        ({"gop_length": 10}, "whose gop_length is 6, but here it is 10"),
        ({"growth": 1.4}, "whose growth is"),
        ({"coder": "trellis"}, "whose coder is 'pfr', but here it is 'trellis'"),
        ({"coder": PfrCoder(12)}, "whose coder_options is"),
        ({"video": frames[:-1]}, "whose num_frames is 15, but here it is 14"),
        ({"video": frames[:, :, :32]}, "whose width is 48, but here it is 32"),
        ({"video": other_start}, "of another input: its frames up to the end of GOP 0"),
    ]:
        given = {"video": frames, "target": StopStep(900), **GOPS, **changes}
        with pytest.raises(JournalMismatchError, match=message):
            coded(given.pop("video"), given.pop("target"), **given, journal=journal, resume=True)
        assert journal.read_bytes() == kept
    with pytest.raises(OutputExistsError, match=r"j is the journal .*resume=True.*or remove it"):
        coded(frames, StopStep(900), **GOPS, journal=journal)
    assert journal.read_bytes() == kept
    # the frames that differ are still to come: the stream is that of this input
    resumed = coded(other_end, StopStep(900), **GOPS, journal=journal, resume=True)
    assert resumed.data == coded(other_end, StopStep(900), **GOPS).data


def test_sound_is_a_part_of_the_plan(frames, tmp_path):
    journal = tmp_path / "j"
    heard = write_clip(tmp_path / "heard.mp4", shown=range(8))
    coded(heard, StopStep(950), journal=journal, audio="copy")
    with pytest.raises(JournalMismatchError, match="whose audio is '"):
        coded(heard, StopStep(950), journal=journal, audio="drop", resume=True)


def test_a_failure_keeps_what_is_finished(frames, tmp_path):
    journal = tmp_path / "j"

    with pytest.raises(KeyboardInterrupt):
        coded(frames, StopStep(900), **GOPS, journal=journal, on_event=stop_at(2))
    assert len(read_records(journal)) == 1 + 2
    resumed = coded(frames, StopStep(900), **GOPS, journal=journal, resume=True)
    assert resumed.data == coded(frames, StopStep(900), **GOPS).data


def test_a_failure_before_the_first_gop_leaves_no_journal(frames, tmp_path):
    def fail(event):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        coded(frames, StopStep(900), **GOPS, journal=tmp_path / "j", on_event=fail)
    assert list(tmp_path.iterdir()) == []


OPTIONS = {
    "prior": "analytic",
    "stop_step": 900,
    "settings": freegvc.Settings(coder=FAST, **GOPS),
}


def stop_at(gop, error=KeyboardInterrupt):
    def listen(event):
        if isinstance(event, GopStarted) and event.gop == gop:
            raise error

    return listen


def test_a_file_is_made_whatever_comes_between(frames, tmp_path):
    path, journal = tmp_path / "a.fgvc", tmp_path / "a.fgvc.journal"
    undisturbed = freegvc.compress(frames, **OPTIONS)
    for gop in (1, 2):
        with pytest.raises(KeyboardInterrupt):
            freegvc.compress_file(frames, path, **OPTIONS, resume=True, on_event=stop_at(gop))
        assert [file.name for file in tmp_path.iterdir()] == [journal.name]
        with pytest.raises(OutputExistsError, match=r"a\.fgvc\.journal is the journal"):
            freegvc.compress_file(frames, path, **OPTIONS, overwrite=True)
    heard = []
    returned = freegvc.compress_file(frames, path, **OPTIONS, resume=True, on_event=heard.append)
    assert returned.data == path.read_bytes() == undisturbed.data
    assert [e.gop for e in heard if isinstance(e, GopStarted)] == [2]
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_an_output_that_cannot_be_written_leaves_the_journal(frames, tmp_path, monkeypatch):
    def fail(*args, **kwargs):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as full:
        full.setattr(freegvc.CompressedVideo, "save", fail)
        with pytest.raises(OSError, match="No space"):
            freegvc.compress_file(frames, tmp_path / "a.fgvc", **OPTIONS)
    heard = []
    freegvc.compress_file(
        frames, tmp_path / "a.fgvc", **OPTIONS, resume=True, on_event=heard.append
    )
    assert not any(isinstance(event, GopStarted) for event in heard)


def test_the_longest_name_has_a_journal_too(frames, tmp_path):
    path = tmp_path / ("n" * 250 + ".fgvc")
    with pytest.raises(KeyboardInterrupt):
        freegvc.compress_file(frames, path, **OPTIONS, on_event=stop_at(2))
    assert not path.exists()
    heard = []
    freegvc.compress_file(frames, path, **OPTIONS, resume=True, on_event=heard.append)
    assert [e.gop for e in heard if isinstance(e, GopStarted)] == [2]
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_a_file_that_came_meanwhile_stays_and_the_journal_keeps_the_gops(frames, tmp_path):
    path, heard = tmp_path / "a.fgvc", []

    def come(event):
        if isinstance(event, GopDone):
            path.write_bytes(b"theirs")

    with pytest.raises(OutputExistsError, match=r"a\.fgvc came .*fgvc\.journal keeps .*--resume"):
        freegvc.compress_file(frames, path, **OPTIONS, on_event=come)
    assert path.read_bytes() == b"theirs"
    options = {**OPTIONS, "resume": True, "overwrite": True, "on_event": heard.append}
    freegvc.compress_file(frames, path, **options)
    assert not any(isinstance(event, GopStarted) for event in heard)
    assert [file.name for file in tmp_path.iterdir()] == ["a.fgvc"]


def test_what_exists_is_refused_before_any_work(frames, tmp_path):
    path = tmp_path / "a.fgvc"
    path.write_bytes(b"old")
    with pytest.raises(OutputExistsError, match=r"a\.fgvc exists"):
        freegvc.compress_file(frames, path, prior="none such", stop_step=900)
    path.with_name("a.fgvc.journal").write_bytes(b"a journal")
    with pytest.raises(OutputExistsError, match="is the journal"):
        freegvc.compress_file(frames, path, prior="none such", stop_step=900, overwrite=True)
    assert path.read_bytes() == b"old"


def test_nothing_is_written_over_the_video_or_under_its_kind_of_name(frames, tmp_path):
    clip = tmp_path / "clip.fgvc"  # of any name
    freegvc.Video.from_array(frames).save(tmp_path / "clip.y4m")
    (tmp_path / "clip.y4m").rename(clip)
    link = tmp_path / "link.fgvc"
    link.symlink_to(clip)
    before = clip.read_bytes()
    keywords = {"prior": "analytic", "stop_step": 950, "overwrite": True}
    stream = freegvc.compress(frames, prior="analytic", stop_step=950)
    for path in (clip, link):
        with pytest.raises(UsageError, match="is the input itself: name another output"):
            freegvc.compress_file(clip, path, **keywords)
        with pytest.raises(UsageError, match="is the input itself: name another output"):
            compress_part(clip, path, gops=range(1), **keywords)
    assert clip.read_bytes() == before
    for name in ("a.mp4", "a.journal"):
        with pytest.raises(UsageError, match=rf"{name} ends in"):
            freegvc.compress_file(frames, tmp_path / name, **keywords)
        with pytest.raises(UsageError, match=rf"{name} ends in"):
            stream.save(tmp_path / name)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clip.fgvc", "link.fgvc"]
