"""A whole study: built, clicked through in Chromium with a reload in between, and analysed."""

import base64
import json
import re
import time

import cv2
import numpy as np
import pytest

import freegvc
from freegvc._cli.main import main
from freegvc._study.assignment import read_assignment
from freegvc._study.design import COMPARISON
from freegvc._study.plan import REFERENCE
from freegvc._video import Video, load_video
from tests.browser.opened_page import OpenedPage
from tests.browser.study_session import OPEN, PROGRESS, answer_trials, begin, saved_votes

pytestmark = pytest.mark.xdist_group("browser")

CODECS = ("codec-quokka", "codec-zebra", "codec-ibex")  # from the best to the worst
SEQUENCES = ("sea-lion", "sand-fox", "snow-owl", "king-crab")
PARTICIPANT, NUM_TRIALS = 7, 15


@pytest.fixture(scope="module")
def sources(scene):
    """Frames by sequence and version."""
    frames = {}
    for k, sequence in enumerate(SEQUENCES):
        texture = np.random.default_rng(k).integers(0, 60, (64, 96, 1), np.uint8)
        reference = np.roll(scene(9, 64, 96) // 4 * 3 + texture, 17 * k, axis=2)
        frames[sequence, REFERENCE] = reference
        for codec, radius in zip(CODECS, (1, 2, 5), strict=True):
            side = 2 * radius + 1
            frames[sequence, codec] = np.stack([cv2.blur(f, (side, side)) for f in reference])
    return frames


@pytest.fixture(scope="module")
def study(sources, tmp_path_factory):
    folder = tmp_path_factory.mktemp("study")
    for (sequence, version), frames in sources.items():
        (folder / "plan" / sequence).mkdir(parents=True, exist_ok=True)
        Video.from_array(frames, 25).save(folder / "plan" / sequence / version)
    command = ["study", "build", folder / "plan", "--out", folder / "page", "--fps", "50"]
    assert main([*map(str, command), "--participants", "8", "--seed", "5"]) == 0
    return folder


@pytest.fixture
def design(study):
    return read_assignment(study / "page.assignment.json").design


def test_a_study_from_plan_to_ranking(study, design, sources, open_page, tmp_path, capsys):
    page = open_page(study / "page" / "study.html")
    begin(page, PARTICIPANT)
    assert page.wait(PROGRESS) == "Practice"
    looked = []

    def look(trial, shown):
        if trial.kind == COMPARISON and len(looked) < 4:
            check_sides(page, trial, shown, sources)
            looked.append(trial)

    answer_trials(page, design, PARTICIPANT, CODECS, seen=look, reload_at=7)
    path = saved_votes(page, tmp_path)
    assert len(looked) == 4
    check_ranking(capsys, path, study / "page.assignment.json", CODECS, num_votes=4)


def check_ranking(capsys, votes, assignment, codecs, *, num_votes):
    """The analysis of one file finds the codecs in their order."""
    capsys.readouterr()
    assert main(["study", "analyse", str(votes), "--json", "--assignment", str(assignment)]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["participants"][0]["checks_right"] == 9
    for rates in result["rates"].values():
        for row in rates:
            is_first = codecs.index(row["first"]) < codecs.index(row["second"])
            wins = row["first_better" if is_first else "second_better"]["count"]
            assert wins == row["num_votes"] == num_votes
    for ranking in result["ranking"].values():
        assert [place["codec"] for place in ranking] == list(codecs)


def check_sides(page, trial, shown, sources):
    """What is seen is the version that the assignment names."""
    page.press(" ")
    left, right = (trial.second, trial.first) if shown.swapped else (trial.first, trial.second)
    page.wait("document.getElementById('pause').textContent === 'Play'")
    for selector, version in (("#reference", REFERENCE), ("#left", left), ("#right", right)):
        picture = page.canvas(selector).astype(float)
        errors = {
            name: ((picture - sources[trial.sequence, name]) ** 2).mean((1, 2, 3)).min()
            for name in (REFERENCE, *CODECS)
        }
        assert min(errors, key=errors.get) == version
    page.press(" ")


def test_the_page_does_not_tell_the_codecs(study):
    files = [f for f in (study / "page").rglob("*") if f.is_file()]
    assert len({f.stat().st_mtime_ns for f in files}) == 1
    hidden = [*CODECS, *SEQUENCES, str(study)]
    for file in files:
        text = file.read_text(encoding="utf-8")
        for name in hidden:
            assert name.lower() not in text.lower()
        for source in re.findall(r"data:text/javascript;base64,([A-Za-z0-9+/=]+)", text):
            module = base64.b64decode(source).decode()
            assert not any(name.lower() in module.lower() for name in hidden)
        assert re.fullmatch(r"study\.html|[0-9a-f]{8}\.js", file.name)


def test_clips_of_a_sequence_have_one_length(study, design):
    page = (study / "page" / "study.html").read_text(encoding="utf-8")
    data = json.loads(re.search(r'id="page-data">(.*)</script>', page)[1])
    lengths = {}
    for trial in design.trials.values():
        clips = set(data["trials"][trial.id].values())
        sizes = {(study / "page" / "clips" / f"{clip}.js").stat().st_size for clip in clips}
        lengths.setdefault(trial.sequence, set()).update(sizes)
    assert all(len(sizes) == 1 for sizes in lengths.values())
    assert len({next(iter(sizes)) for sizes in lengths.values()}) > 1


def test_keys_and_what_the_page_refuses(study, open_page):
    page = open_page(study / "page" / "study.html")
    page.wait("!document.getElementById('intro').hidden")
    page.press("9", "ENTER")  # there are 8
    assert "from 1 to 8" in page.wait("document.getElementById('intro-note').textContent")
    begin(page, 2)
    page.wait(OPEN)
    page.press("ENTER")  # no answer yet
    pressed = "[...document.querySelectorAll('[aria-pressed=true]')].map(b => b.dataset.answer)"
    page.press("ARROW_LEFT", "ARROW_DOWN", "ARROW_UP", "ARROW_RIGHT")
    assert page.run(f"return {pressed}") == ["left", "right"]
    assert page.run("return document.getElementById('next').disabled")
    page.press(" ")
    page.wait("document.getElementById('pause').textContent === 'Play'")
    page.press("r")
    page.wait("document.getElementById('pause').textContent === 'Pause'")
    page.press("ARROW_DOWN", "ENTER")
    page.wait(f"{PROGRESS} === 'Trial 1 of {NUM_TRIALS}'")
    assert page.run(f"return {pressed}") == []


def test_answers_fit_a_narrow_window(study, open_page, driver):
    page = open_page(study / "page" / "study.html")
    page.run("location.hash = '#5'; location.reload();")
    page.wait("document.activeElement?.id === 'begin'")
    page.press("ENTER")
    page.wait(OPEN)
    sides = "[...document.querySelectorAll('aside *')].map((e) => e.getBoundingClientRect())"
    try:
        for width in (500, 360):
            driver.set_window_size(width, 700)
            page.wait(f"innerWidth === {width}")
            page.wait(f"{sides}.every((box) => box.left >= 0 && box.right <= innerWidth)")
    finally:
        driver.set_window_size(1280, 800)


def test_a_browser_that_keeps_nothing_is_told_and_the_votes_are_saved(
    study, design, open_page, tmp_path
):
    page = open_page(study / "page" / "study.html")
    page.run("Storage.prototype.setItem = () => { throw new DOMException('no', 'SecurityError'); }")
    begin(page, 4)
    told = []

    def look(trial, shown):
        told.append(not page.run("return document.getElementById('not-kept').hidden"))

    answer_trials(page, design, 4, CODECS, seen=look)
    assert told == [True] * NUM_TRIALS
    assert len(json.loads(saved_votes(page, tmp_path).read_text())["votes"]) == NUM_TRIALS


def test_a_folder_that_is_not_whole_says_so(study, open_page, tmp_path, driver):
    (tmp_path / "study.html").write_bytes((study / "page" / "study.html").read_bytes())
    driver.get((tmp_path / "study.html").as_uri())
    page = OpenedPage(driver)
    page.wait("!document.getElementById('failed').hidden")
    assert "copy the whole folder" in page.find("#failure").text


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::freegvc.errors.ColourWarning")
def test_real_clips_in_three_minutes(clips, open_page, tmp_path, capsys):
    """Four clips, three codecs, twelve trials and the checks, at the size of HEVC class D."""
    codecs = ("x265", "freegvc", "x264")
    for name in ("basketballpass", "bikes.mp4", "foreman_cif_intra.264", "vid4_walk"):
        folder = tmp_path / "plan" / name
        folder.mkdir(parents=True)
        source = load_video(clips / name).frames[:16]
        frames = np.stack([cv2.resize(f, (416, 240), interpolation=cv2.INTER_AREA) for f in source])
        video = Video.from_array(frames, 20)
        video.save(folder / "reference")
        for codec in ("x264", "x265"):
            video.save(folder / f"{codec}.mkv", codec=codec, crf=40)
        compressed = freegvc.compress(video, prior="analytic", target_bpp=0.05)
        compressed.save(folder / "freegvc.fgvc")
    start = time.monotonic()
    page_folder = tmp_path / "page"
    assert main(["study", "build", str(tmp_path / "plan"), "--out", str(page_folder)]) == 0
    built = time.monotonic()
    page = open_page(page_folder / "study.html")
    begin(page, 1)
    page.wait(OPEN)
    bottom = "document.querySelector('footer').getBoundingClientRect().bottom"
    assert page.run(f"return {bottom}") <= page.run("return innerHeight")
    design = read_assignment(tmp_path / "page.assignment.json").design
    answer_trials(page, design, 1, codecs, reload_at=7)
    votes = saved_votes(page, tmp_path)
    check_ranking(capsys, votes, tmp_path / "page.assignment.json", codecs, num_votes=4)
    print(f"built in {built - start:.0f} s, the whole in {time.monotonic() - start:.0f} s")
    assert time.monotonic() - start < 180
