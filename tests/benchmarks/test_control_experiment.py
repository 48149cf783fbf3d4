"""Quality control over a long sequence: what stands in the record, and how a run goes on."""

import json
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from benchmarks import __main__
from benchmarks.codecs.freegvc_codec import loaded_prior
from benchmarks.experiments import boundaries, control
from benchmarks.frames import first_frames
from freegvc import Video
from freegvc.priors import LatentSpec, load_prior


@pytest.fixture
def run(scene, tmp_path, monkeypatch):
    """`control` on two clips of 14 and 10 frames, in PSNR, with GOPs of 8 frames."""
    blocks = np.random.default_rng(3).integers(0, 256, (6, 8, 3), np.uint8)
    hard = np.tile(blocks.repeat(8, axis=0).repeat(8, axis=1), (14, 1, 1, 1))
    for name, frames in (("hard.y4m", hard), ("easy.y4m", scene(10, 48, 64))):
        Video(frames, Fraction(25)).save(tmp_path / name)
    prior = loaded_prior("analytic", "cpu")
    monkeypatch.setattr(prior, "defaults", replace(prior.defaults, gop_length=8, overlap=2))
    monkeypatch.setattr(control, "METRIC", "psnr")
    videos = [str(tmp_path / name) for name in ("hard.y4m", "easy.y4m")]

    def run(*more):
        options = ["--prior", "analytic", "--bpp", "0.1", "--out", str(tmp_path)]
        code = __main__.main(["control", *videos, *options, *map(str, more)])
        return code, json.loads((tmp_path / "control.json").read_text())

    return run


def test_the_score_of_the_first_gop_is_that_of_all(run, tmp_path):
    code, record = run("--frames", 20, "--size", "48x32")
    assert code == 0
    settings, (without, controlled) = record["settings"], record["rows"]
    assert settings["scenes"] == [["hard.y4m", 0], ["easy.y4m", 10]]
    assert (settings["frames"], settings["size"]) == (20, "48x32")
    assert "unfinished" not in record
    steps = {gop["stop_step"] for gop in without["gops"]}
    assert steps == {controlled["gops"][0]["stop_step"]}
    assert len({gop["stop_step"] for gop in controlled["gops"]}) > 1
    for row in (without, controlled):
        assert [gop["first_frame"] for gop in row["gops"]] == [0, 6, 12]
        assert len(row["scores"]) == 20
        means = [np.mean(row["scores"][a:b]) for a, b in ((0, 6), (6, 12), (12, 20))]
        assert [gop["score"] for gop in row["gops"]] == pytest.approx(means, abs=1e-3)
    assert controlled["std_gops"] < 0.5 * without["std_gops"]


def test_a_stopped_run_goes_on_with_the_second_part(run, monkeypatch):
    whole, coded, runs = control.coded, control.coded, []

    def once(label, *arguments):
        runs.append(label)
        if label == "quality control":
            raise RuntimeError("stopped")
        return coded(label, *arguments)

    monkeypatch.setattr(control, "coded", once)
    with pytest.raises(RuntimeError, match="stopped"):
        run("--frames", 20)
    coded = whole
    monkeypatch.setattr(control, "coded", lambda label, *more: runs.append(label) or {"run": label})
    _, record = run("--frames", 20)
    assert runs == ["one stop step", "quality control", "quality control"]
    assert [row["run"] for row in record["rows"]] == ["one stop step", "quality control"]


def test_videos_that_cannot_be_joined_are_refused(run):
    with pytest.raises(SystemExit, match=r"easy.y4m has 10 frames, but 11 are needed"):
        run("--frames", 22)


def test_a_sequence_is_scaled_and_joined(scene, tmp_path):
    path = tmp_path / "a.y4m"
    Video(scene(6, 48, 64), Fraction(25)).save(path)
    frames, scenes = control.sequence([path, path], 8, (48, 64))
    assert scenes == [["a.y4m", 0], ["a.y4m", 4]]
    assert np.array_equal(frames[4:], first_frames(path, 4))
    small, _ = control.sequence([path], 6, (24, 32))
    assert small.shape == (6, 24, 32, 3)


@pytest.mark.parametrize(
    ("stride", "ramps"), [(1, {4: 4, 8: 8}), (4, {8: 2}), (8, {})], ids=["analytic", "small", "ltx"]
)
def test_boundaries_have_a_ramp_where_there_are_several_latents(stride, ramps):
    prior = load_prior("analytic")
    prior.latent = LatentSpec(channels=6, temporal_stride=stride, spatial_stride=8)
    found = {m: boundaries.gammas_of(prior, m) for m in boundaries.OVERLAPS}
    assert found[0] == {"none": ()}
    assert {m: len(g["ramp"]) for m, g in found.items() if "ramp" in g} == ramps
    for m, gammas in found.items():
        assert "0.5" not in gammas or gammas["0.5"] == (64,)
        if m in ramps:
            count = ramps[m]
            assert gammas["ramp"] == tuple(
                round(128 * k / (count + 1)) for k in range(1, count + 1)
            )
