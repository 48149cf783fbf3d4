"""Runs that are killed, that fail, and that are started again."""

import json
import re
import shutil
from dataclasses import replace
from fractions import Fraction
from functools import partial

import numpy as np
import pytest
from torch import nn

from benchmarks.codecs.base import Codec, CodecUnavailableError, Encoded
from benchmarks.codecs.freegvc_codec import FreeGvcCodec
from benchmarks.datasets import dataset_sequences
from benchmarks.points import SequenceResult
from benchmarks.report.curves import average_curves, metrics_of
from benchmarks.report.pictures import sample_pictures
from benchmarks.study import Study, run
from freegvc._video import Video
from freegvc.metrics import PatchFid


class Rounding(Codec):
    """Keeps the high bits of every sample: rates and scores that are known."""

    def __init__(self, label="rounding", bits=(2, 4)):
        self.label, self.bits, self.encoded = label, bits, 0
        self.settings = {"bits": list(bits)}

    def check(self):
        pass

    def encode(self, frames, fps, folder):
        self.encoded += 1
        files = []
        for bits in self.bits:
            path = folder / f"{bits}.npz"
            np.savez_compressed(path, frames >> (8 - bits) << (8 - bits))
            files.append(Encoded(f"{bits} bits", path, 0.5))
        return files

    def decode(self, encoded):
        return np.load(encoded.path)["arr_0"]


class Missing(Rounding):
    def check(self):
        raise CodecUnavailableError("install it")


class Shortening(Rounding):
    def decode(self, encoded):
        return super().decode(encoded)[1:]


@pytest.fixture
def folder(scene, tmp_path):
    clips = tmp_path / "clips"
    clips.mkdir()
    for name, size in (("a", (3, 48, 64)), ("b", (4, 32, 40))):
        Video(scene(*size), Fraction(25)).save(clips / f"{name}.y4m")
    return clips


def study_of(folder, out, codecs, **changes):
    wanted = {"num_frames": 3, "max_size": None, "metrics": ("psnr",)} | changes
    return Study("folder", dataset_sequences("folder", folder), codecs, **wanted, out=out)


def test_every_file_is_measured(folder, tmp_path):
    results = run(study_of(folder, tmp_path / "out", [Rounding()]))
    assert [(r.sequence, r.codec, r.num_frames) for r in results] == [
        ("a", "rounding", 3),
        ("b", "rounding", 3),
    ]
    few, many = results[0].points
    assert few.num_bytes == (tmp_path / "out/files/a/rounding/2.npz").stat().st_size
    assert few.score("psnr") < many.score("psnr")
    assert len(few.per_frame["psnr"]) == 3
    assert results[0].bpp(few) == pytest.approx(8 * few.num_bytes / (3 * 48 * 64))
    assert set(results[0].provenance) >= {"commit", "versions", "hardware", "measured"}


def test_a_second_run_measures_nothing_again(folder, tmp_path):
    first = run(study_of(folder, tmp_path / "out", [Rounding()]))
    codec = Rounding()
    assert run(study_of(folder, tmp_path / "out", [codec])) == first
    assert codec.encoded == 0


def test_a_killed_run_ends_with_the_same_results(folder, tmp_path):
    """A kill leaves a finished sequence, half of the files of another, and half a result."""
    whole = run(study_of(folder, tmp_path / "whole", [Rounding()]))
    study = study_of(folder, tmp_path / "out", [Rounding()])
    run(replace(study, clips=study.clips[:1]))
    half = study.files_folder(study.clips[1], study.codecs[0])
    half.mkdir(parents=True)
    (half / "7.npz").write_bytes(b"half a file")
    (study.out / "results" / "b").mkdir(parents=True)
    (study.out / "results" / "b" / "rounding.new").write_text('{"schema": 1, "data')
    resumed = run(study)
    measured, expected = (
        [(r.sequence, [(p.num_bytes, p.per_frame) for p in r.points]) for r in results]
        for results in (resumed, whole)
    )
    assert measured == expected
    assert not (half / "7.npz").exists()


@pytest.mark.parametrize(
    "change", [{"num_frames": 2}, {"metrics": ("psnr", "tof")}, {"codecs": [Rounding(bits=(3,))]}]
)
def test_other_settings_are_measured_again(folder, tmp_path, change):
    run(study_of(folder, tmp_path / "out", [Rounding()]))
    codec = change.pop("codecs", [Rounding()])[0]
    run(study_of(folder, tmp_path / "out", [codec], **change))
    assert codec.encoded == 2


def test_another_file_of_one_name_is_measured_again(folder, scene, tmp_path):
    run(study_of(folder, tmp_path / "out", [Rounding()]))
    Video(scene(5, 48, 64), Fraction(25)).save(folder / "a.y4m", overwrite=True)
    codec = Rounding()
    run(study_of(folder, tmp_path / "out", [codec]))
    assert codec.encoded == 1
    assert (
        "a.y4m"
        in json.loads((tmp_path / "out/results/a/rounding.json").read_text())["asked"]["source"]
    )


def test_results_outlive_their_videos(folder, tmp_path):
    study = study_of(folder, tmp_path / "out", [Rounding()])
    first = run(study)
    gone = [replace(clip, paths=()) for clip in study.clips]
    assert run(replace(study, clips=gone)) == first


def test_half_a_result_is_named(folder, tmp_path):
    study = study_of(folder, tmp_path / "out", [Rounding()])
    run(study)
    path = study.result_path(study.clips[0], study.codecs[0])
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(ValueError, match=r"results/a/rounding\.json is not a result.*remove it"):
        run(study)


def test_fid_is_a_score_of_the_whole_video(folder, scene, tmp_path, monkeypatch):
    class Mean(nn.Module):
        num_features = 3

        def forward(self, patches):
            return patches.float().mean((2, 3))

    fid = partial(PatchFid, network=Mean())
    monkeypatch.setattr("freegvc.metrics.scoring.PatchFid", fid)
    Video(scene(4, 64, 128), Fraction(25)).save(folder / "b.y4m", overwrite=True)
    small, large = run(study_of(folder, tmp_path / "out", [Rounding()], metrics=("psnr", "fid")))
    assert small.points[0].score("fid") is None  # 48 lines
    coarse, fine = (point.score("fid") for point in large.points)
    assert coarse > fine > 0
    assert metrics_of([small, large]) == ["psnr", "fid"]
    assert average_curves([small, large], "fid").left_out == {
        "a": "whose frames are too small for FID"
    }


def test_what_fails_is_named_and_does_not_stop_the_run(folder, tmp_path, capsys):
    with (folder / "a.y4m").open("r+b") as file:
        file.truncate(200)
    codecs = [Rounding(), Shortening("shortening"), Missing("missing")]
    results = run(study_of(folder, tmp_path / "out", codecs))
    said = {(r.sequence, r.codec): r.error for r in results}
    assert said["b", "rounding"] == ""
    assert "a.y4m" in said["a", "rounding"]
    assert "(2, 32, 40, 3)" in said["b", "shortening"]
    assert said["b", "missing"] == "CodecUnavailableError: install it"
    assert "b missing: CodecUnavailableError: install it" in capsys.readouterr().err
    kept = json.loads((tmp_path / "out/results/a/rounding.json").read_text())
    assert kept["error"] == said["a", "rounding"]
    codec = Rounding()
    run(study_of(folder, tmp_path / "out", [codec]))
    assert codec.encoded == 0  # b is finished; a fails before it is encoded
    assert SequenceResult.read(tmp_path / "out/results/b/rounding.json").points


def test_pictures_are_of_the_files_that_were_kept(folder, tmp_path):
    study = study_of(folder, tmp_path / "out", [Rounding(), Rounding("coarse", (1,))])
    pictures = sample_pictures(study, run(study))
    assert len(pictures) == 4
    for path in pictures.values():
        assert path.read_bytes().startswith(b"\x89PNG")
    page = (tmp_path / "out/pictures/a.html").read_text(encoding="utf-8")
    data = json.loads(re.search(r'id="page-data">(.*?)</script>', page)[1])
    assert [version["name"] for version in data["versions"]] == ["original", "rounding", "coarse"]
    kept = json.loads((tmp_path / "out/results/a/coarse.json").read_text())
    assert data["versions"][2]["scores"]["psnr"] in [p["per_frame"]["psnr"] for p in kept["points"]]
    assert any("pictures/a.html" in caption for caption in pictures)
    assert not (tmp_path / "out/pictures/b.html").exists()


def test_a_picture_that_cannot_be_made_costs_only_itself(folder, tmp_path, capsys):
    study = study_of(folder, tmp_path / "out", [Rounding()])
    results = run(study)
    shutil.rmtree(study.files_folder(study.clips[0], study.codecs[0]))
    pictures = sample_pictures(study, results)
    assert {path.name for path in pictures.values()} == {"b.png", "b_xt.png"}
    assert "no pictures of a: " in capsys.readouterr().err


def test_freegvc_cuts_all_rates_from_one_walk(scene, tmp_path):
    frames = scene(4, 48, 64)
    codec = FreeGvcCodec("analytic", (0.1, 0.4, 0.2), first_step=0.2, growth=1.2)
    files = codec.encode(frames, Fraction(25), tmp_path)
    sizes = [8 * f.path.stat().st_size / frames[..., 0].size for f in files]
    assert all(size <= rate for size, rate in zip(sizes, (0.1, 0.2, 0.4), strict=True))
    assert sizes == sorted(set(sizes))
    assert codec.prior.defaults.first_step != 0.2  # others use it too
    coarse = files[-1].path.read_bytes()
    fine = FreeGvcCodec("analytic", (0.4,), first_step=0.02, growth=1.02).encode(
        frames, Fraction(25), tmp_path
    )
    assert fine[0].path.read_bytes() != coarse
    assert all(codec.decode(f).shape == frames.shape for f in files)
    assert set(files[0].stages) == {"encode frames", "walk"}
    with pytest.raises(CodecUnavailableError, match="no-such-prior"):
        FreeGvcCodec("no-such-prior", (0.1,)).check()
