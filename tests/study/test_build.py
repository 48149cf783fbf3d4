"""The folder of a study: its clips, what it must not tell, and outputs that are whole or absent."""

import base64
import json
import re
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest

from freegvc._page.clip import PageClip, decode_clip
from freegvc._study.assignment import read_assignment
from freegvc._study.build import build_study
from freegvc._study.clips import poor
from freegvc._study.design import make_design
from freegvc._study.plan import POOR, REFERENCE, read_plan
from freegvc._video import Video, load_video
from freegvc.errors import OutputExistsError, StudyError, UsageError


@pytest.fixture
def frames(scene):
    texture = np.random.default_rng(0).integers(0, 50, (48, 64, 1), np.uint8)
    return scene(5, 48, 64) // 4 * 3 + texture


@pytest.fixture
def folder(frames, tmp_path):
    """A plan of one sequence, with versions of 0, 20 and 40 levels less."""
    (tmp_path / "plan" / "walk").mkdir(parents=True)
    for name, less in ((REFERENCE, 0), ("better", 20), ("worse", 40)):
        shown = frames - np.minimum(frames, less)
        Video.from_array(shown, 25).save(tmp_path / "plan" / "walk" / name)
    return tmp_path


def build(folder, *, out="page", **options):
    plan = read_plan(folder / "plan")
    built = build_study(
        plan,
        make_design(plan, num_participants=2),
        folder / out,
        folder / f"{out}.json",
        frame_rate=Fraction(20),
        **options,
    )
    return built, read_assignment(folder / f"{out}.json")


def clips_of(folder):
    """Frames of all clips of a page, by name."""
    result = {}
    for path in (folder / "clips").iterdir():
        name, described, packets = re.fullmatch(
            r'takeClip\("(\w+)",({.*}),"([\w+/=]+)"\);\n *', path.read_text()
        ).groups()
        facts, data = json.loads(described), base64.b64decode(packets)
        ends = np.cumsum([0, *facts["sizes"]])
        parts = tuple(data[a:b] for a, b in pairwise(ends))
        clip = PageClip(facts["width"], facts["height"], facts["pixels"], parts, 0)
        assert path.stem == name
        result[name] = np.stack(list(decode_clip(clip)))
    return result


def version_of(shown, folder):
    """The clips of a trial: what stands for its reference, first and second version."""
    text = (folder / "study.html").read_text(encoding="utf-8")
    return json.loads(re.search(r'id="page-data">(.*)</script>', text)[1])["trials"][shown]


def test_lossless_clips_are_the_files_and_trials_name_them(folder, frames):
    built, assignment = build(folder, is_lossless=True)
    clips = clips_of(folder / "page")
    assert built.num_clips == len(clips) == 4
    expected = {REFERENCE: frames, POOR: np.stack(list(poor(frames)))}
    for name, less in (("better", 20), ("worse", 40)):
        expected[name] = frames - np.minimum(frames, less)
    for trial in assignment.design.trials.values():
        names = version_of(trial.id, folder / "page")
        for place, version in (
            ("reference", REFERENCE),
            ("first", trial.first),
            ("second", trial.second),
        ):
            np.testing.assert_array_equal(clips[names[place]], expected[version])


def test_clips_are_what_x265_decodes_to(folder, frames, tmp_path):
    build(folder)
    Video.from_array(frames, 20).save(tmp_path / "x265.mkv", codec="x265", crf=10)
    decoded = load_video(tmp_path / "x265.mkv").frames
    close = min(
        ((clip.astype(float) - decoded) ** 2).mean() for clip in clips_of(folder / "page").values()
    )
    assert close < 255**2 / 10**4  # 40 dB


def test_a_poor_version_is_coarse_and_stutters(frames):
    shown = np.stack(list(poor(frames)))
    assert shown.shape == frames.shape
    assert (shown[1:4] == shown[0]).all()
    assert (shown[4] != shown[0]).any()
    assert shown[0].std() < 0.8 * frames[0].std()


def test_the_same_plan_and_seed_give_the_same_bytes_and_id(folder):
    first, second = (build(folder, out=out) for out in ("a", "b"))
    assert first == second
    for path in (folder / "a").rglob("*.*"):
        assert path.read_bytes() == (folder / "b" / path.relative_to(folder / "a")).read_bytes()
    Video.from_array(np.zeros((5, 48, 64, 3), np.uint8), 25).save(
        folder / "plan" / "walk" / "worse", overwrite=True
    )
    assert build(folder, out="c")[0].study != first[0].study


@pytest.mark.parametrize("shape", [(4, 48, 64, 3), (5, 48, 80, 3)])
def test_a_version_that_cannot_play_in_step_is_refused(folder, shape):
    Video.from_array(np.zeros(shape, np.uint8), 25).save(
        folder / "plan" / "walk" / "worse", overwrite=True
    )
    with pytest.raises(StudyError, match=r"worse has .* but its reference"):
        build(folder, is_lossless=True)
    assert sorted(path.name for path in folder.iterdir()) == ["plan"]


def test_outputs_are_replaced_only_where_they_are_ours(folder):
    build(folder)
    with pytest.raises(OutputExistsError, match="already holds a study"):
        build(folder)
    build(folder, overwrite=True)
    for stranger in ("page/thesis.txt", "page/clips/holiday.js"):
        (folder / stranger).touch()
        with pytest.raises(OutputExistsError, match="holds other files"):
            build(folder, overwrite=True)
        (folder / stranger).unlink()
    (folder / "file").touch()
    with pytest.raises(OutputExistsError, match="is a file"):
        build(folder, out="file", overwrite=True)


def test_a_page_that_came_meanwhile_stays_and_so_does_the_new_one(folder):
    def come(done):
        (folder / "page").mkdir(exist_ok=True)
        (folder / "page" / "thesis.txt").write_text("years of work")

    with pytest.raises(OutputExistsError, match=r"page came into being .* made is .*page\.\w"):
        build(folder, is_lossless=True, overwrite=True, on_clip=come)
    assert [file.name for file in (folder / "page").iterdir()] == ["thesis.txt"]
    (kept,) = folder.glob("page.*")
    assert clips_of(kept)


def test_the_assignment_is_not_given_away(folder):
    plan = read_plan(folder / "plan")
    with pytest.raises(UsageError, match="participants get"):
        build_study(
            plan,
            make_design(plan),
            folder / "page",
            folder / "page" / "clips" / "who.json",
            frame_rate=Fraction(20),
        )
