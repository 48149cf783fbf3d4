"""Parts of a video, coded apart and merged."""

import re
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

import freegvc
from freegvc import LikeFirstGop, Rate, Score, StopStep
from freegvc._codec.record_file import RecordFile, read_records
from freegvc.errors import (
    JournalError,
    JournalMismatchError,
    LargeStreamWarning,
    OutputExistsError,
    TargetError,
    UsageError,
)
from freegvc.events import GopDone, GopStarted
from freegvc.priors.analytic import AnalyticPrior
from tests.codec.coding import FAST, compress
from tests.video.sound_files import write_clip

GOPS = {"gop_length": 6, "overlap": 2}
NUM_GOPS = 5


@pytest.fixture(scope="module")
def frames(scene):
    return scene(23, 32, 48)


def code(video, path, gops, target, *, settings=None, **keywords):
    given = freegvc.Settings(**{"coder": FAST, **GOPS, **(settings or {})})
    return freegvc.compress_part(
        video, path, target, gops=gops, settings=given, **{"prior": "analytic", **keywords}
    )


def parts_of(video, folder, target, cuts=(0, 2, 3, 99), **keywords):
    """Part files, in another order than that of their GOPs."""
    paths = []
    for start, stop in pairwise(cuts):
        paths.append(folder / f"{start}.part")
        code(video, paths[-1], range(start, stop), target, **keywords)
    return paths[::-1]


def test_a_merged_stream_is_that_of_one_run(frames, tmp_path):
    whole = compress(frames, StopStep(900), **GOPS)
    assert whole.header.num_gops == NUM_GOPS
    for cuts in [(0, 1, 2, 3, 4, 5), (0, 4, 99)]:
        folder = tmp_path / str(cuts)
        folder.mkdir()
        parts = parts_of(frames, folder, StopStep(900), cuts)
        assert freegvc.merge(parts).data == whole.data
        assert len(list(folder.iterdir())) == len(parts)  # and no journal


def test_a_link_stays_one_and_the_file_that_it_points_to_is_written(frames, tmp_path):
    there = tmp_path / "disk"
    there.mkdir()
    (there / "real.part").write_bytes(b"old")
    link = tmp_path / "link.part"
    link.symlink_to(there / "real.part")
    code(frames, link, range(99), StopStep(900), overwrite=True)
    assert link.is_symlink()
    assert freegvc.merge([there / "real.part"]).data == compress(frames, StopStep(900), **GOPS).data
    assert sorted(file.name for file in tmp_path.rglob("*")) == ["disk", "link.part", "real.part"]


def test_a_video_whose_clock_varies_and_has_sound(tmp_path, scene):
    clip = write_clip(tmp_path / "a.mp4", shown=[*range(10), *range(12, 20)])
    target = StopStep(950)
    whole = compress(clip, target, **GOPS, audio="copy")
    assert whole.timestamps is not None
    assert whole.audio is not None
    parts = parts_of(clip, tmp_path, target, audio="copy")
    assert freegvc.merge(parts).data == whole.data


def test_a_last_gop_that_is_divided(frames, tmp_path):
    prior = AnalyticPrior()
    prior.defaults = replace(prior.defaults, max_gop_length=6)
    whole = compress(frames, StopStep(900), prior=prior, **GOPS)
    assert whole.header.last_advance
    parts = parts_of(frames, tmp_path, StopStep(900), (0, 4, 5, 9), prior=prior)
    assert freegvc.merge(parts).data == whole.data


def test_an_unknown_end_is_the_end(frames, tmp_path):
    assert code(frames, tmp_path / "a", range(3, 1 << 20), StopStep(950)) == range(3, 5)
    assert code(frames, tmp_path / "b", range(1, 3), StopStep(950)) == range(1, 3)
    with pytest.raises(UsageError, match="begins with GOP 5, but the video has GOPs 0 to 4"):
        code(frames, tmp_path / "c", range(5, 7), StopStep(950))
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a", "b"]


@pytest.mark.parametrize("target", [Rate(bpp=0.4), Rate(kbps=15.0), Rate(num_bytes=1500)])
def test_drafts_are_cut_to_the_rate(frames, tmp_path, target):
    merged = freegvc.merge(parts_of(frames, tmp_path, target))
    alone = compress(frames, target, **GOPS)
    assert 0.8 * alone.num_bytes <= merged.num_bytes <= 1.02 * alone.num_bytes
    unit = (merged.bpp, merged.bpp * 32 * 48 * 25 / 1000, merged.num_bytes)
    wanted = (target.bpp, target.kbps, target.num_bytes)
    assert all(value is None or has <= value for has, value in zip(unit, wanted, strict=True))
    stops = [gop.stop_step for gop in merged.gops]
    its = [gop.stop_step for gop in alone.gops]
    assert np.abs(np.subtract(stops, its)).max() < 60
    assert freegvc.decompress(merged).num_frames == 23


def test_a_video_too_small_for_the_prior_s_own_rate(frames, tmp_path):
    merged = freegvc.merge(parts_of(frames, tmp_path, Rate()))
    assert merged.bpp > AnalyticPrior().defaults.bpp
    assert freegvc.decompress(merged).num_frames == 23


def test_every_gop_has_its_score(frames, tmp_path):
    heard = []
    target = Score("psnr", 22.0, tolerance=0.3)
    merged = freegvc.merge(parts_of(frames, tmp_path, target, on_event=heard.append))
    done = [event for event in heard if isinstance(event, GopDone)]
    assert [event.gop for event in done] == list(range(NUM_GOPS))
    assert all(event.reached for event in done)
    assert merged.header.num_gops == NUM_GOPS


def test_a_part_goes_on_where_it_was_ended(frames, tmp_path):
    def stop_at(gop):
        def listen(event):
            if isinstance(event, GopStarted) and event.gop == gop:
                raise KeyboardInterrupt

        return listen

    for target in (StopStep(900), Rate(bpp=0.4), Score("psnr", 22.0, max_probes=3, tolerance=5.0)):
        folder = tmp_path / type(target).__name__
        folder.mkdir()
        path, heard = folder / "a.part", []
        code(frames, folder / "undisturbed", range(1, 4), target)
        with pytest.raises(KeyboardInterrupt):
            code(frames, path, range(1, 4), target, on_event=stop_at(3))
        with pytest.raises(JournalError, match="is the journal of a run that did not end"):
            freegvc.merge([folder / "a.part.journal"])
        with pytest.raises(OutputExistsError, match=r"a\.part\.journal is the journal"):
            code(frames, path, range(1, 4), target)
        with pytest.raises(
            JournalMismatchError, match=r"gops is \[1, 4\], but here it is \[1, 5\]"
        ):
            code(frames, path, range(1, 5), target, resume=True)
        code(frames, path, range(1, 4), target, resume=True, on_event=heard.append)
        assert [event.gop for event in heard if isinstance(event, GopStarted)] == [3]
        mine, its = path.read_bytes(), (folder / "undisturbed").read_bytes()
        assert seconds_apart(mine) == seconds_apart(its)


def test_a_file_that_came_meanwhile_stays_and_the_journal_keeps_the_gops(frames, tmp_path):
    path = tmp_path / "a.part"

    def come(event):
        path.write_bytes(b"theirs")

    with pytest.raises(OutputExistsError, match=r"a\.part came .*part\.journal keeps .*--resume"):
        code(frames, path, range(99), StopStep(950), on_event=come)
    assert path.read_bytes() == b"theirs"
    path.unlink()
    heard = []
    code(frames, path, range(99), StopStep(950), resume=True, on_event=heard.append)
    assert not any(isinstance(event, GopStarted) for event in heard)
    assert [file.name for file in tmp_path.iterdir()] == ["a.part"]


def seconds_apart(data):
    """A part without what a clock says, and without the sums over that."""
    text = re.sub(rb'"seconds": \{[^}]*\}', b"", data)
    return re.findall(rb'\{"input_digest".*?\n', text, re.DOTALL)


def test_gaps_overlaps_and_other_runs_are_named(frames, tmp_path):
    first, second, third, both = (tmp_path / name for name in ("a", "b", "c", "d"))
    code(frames, first, range(2), StopStep(900))
    code(frames, second, range(2, 4), StopStep(900))
    code(frames, third, range(4, 9), StopStep(900))
    code(frames, both, range(1, 4), StopStep(900))
    for parts, message in [
        ([], "no parts"),
        (str(first), "must be a list of paths"),
        (first, "must be a list of paths"),
        ([second, third], "GOPs 0 to 1 are in no part"),
        ([first, third], "GOPs 2 to 3 are in no part"),
        ([third, first, second, both], "GOP 1 is both in .*a and in .*d"),
        ([first, second, third, second], "GOPs 2 to 3 are both in .*b and in .*b"),
        ([second, first], "the GOPs from 4 on are in no part"),
    ]:
        with pytest.raises((JournalError, UsageError), match=message):
            freegvc.merge(parts)
    for changes, message in [
        ({"target": StopStep(901)}, "parts of different runs: target is .* in one and .* in the"),
        ({"settings": {"growth": 1.3}}, "different runs: growth is"),
        ({"video": 255 - frames}, "of another input: its frames before GOP 2"),
        ({"video": frames[:-1]}, "different runs: num_frames is 23 in one and 22 in the other"),
    ]:
        other = {"video": frames, "target": StopStep(900), **changes}
        code(other.pop("video"), second, range(2, 4), other.pop("target"), overwrite=True, **other)
        with pytest.raises(JournalMismatchError, match=message):
            freegvc.merge([first, second, third])
    with pytest.raises(JournalError, match="is a freegvc stream, and no part"):
        freegvc.merge([compress(frames, StopStep(950)).save(tmp_path / "whole.fgvc")])


@pytest.mark.parametrize("target", [StopStep(950), Rate(bpp=0.4)])
def test_what_decoders_would_refuse_is_said_when_parts_are_merged(
    frames, tmp_path, monkeypatch, target
):
    parts = parts_of(frames, tmp_path, target)
    for limit in ("FREE_WORK", "WORK_PER_BYTE"):
        monkeypatch.setattr(f"freegvc._codec.limits.{limit}", 1)
    with pytest.warns(LargeStreamWarning, match=r"by default.*--allow-large"):
        freegvc.merge(parts)


def changed(path, place, change):
    """Put another record in place of one."""
    payloads = read_records(path)
    payloads[place] = change(payloads[place])
    path.unlink()
    file = RecordFile.create(path)
    for payload in payloads:
        file.append(payload)
    file.close()


def test_a_part_of_another_release_is_named_before_it_is_read(frames, tmp_path):
    first, second = tmp_path / "a", tmp_path / "b"
    code(frames, first, range(2), StopStep(950))
    code(frames, second, range(2, 9), StopStep(950))
    for place, change in [
        (1, lambda gop: b"other" + gop),
        (-1, lambda end: b'{"end": {"other": 1}}'),
        (0, lambda plan: plan.replace(b'"release": "', b'"release": "9.')),
    ]:
        changed(second, place, change)
    with pytest.raises(JournalMismatchError, match=r"b was made by release 9\..* merge with that"):
        freegvc.merge([first, second])


@pytest.mark.parametrize(
    "end",
    [
        b'{"end": 1}',
        b'{"end": []}',
        b'{"end": {}}',
        b'{"end": {"timestamps": null, "audio": null}}',
        b'{"end": {"timestamps": "1", "audio": null}}',
        b'{"end": {"timestamps": null, "audio": null, "more": 1}}',
    ],
)
def test_an_end_of_another_kind(frames, tmp_path, end):
    path = tmp_path / "a"
    code(frames, path, range(99), StopStep(950))
    changed(path, -1, lambda old: end)
    with pytest.raises(JournalError, match="is not that of the end of a part"):
        freegvc.merge([path])


def test_frames_that_differ_within_a_part_are_found_by_the_next(frames, tmp_path):
    other = frames.copy()
    other[9] ^= 1
    first, second = tmp_path / "a", tmp_path / "b"
    code(other, first, range(3), StopStep(950))
    code(frames, second, range(3, 9), StopStep(950))
    with pytest.raises(JournalMismatchError, match="of another input"):
        freegvc.merge([first, second])


def test_a_rate_that_is_too_small_is_refused_when_parts_are_merged(frames, tmp_path):
    parts = parts_of(frames, tmp_path, Rate(bpp=0.001))
    with pytest.raises(TargetError, match="allow at least"):
        freegvc.merge(parts)


@pytest.mark.parametrize(
    ("target", "settings", "message"),
    [
        (
            StopStep(900),
            {"gop_length": 8, "overlap": 4, "chain": True},
            "chained GOPs need the one",
        ),
        (LikeFirstGop(StopStep(900)), {}, "give that score itself"),
        (Rate(bpp=0.1, even="psnr"), {}, "leave out even"),
    ],
)
def test_what_cannot_be_coded_apart(frames, tmp_path, target, settings, message):
    with pytest.raises(UsageError, match=message):
        code(frames, tmp_path / "a", range(2), target, settings=settings)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("gops", [range(3, 3), range(-1, 2), range(0, 9, 2), 5, [0]])
def test_gops_that_mean_nothing(frames, tmp_path, gops):
    with pytest.raises(UsageError, match="must be one or more"):
        code(frames, tmp_path / "a", gops, StopStep(900))
