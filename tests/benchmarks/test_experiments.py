"""Experiments record their prior, and write to the folder given by --out."""

import json
from fractions import Fraction

import pytest

from benchmarks import __main__
from benchmarks.experiments.base import Experiment
from benchmarks.record import RESULTS
from freegvc import Video
from freegvc.priors import load_prior


def test_a_record_names_its_prior_and_where_it_was_measured(scene, tmp_path):
    video = tmp_path / "a.y4m"
    Video(scene(8, 48, 64), Fraction(25)).save(video)
    more = ("--frames", "8", "--prior", "analytic", "--out", str(tmp_path / "out"))
    assert __main__.main(["steps", str(video), *more]) == 0
    record = json.loads((tmp_path / "out" / "steps.json").read_text())
    fingerprint = load_prior("analytic").fingerprint.hex()
    assert record["settings"] == {"prior": "analytic", "fingerprint": fingerprint, "frames": 8}
    assert {row["clip"] for row in record["rows"]} == {"a.y4m"}
    assert {"measured", "commit", "hardware", "versions"} < set(record)


def test_a_record_stands_after_each_clip(scene, tmp_path, monkeypatch):
    """A long experiment that is stopped keeps the clips that it finished."""

    def measure(name, frames, prior):
        if name == "b.y4m":
            raise RuntimeError("stopped")
        yield {"frames": len(frames)}

    for name in ("a.y4m", "b.y4m"):
        Video(scene(4, 48, 64), Fraction(25)).save(tmp_path / name)
    experiment = Experiment("Counts frames.", measure, (), 3, summarise=len)
    monkeypatch.setitem(__main__.EXPERIMENTS, "count", experiment)
    videos = [str(tmp_path / name) for name in ("a.y4m", "b.y4m")]
    with pytest.raises(RuntimeError, match="stopped"):
        __main__.main(["count", *videos, "--out", str(tmp_path)])
    record = json.loads((tmp_path / "count.json").read_text())
    assert record["rows"] == [{"clip": "a.y4m", "frames": 3}]
    assert record["summary"] == 1


def test_no_command_writes_into_the_committed_results_by_default():
    assert RESULTS not in (__main__.OUT.resolve(), *__main__.OUT.resolve().parents)


@pytest.mark.parametrize("name", ["grid", "steps", "merging", "coders", "quality", "boundaries"])
def test_committed_records_name_their_prior(name):
    record = json.loads((RESULTS / f"{name}.json").read_text())
    assert record["settings"]["prior"] == "analytic"
