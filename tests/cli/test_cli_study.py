"""study: from a plan to a page, and from votes to a table, JSON and a picture."""

import json

import numpy as np
import pytest
from PIL import Image

from freegvc._cli.study_report import document, page
from freegvc._study.analysis import analyse
from freegvc._study.votes import read_ballots
from freegvc._video import Video
from tests.cli.tiny_clip import waves
from tests.study.simulated import assignment, by_strength, write_votes

STRENGTHS = {"ours": 1.5, "old\x1b[2J": -0.7, "$x$": -0.2}


@pytest.fixture
def votes(tmp_path):
    """Twelve participants, of whom two do not look, and their assignment."""
    study = assignment(4, tuple(STRENGTHS), ours="ours", num_participants=12)
    choose = by_strength(STRENGTHS, -0.5, np.random.default_rng(0))
    paths = write_votes(tmp_path, study, range(1, 11), choose)
    paths += write_votes(tmp_path, study, (11, 12), lambda trial, question: 1)
    file = tmp_path / "assignment.json"
    file.write_text(study.document(), encoding="utf-8")
    return [*paths, "--assignment", file]


def test_the_table_names_who_was_left_out(run, votes):
    result = run("study", "analyse", *votes)
    assert (result.code, result.err) == (0, "")
    assert "12, of whom 2 left out for less than 2/3 of the checks right: 11 (3 of 9)" in result.out
    assert "ours : old\\x1b[2J     40" in result.out
    for heading in ("perceptual quality", "temporal continuity", "fidelity to the reference"):
        assert f"\n\n{heading}\n" in result.out
    ranks = [line.split() for line in result.out.splitlines() if line.startswith("   1 ")]
    assert [row[1] for row in ranks] == ["ours"] * 4


def test_json_holds_every_vote(run, votes):
    result = json.loads(run("study", "analyse", *votes, "--json").out)
    assert len(result["votes"]) == 10 * 8
    for rates in result["rates"]["quality"]:
        pair = {rates["first"], rates["second"]}
        chosen = [v["quality"] for v in result["votes"] if set(v["pair"]) == pair]
        assert rates["first_better"]["count"] == chosen.count(rates["first"])
        assert rates["tie"]["count"] == chosen.count(None)
        assert rates["num_votes"] == len(chosen) == 40
        low, high = rates["first_better"]["interval"]
        assert low < rates["first_better"]["share"] < high
    kept = {p["participant"]: p["kept"] for p in result["participants"]}
    assert [number for number, is_kept in kept.items() if not is_kept] == [11, 12]
    again = json.loads(run("study", "analyse", *votes, "--json", "--seed", "3").out)
    assert again["rates"] == result["rates"]
    assert again["ranking"] != result["ranking"]


def test_the_figure(run, votes, tmp_path):
    plot = tmp_path / "figure.png"
    assert run("study", "analyse", *votes, "--plot", plot).code == 0
    with Image.open(plot) as picture:
        colours = np.asarray(picture.convert("RGB")).reshape(-1, 3)
    assert (colours == (0x1F, 0x5F, 0xA8)).all(1).sum() > 20_000
    assert (colours == (0xC2, 0x57, 0x1A)).all(1).sum() > 5_000
    again = run("study", "analyse", *votes, "--plot", plot)
    assert (again.code, again.out) == (2, "")
    assert "exists" in again.err


def test_a_figure_says_that_its_font_lacks_a_character(run, tmp_path):
    study = assignment(2, ("ours", "编码"), num_checks=0)
    (tmp_path / "who.json").write_text(study.document(), encoding="utf-8")
    votes = write_votes(tmp_path, study, [1], lambda trial, question: 0)
    plot = tmp_path / "figure.png"
    result = run("study", "analyse", *votes, "--assignment", tmp_path / "who.json", "--plot", plot)
    assert result.code == 0
    assert "编码" in result.out
    assert result.err.count("warning") == result.err.count("shows boxes for characters") == 1


def test_an_analysis_loads_no_codec(modules_after, votes):
    loaded = modules_after("study", "analyse", *votes)
    assert "freegvc._study.analysis" in loaded
    assert not loaded & {"torch", "av", "matplotlib", "numba"}


def test_a_figure_without_matplotlib_is_refused(run, votes, tmp_path, monkeypatch):
    monkeypatch.setattr("freegvc._cli.score_plot.find_spec", lambda name: None)
    result = run("study", "analyse", *votes, "--plot", tmp_path / "figure.png")
    assert (result.code, result.out) == (2, "")
    assert "freegvc[bench]" in result.err


def test_votes_that_do_not_fit_have_an_exit_code(run, votes, tmp_path):
    (tmp_path / "foreign.json").write_text('{"format": "freegvc study votes", "version": 9}')
    result = run("study", "analyse", tmp_path / "foreign.json", *votes)
    assert (result.code, result.out, result.err.count("\n")) == (4, "", 1)
    assert "version 9" in result.err
    result = run("study", "analyse", votes[0], votes[0], *votes[-2:])
    assert result.code == 4
    assert "participant 1" in result.err
    result = run("study", "analyse", *votes, "--resamples", "0")
    assert result.code == 2


@pytest.fixture
def plan(stream, tmp_path):
    """The tiny clip, its stream, and a brighter copy."""
    folder = tmp_path / "plan" / "waves"
    folder.mkdir(parents=True)
    Video.from_array(waves(), 25).save(folder / "reference.y4m")
    Video.from_array(waves() // 2 + 100, 25).save(folder / "bright.y4m")
    (folder / "freegvc.fgvc").write_bytes(stream.read_bytes())
    return tmp_path / "plan"


def test_a_page_is_built_with_a_decoded_stream(run, plan, tmp_path):
    result = run("study", "build", plan, "--out", tmp_path / "page", "--lossless", "--seed", "2")
    assert (result.code, result.out) == (0, "")
    assert "4 trials of 1 sequence and 2 codecs, 4 clips" in result.err
    assert f"{tmp_path / 'page.assignment.json'}: who is who" in result.err
    assert len(list((tmp_path / "page" / "clips").iterdir())) == 4
    written = json.loads((tmp_path / "page.assignment.json").read_text())
    assert written["codecs"] == ["bright", "freegvc"]
    assert written["seed"] == 2
    assert written["clips"] == "lossless, 20 frames per second"


@pytest.mark.parametrize(
    ("code", "options"),
    [
        (2, ["--fps", "0"]),
        (2, ["--ours", "x265"]),
        (2, ["--checks", "99"]),
        (2, ["--assignment", "{out}/who.json"]),
        (2, ["--assignment", "-"]),
        (2, ["--assignment", "{plan}/waves/bright.y4m", "--force"]),
        (2, ["--out", "{out}/missing/page"]),
        (2, ["--out", "{plan}/page"]),
        (2, ["--out", "."]),
        (2, ["--out", "/"]),
        (5, ["--prior", "missing"]),
    ],
)
def test_what_cannot_be_built_leaves_nothing(run, plan, tmp_path, code, options):
    before = sorted(tmp_path.rglob("*"))
    out = tmp_path / "page"
    named = (option.format(out=out, plan=plan) for option in options)
    result = run("study", "build", plan, "--out", out, *named)
    assert (result.code, result.out) == (code, "")
    assert result.err.startswith("freegvc: error: ")
    assert sorted(tmp_path.rglob("*")) == before


def test_videos_that_x265_cannot_take_go_without_it(run, tmp_path):
    (tmp_path / "plan" / "dot").mkdir(parents=True)
    for name in ("reference", "a", "b"):
        Video.from_array(waves()[:2, :1, :1], 25).save(tmp_path / "plan" / "dot" / f"{name}.mkv")
    result = run("study", "build", tmp_path / "plan", "--out", tmp_path / "page")
    assert result.code == 2
    assert "x265 cannot encode 1x1" in result.err
    assert "--lossless" in result.err


def test_a_plan_that_is_wrong_has_an_exit_code(run, tmp_path):
    (tmp_path / "plan.json").write_text("{}")
    result = run("study", "build", tmp_path / "plan.json", "--out", tmp_path / "page")
    assert (result.code, result.err.count("\n")) == (4, 1)


def test_a_study_without_checks_says_so(tmp_path):
    study = assignment(2, ("a", "b"), num_checks=0)
    paths = write_votes(tmp_path, study, [1], lambda trial, question: 0)
    result = analyse(read_ballots(paths, study), study)
    assert "1; no attention checks" in page(result, study)
    assert document(result, study)["ranking"]["quality"][0]["interval"] is None
