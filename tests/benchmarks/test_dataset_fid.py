"""FID of a dataset: of all patches together, the same after a run was stopped."""

import shutil
from fractions import Fraction
from functools import partial

import numpy as np
import pytest
import torch

from benchmarks.report.dataset_fid import dataset_fid
from benchmarks.report.study_report import write_report
from benchmarks.study import run
from freegvc._video import Video
from freegvc.metrics import PatchFid
from freegvc.metrics.fid import cut_patches
from freegvc.metrics.fid_statistics import frechet_distance
from tests.benchmarks.test_study import Rounding, study_of
from tests.metrics.test_fid import Features
from tests.metrics.test_fid_statistics import statistics

SIZES = {"a": (4, 64, 128), "b": (3, 96, 130)}


@pytest.fixture
def folder(scene, tmp_path):
    clips = tmp_path / "clips"
    clips.mkdir()
    for name, size in SIZES.items():
        Video(scene(*size), Fraction(25)).save(clips / f"{name}.y4m")
    return clips


@pytest.fixture(autouse=True)
def network(monkeypatch):
    fid = partial(PatchFid, network=Features())
    monkeypatch.setattr("freegvc.metrics.scoring.PatchFid", fid)


def measured(folder, out):
    study = study_of(folder, out, [Rounding()], metrics=("psnr", "fid"))
    return study, run(study)


def test_it_is_the_fid_of_all_patches_as_one_set(folder, tmp_path):
    study, results = measured(folder, tmp_path / "out")
    (curves,) = dataset_fid(results, study.out).curves
    assert curves.title == "folder, all patches of 2 sequences"
    (curve,) = curves.curves

    def features(frames):

        patches = torch.from_numpy(cut_patches(frames, 64)).permute(0, 3, 1, 2)
        return Features()(patches).double().numpy()

    originals, decoded = [], [[], []]
    for clip, result in zip(study.clips, results, strict=True):
        frames, _ = study.load(clip)
        originals.append(features(frames))
        for k, point in enumerate(result.points):
            codec = study.codecs[0]
            path = study.files_folder(clip, codec) / point.file
            encoded = next(
                e
                for e in codec.encode(frames, Fraction(25), path.parent)
                if e.path.name == point.file
            )
            decoded[k].append(features(codec.decode(encoded)))
    whole = statistics(np.concatenate(originals))
    expected = [frechet_distance(whole, statistics(np.concatenate(d))) for d in decoded]
    assert curve.scores == pytest.approx(expected, rel=1e-3)
    bpp = [np.mean([r.bpp(r.points[k]) for r in results]) for k in range(2)]
    assert curve.bpp == pytest.approx(bpp)


def test_a_stopped_run_ends_with_the_same_tables(folder, tmp_path):
    def report(out):
        _, results = measured(folder, out)
        fid = dataset_fid(results, out)
        write_report(
            results,
            out,
            anchor="rounding",
            pictures={},
            title="T",
            rate_range=None,
            paper_table="Table I",
            command="x",
            fid=fid,
        )
        text = (out / "report.md").read_text()
        return fid, text[: text.index("## Every file")]

    whole = report(tmp_path / "whole")
    out = tmp_path / "stopped"
    measured(folder, out)
    for path in out.glob("results/b/*.json"):  # as if it had been killed during b
        path.unlink()
    shutil.rmtree(out / "results" / "b" / "fid")
    assert report(out) == whole
    assert "folder, all patches of 2 sequences" in whole[1]


def test_what_was_not_kept_is_said(folder, tmp_path):
    study, results = measured(folder, tmp_path / "out")
    shutil.rmtree(study.out / "results" / "a" / "fid")
    found = dataset_fid(results, study.out)
    assert found.curves == ()
    assert "No FID of all patches of folder: " in found.notes[0]
    assert "reference.npz was not kept" in found.notes[0]


def test_one_sequence_has_no_more_than_its_own(folder, tmp_path):
    (folder / "b.y4m").unlink()
    study, results = measured(folder, tmp_path / "out")
    assert dataset_fid(results, study.out).curves == ()
