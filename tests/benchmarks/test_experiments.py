"""Experiments record their prior, and write to the folder given by --out."""

import json
from fractions import Fraction

import pytest

from benchmarks import __main__
from benchmarks.experiments.base import Experiment
from benchmarks.experiments.error_curve import load_curves, roots_to
from benchmarks.experiments.grid import OWN, SCHEDULES
from benchmarks.record import RESULTS
from freegvc import Video
from freegvc._control.effort import EFFORTS
from freegvc.priors import load_prior


def test_a_record_names_its_prior_and_where_it_was_measured(scene, tmp_path):
    video = tmp_path / "a.y4m"
    Video(scene(8, 48, 64), Fraction(25)).save(video)
    more = ("--frames", "8", "--prior", "analytic", "--out", str(tmp_path / "out"))
    assert __main__.main(["errors", str(video), *more]) == 0
    record = json.loads((tmp_path / "out" / "errors.json").read_text())
    fingerprint = load_prior("analytic").fingerprint.hex()
    assert record["settings"] == {"prior": "analytic", "fingerprint": fingerprint, "frames": 8}
    assert {row["clip"] for row in record["rows"]} == {"a.y4m"}
    assert {"measured", "commit", "hardware", "versions"} < set(record)
    row = record["rows"][0]
    # the bits of a walk follow from the errors at independent samples of its noise levels
    assert row["priced_bits"] == pytest.approx(row["walk_kl_bits"], rel=0.03)
    errors = str(tmp_path / "out" / "errors.json")
    assert __main__.main(["grid", "--errors", errors, "--out", str(tmp_path)]) == 0
    priced = json.loads((tmp_path / "grid.json").read_text())
    assert priced["settings"] == record["settings"]
    assert all(row["bits_over_fine"] > 1 for row in priced["rows"])


def test_a_run_that_was_stopped_goes_on(scene, tmp_path, monkeypatch):
    """It keeps the clips that it finished, if it is asked the same; a finished record is redone."""
    measured, broken = [], ["b.y4m"]

    def measure(name, frames, prior, least):
        if name in broken:
            raise RuntimeError("stopped")
        measured.append(name)
        yield {"frames": len(frames), "size": frames.shape[1:3], "least": least}

    for name in ("a.y4m", "b.y4m"):
        Video(scene(4, 48, 64), Fraction(25)).save(tmp_path / name)
    option = {"least": {"type": int, "default": 1}}
    experiment = Experiment(
        "Counts frames.", measure, (), 3, max_size=(48, 64), summarise=len, options=option
    )
    monkeypatch.setitem(__main__.EXPERIMENTS, "count", experiment)
    videos = [str(tmp_path / name) for name in ("a.y4m", "b.y4m")]
    run = ["count", *videos, "--out", str(tmp_path), "--size", "32x16"]

    def record():
        return json.loads((tmp_path / "count.json").read_text())

    with pytest.raises(RuntimeError, match="stopped"):
        __main__.main(run)
    rows = [
        {"clip": name, "frames": 3, "size": [16, 32], "least": 1} for name in ("a.y4m", "b.y4m")
    ]
    assert (record()["rows"], record()["summary"], record()["unfinished"]) == (rows[:1], 1, True)
    with pytest.raises(RuntimeError, match="stopped"):
        __main__.main([*run, "--least", "2"])
    assert measured == ["a.y4m", "a.y4m"]
    assert record()["settings"]["least"] == 2
    with pytest.raises(RuntimeError, match="stopped"):
        __main__.main(run)
    assert measured == ["a.y4m"] * 3
    broken.clear()
    assert __main__.main(run) == 0
    assert measured == ["a.y4m", "a.y4m", "a.y4m", "b.y4m"]
    assert (record()["rows"], record()["summary"]) == (rows, 2)
    assert "unfinished" not in record()
    assert __main__.main(run) == 0
    assert measured[4:] == ["a.y4m", "b.y4m"]


def test_no_command_writes_into_the_committed_results_by_default():
    assert RESULTS not in (__main__.OUT.resolve(), *__main__.OUT.resolve().parents)


@pytest.mark.parametrize(
    ("prior", "names"),
    [
        ("analytic", ["merging", "coders", "quality", "boundaries"]),
        ("freegvc-small", ["efforts", "errors", "grid", "steps"]),
    ],
)
def test_committed_records_name_their_prior(prior, names):
    for name in names:
        record = json.loads((RESULTS / f"{name}.json").read_text())
        assert record["settings"]["prior"] == prior


def test_default_grids_keep_to_what_is_promised():
    """At the paper's stop steps: 9 % at medium effort within 32 calls, 4.5 % at best."""
    _, curves = load_curves(RESULTS / "errors.json")
    for schedule, stops in SCHEDULES.values():
        for effort, limit, calls in (("medium", 1.09, 32), ("best", 1.045, 64)):
            pace = OWN.scaled(EFFORTS[effort].step_scale)
            for stop in stops:
                roots = roots_to(schedule, stop, pace)
                assert len(roots) - 1 <= calls
                for curve in curves:
                    assert 1 < curve.bits(roots) / curve.limit(roots[-1]) < limit


def test_the_papers_rate_is_as_good_as_twenty_calls_where_it_was_measured():
    record = json.loads((RESULTS / "silent.json").read_text())
    assert record["settings"]["prior"] == "freegvc-small"
    usual = [row for row in record["summary"] if row["rate"] == 12 and row["stop_step"] <= 800]
    assert len(usual) == 9
    assert all(row["lpips_more"] <= 0.006 and row["psnr_less_db"] <= 0.03 for row in usual)
