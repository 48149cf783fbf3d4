"""A whole study: built, clicked through in Chromium with a reload in between, and analysed."""

import base64
import json
import re

import cv2
import numpy as np
import pytest

from freegvc._cli.main import main
from freegvc._study.assignment import read_assignment
from freegvc._study.design import COMPARISON, IDENTICAL
from freegvc._study.plan import REFERENCE
from freegvc._video import Video

CODECS = ("codec-quokka", "codec-zebra", "codec-ibex")  # from the best to the worst
SEQUENCES = ("sea-lion", "sand-fox", "snow-owl", "king-crab")
PARTICIPANT, NUM_TRIALS = 7, 15
OPEN = "!document.querySelector('.answers button').disabled"
KEYS = ("ARROW_LEFT", "ARROW_DOWN", "ARROW_RIGHT")


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


def better(trial):
    """0 if the first version is better, 1 if both are the same, 2 if the second is."""
    if trial.kind == IDENTICAL:
        return 1
    ranks = {name: rank for rank, name in enumerate((REFERENCE, *CODECS, "poor"))}
    return 0 if ranks[trial.first] < ranks[trial.second] else 2


def begin(page, number):
    page.wait("!document.getElementById('intro').hidden")
    page.run("document.getElementById('number').value = ''")
    page.find("#number").send_keys(str(number))
    page.click("#begin")


def answer(page, places, *, by_mouse):
    """Answer the three questions: 0 left, 1 no difference, 2 right."""
    page.wait(OPEN)
    if not by_mouse:
        page.press(*(KEYS[place] for place in places), "ENTER")
        return
    for question, place in enumerate(places, start=1):
        page.click(f".question:nth-child({question}) button:nth-child({place + 1})")
    page.click("#next")


def saved_votes(page, folder):
    page.driver.execute_cdp_cmd(
        "Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(folder)}
    )
    page.wait("!document.getElementById('done').hidden")
    page.click("#save")
    name = page.wait("document.getElementById('saved').textContent").split()[2].strip(",")
    path = folder / name
    for _ in range(500):
        if path.exists():
            break
        page.wait("true")
        page.run("return 0")
    assert path.read_text() == page.run("return document.getElementById('votes').value")
    return path


def test_a_study_from_plan_to_ranking(study, design, sources, open_page, tmp_path, capsys):
    page = open_page(study / "page" / "study.html")
    begin(page, PARTICIPANT)
    assert page.wait("document.getElementById('progress-text').textContent") == "Practice"
    answer(page, (0, 0, 0), by_mouse=False)
    order = design.orders[PARTICIPANT - 1]
    for k, shown in enumerate(order):
        text = f"Trial {k + 1} of {NUM_TRIALS}"
        page.wait("document.getElementById('progress-text').textContent === arguments[0]", text)
        trial = design.trials[shown.trial]
        place = 2 - better(trial) if shown.swapped else better(trial)
        if trial.kind == COMPARISON and k % 3 == 0:
            check_sides(page, trial, shown, sources)
        answer(page, (place, place, place), by_mouse=k % 2)
        if k == 6:  # a reload in the middle of a trial
            page.wait(OPEN)
            page.press("ARROW_LEFT")
            page.driver.refresh()
            page.wait("!document.getElementById('intro').hidden")
            assert page.run("return document.getElementById('number').value") == str(PARTICIPANT)
            assert page.find("#begin").text == "Go on"
            page.press("TAB")
            page.click("#begin")
    path = saved_votes(page, tmp_path)

    capsys.readouterr()
    arguments = ["study", "analyse", str(path), "--json", "--assignment"]
    assert main([*arguments, str(study / "page.assignment.json")]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["participants"][0]["checks_right"] == 9
    for rates in result["rates"].values():
        for row in rates:
            assert CODECS.index(row["first"]) != CODECS.index(row["second"])
            wins = "first" if CODECS.index(row["first"]) < CODECS.index(row["second"]) else "second"
            assert row[f"{wins}_better"]["count"] == row["num_votes"] == 4
    for ranking in result["ranking"].values():
        assert [place["codec"] for place in ranking] == list(CODECS)


def check_sides(page, trial, shown, sources):
    """What is seen is the version that the assignment names."""
    page.wait(OPEN)
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
    page.find("#number").send_keys("9", "\n")  # there are 8
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
    page.wait(f"document.getElementById('progress-text').textContent === 'Trial 1 of {NUM_TRIALS}'")
    assert page.run(f"return {pressed}") == []


def test_a_folder_that_is_not_whole_says_so(study, open_page, tmp_path, driver):
    (tmp_path / "study.html").write_bytes((study / "page" / "study.html").read_bytes())
    driver.get((tmp_path / "study.html").as_uri())
    from tests.browser.opened_page import OpenedPage

    page = OpenedPage(driver)
    page.wait("!document.getElementById('failed').hidden")
    assert "copy the whole folder" in page.find("#failure").text
