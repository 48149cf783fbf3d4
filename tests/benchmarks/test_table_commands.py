"""The three tables end to end, on tiny clips, with the Gaussian prior."""

import json
import subprocess
import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from benchmarks import __main__, arguments, table2
from benchmarks.codecs.stages import DECODE_STAGES, ENCODE_STAGES, StageCodec
from benchmarks.points import SequenceResult
from benchmarks.published_curves import FileFormatError
from freegvc import CompressedVideo
from freegvc._video import Video
from freegvc.errors import MetricUnavailableError
from freegvc.metrics import psnr
from freegvc.priors import LatentSpec, PriorDefaults, load_prior

ROOT = Path(__file__).parents[2]


@pytest.fixture
def folder(scene, tmp_path):
    clips = tmp_path / "clips"
    clips.mkdir()
    for name, size in (("a", (16, 64, 96)), ("b", (16, 64, 80))):
        Video(scene(*size), Fraction(25)).save(clips / f"{name}.y4m")
    return clips


@pytest.fixture
def run(folder, tmp_path):
    """Run a table; gives its exit code and its folder."""

    def run(table, *more):
        out = tmp_path / "out"
        base = ["--dataset", "folder", "--root", folder, "--prior", "analytic", "--out", out]
        return __main__.main([table, *map(str, base), *map(str, more)]), out

    return run


def test_table1_reports_curves_and_what_failed(run, folder):
    with (folder / "b.y4m").open("r+b") as file:
        file.truncate(1000)
    code, out = run("table1", "--metrics", "psnr", "--codecs", "x264-ld", "--frames", 16)
    assert code == 1
    report = (out / "report.md").read_text()
    assert "x264-ld" in report
    assert "b.y4m" in report
    assert (out / "rd_psnr.png").stat().st_size > 1000
    assert (out / "report.html").read_text().startswith("<!doctype html>")
    before = {path: path.read_bytes() for path in out.glob("results/a/*.json")}
    assert len(before) == 2
    assert run("table1", "--metrics", "psnr", "--codecs", "x264-ld", "--frames", 16)[0] == 1
    assert {path: path.read_bytes() for path in before} == before


def test_table1_takes_a_published_curve_as_anchor(run, tmp_path):
    results = {"psnr": [20.0, 22.0, 24.0, 26.0, 28.0], "bpp": [0.01, 0.02, 0.04, 0.08, 0.16]}
    path = tmp_path / "peer.json"
    path.write_text(json.dumps({"name": "peer", "results": results}))
    more = ("--published", path, "--anchor", "peer (published)", "--metrics", "psnr")
    code, out = run("table1", *more, "--codecs", "x264-ld", "--only", "a")
    assert code == 0
    report = (out / "report.md").read_text()
    assert "peer (published): published averages" in report
    overview = report.split("**BD-rate and BD-metric against peer (published)**")[1]
    assert "| analytic | x264-ld |" in overview.split("\n\n")[1]


def test_table1_refuses_a_published_file_before_it_encodes(run, tmp_path):
    path = tmp_path / "peer.json"
    path.write_text('{"results": {"bpp": [0.1], "psnr": ["high"]}}')
    with pytest.raises(FileFormatError, match="'high' is not a number"):
        run("table1", "--metrics", "psnr", "--codecs", "x264-ld", "--published", path)
    assert not (tmp_path / "out").exists()


def test_a_folder_of_clips_may_hold_the_results(run, folder):
    out = folder / "results"
    more = ("--metrics", "psnr", "--codecs", "x264-ld", "--out", out)
    for _ in range(2):
        assert run("table1", *more)[0] == 0
    assert list(out.glob("*.png"))
    assert {path.name for path in out.glob("results/*")} == {"a", "b"}


def test_table1_names_a_wrong_anchor_before_it_encodes(run, tmp_path):
    with pytest.raises(SystemExit, match="anchor 'x266': it must be one of analytic, x264-ld"):
        run("table1", "--metrics", "psnr", "--codecs", "x264-ld", "--anchor", "x266")
    assert not (tmp_path / "out").exists()


def test_table2_compares_variants_with_the_default(run):
    chosen = ("--variants", "pfr", "grid-coarse", "--only", "a", "--rates", 0.02, 0.035, 0.05)
    code, out = run("table2", "--metrics", "psnr", *chosen)
    assert code == 0
    names = {path.stem for path in (out / "results" / "a").iterdir()}
    assert names == {"default", "pfr", "grid-coarse"}
    sizes = {}
    for name in names:
        points = json.loads((out / f"results/a/{name}.json").read_text())["points"]
        sizes[name] = [point["num_bytes"] for point in points]
    assert sizes["pfr"] != sizes["default"]
    assert sizes["grid-coarse"] != sizes["default"]


def test_table2_codes_each_latent_alone(run):
    more = ("--metrics", "psnr", "--variants", "frame-wise", "--only", "a", "--frames", 6)
    code, out = run("table2", *more, "--rates", 0.3, 0.6)
    assert code == 0
    header = CompressedVideo.open(out / "files/a/frame-wise/0.6bpp.fgvc").header
    assert (header.gop_length, header.overlap, header.num_gops) == (1, 0, 6)
    result = SequenceResult.read(out / "results/a/frame-wise.json")
    for point in result.points:
        stream = CompressedVideo.open(out / "files/a/frame-wise" / point.file)
        seeds = sum(gop.seed_bits for gop in stream.gops) / 8
        assert point.details["seed_bytes"] == pytest.approx(seeds, abs=0.05)
        assert point.num_bytes > seeds


def test_table2_has_the_papers_settings_and_refuses_what_does_nothing(run):
    variants = table2.variants_of(load_prior("freegvc-small"))
    paper = {"m-0", "m-8", "gamma-0.4", "gamma-0.6", "gamma-0.7", "l-32", "l-56"}
    assert paper < set(variants)
    message = r"gamma-0.4: it does nothing in one GOP: --frames is 16 and must be at least 70"
    with pytest.raises(SystemExit, match=message):
        run("table2", "--metrics", "psnr", "--variants", "gamma-0.4", "--frames", 16)
    with pytest.raises(SystemExit, match="no variant m-1; there are default"):
        run("table2", "--metrics", "psnr", "--variants", "m-1")


@pytest.mark.parametrize(
    ("latent", "defaults", "frames"),
    [
        ({"temporal_stride": 4}, {}, 4),
        ({"temporal_stride": 4, "is_causal": True}, {"gop_length": 49, "overlap": 5}, 1),
        ({"temporal_stride": 8, "is_causal": True}, {"gop_length": 49, "overlap": 9}, 1),
        ({"temporal_stride": 4, "frame_multiple": 8}, {"max_gop_length": 49}, None),
    ],
    ids=["freegvc-small", "wan", "ltx", "cogvideox"],
)
def test_every_variant_of_table2_fits_the_geometries_of_all_models(latent, defaults, frames):
    """Or is left out with the reason: GOPs of CogVideoX have at least two latents."""
    prior = load_prior("analytic")
    prior.latent = LatentSpec(channels=6, spatial_stride=8, **latent)
    prior.defaults = PriorDefaults(**defaults)
    variants = table2.variants_of(prior)
    reasons = {
        name: reason
        for name, variant in variants.items()
        if (reason := table2.why_not(prior, name, variant, 200)) is not None
    }
    if frames is None:
        assert set(reasons) == {"frame-wise"}
        assert "no GOPs of one latent: the least has 2" in reasons["frame-wise"]
    else:
        assert reasons == {}
        assert variants["frame-wise"] == {"gop_length": frames, "overlap": 0}
        assert prior.latent.shape(frames, 64, 64)[1] == 1
    assert "does nothing in one GOP" in table2.why_not(prior, "chain", {"chain": True}, 52)
    bad = {"overlap": 7}
    assert "does not allow it" in table2.why_not(prior, "m-7", bad, 96)


def test_stages_of_frames_in_tiles_are_timed(scene, tmp_path, monkeypatch):
    prior = load_prior("freegvc-small")
    prior.defaults = replace(prior.defaults, native_size=(64, 64))
    monkeypatch.setattr(StageCodec, "prior", prior)
    codec = StageCodec("freegvc-small", [700])
    frames = scene(8, 64, 144)
    (encoded,) = codec.encode(frames, Fraction(25), tmp_path)
    assert list(tmp_path.iterdir()) == [encoded.path]
    decoded = codec.decode(encoded)
    assert set(encoded.stages) == {*ENCODE_STAGES, *DECODE_STAGES}
    assert all(seconds > 0 for seconds in encoded.stages.values())
    assert psnr(frames, decoded).mean() > 10
    assert not {"predict_x0", "predict_tiles", "encode_frames", "decode_latent"} & set(vars(prior))


def test_table3_times_every_stage(run):
    code, out = run("table3", "--metrics", "psnr", "--stop-steps", 700, 850, "--only", "a")
    assert code == 0
    result = SequenceResult.read(out / "results" / "a" / "analytic.json")
    coarse, fine = result.points
    assert (fine.setting, coarse.setting) == ("stop step 700", "stop step 850")
    assert fine.num_bytes > coarse.num_bytes
    assert fine.score("psnr") > coarse.score("psnr")
    for point in (fine, coarse):
        assert set(point.stages) == {*ENCODE_STAGES, *DECODE_STAGES}
        assert sum(point.stages[name] for name in ENCODE_STAGES) < point.encode_seconds
        assert sum(point.stages[name] for name in DECODE_STAGES) < point.decode_seconds + 0.01
        assert 100 < point.details["peak_mib"]["decode"] < 4096
    report = (out / "report.md").read_text()
    assert f"{result.bpp(fine):.4f}" in report
    assert "Free-GVC, Table III" in report
    assert (out / "report.html").read_text().startswith("<!doctype html>")
    assert (out / "stages.png").stat().st_size > 1000


def test_table3_keeps_what_is_finished_and_names_what_failed(run, folder):
    with (folder / "b.y4m").open("r+b") as file:
        file.truncate(1000)
    stops = ("--metrics", "psnr", "--stop-steps", 850)
    code, out = run("table3", *stops)
    assert code == 1
    kept, failed = (out / "results" / name / "analytic.json" for name in ("a", "b"))
    assert "b.y4m" in SequenceResult.read(failed).error
    assert "b.y4m" in (out / "report.md").read_text()
    before = kept.read_bytes()
    run("table3", *stops)
    assert kept.read_bytes() == before
    run("table3", "--metrics", "psnr", "--stop-steps", 800)  # another question
    assert SequenceResult.read(kept).points[0].setting == "stop step 800"


def test_rates_range_coder_and_dtype_reach_the_results(run):
    more = ("--metrics", "psnr", "--only", "a", "--codecs", "x264-ld", "--dtype", "float64")
    more += ("--rates", 0.06, 0.03, 0.04, "--coder", "pfr", "--frames", 8)
    code, out = run("table1", *more)
    assert code == 0
    settings = SequenceResult.read(out / "results/a/analytic.json").settings
    assert settings["rates_bpp"] == [0.03, 0.04, 0.06]
    assert (settings["coder"], settings["dtype"]) == ("pfr", "float64")
    assert "The comparison is about 0.001 to 0.06 bpp." in (out / "report.md").read_text()
    run("table1", *more, "--range", 0.2, 0.4)
    assert "The comparison is about 0.2 to 0.4 bpp." in (out / "report.md").read_text()
    with pytest.raises(SystemExit, match=r"--range: 0.4 to 0.2 bpp is empty"):
        run("table1", *more, "--range", 0.4, 0.2)


def test_table2_passes_coder_and_rates_to_every_variant(run):
    more = (
        "--metrics",
        "psnr",
        "--only",
        "a",
        "--rates",
        0.03,
        0.05,
        "--coder",
        "pfr",
        "--frames",
        8,
    )
    code, out = run("table2", *more, "--variants", "grid-coarse")
    assert code == 0
    for name in ("default", "grid-coarse"):
        settings = SequenceResult.read(out / f"results/a/{name}.json").settings
        assert (settings["rates_bpp"], settings["coder"]) == ([0.03, 0.05], "pfr")


def test_table3_times_the_coder_that_is_asked_for(run):
    stops = ("--metrics", "psnr", "--stop-steps", 850, "--only", "a")
    code, out = run("table3", *stops, "--coder", "pfr")
    assert code == 0
    result = SequenceResult.read(out / "results/a/analytic-pfr.json")
    assert result.settings["coder"] == "pfr"
    assert CompressedVideo.open(out / "files/a/analytic-pfr/stop850.fgvc").header.coder == "pfr"
    assert result.points[0].stages["channel encode"] > 0


def test_a_prior_without_offload_gives_a_result_that_says_so(run):
    code, out = run("table1", "--metrics", "psnr", "--codecs", "x264-ld", "--offload", "group")
    assert code == 1
    assert "prior 'analytic' has no weights" in (out / "report.md").read_text()


def test_a_metric_of_the_table_without_weights_has_a_column_that_says_so(run, monkeypatch, capsys):
    def refuse(name, **keywords):
        if name in ("dists", "fid", "lpips"):
            raise MetricUnavailableError(f"fetch the weights of {name}")

    monkeypatch.setattr(arguments, "check_metric", refuse)
    more = ("--codecs", "x264-ld", "--only", "a")
    code, out = run("table1", *more)
    assert code == 0
    assert "without dists: fetch the weights of dists" in capsys.readouterr().err
    report = (out / "report.md").read_text()
    assert "FID: not measured here: fetch the weights of fid" in report
    header = next(line for line in report.splitlines() if line.startswith("| codec | setting |"))
    assert "DISTS ↓" in header
    assert "| all | LPIPS | not measured |" in report
    with pytest.raises(MetricUnavailableError, match="the weights of dists"):
        run("table1", *more, "--metrics", "dists")


@pytest.mark.parametrize("rate", ["0", "-1", "nan", "inf", "x"])
def test_an_impossible_rate_is_refused(run, rate, capsys):
    with pytest.raises(SystemExit):
        run("table1", "--rates", rate)
    assert f"{rate!r} is not a number of bits per pixel above 0" in capsys.readouterr().err


def test_an_unknown_sequence_is_refused(run):
    with pytest.raises(SystemExit, match="no c"):
        run("table1", "--only", "c", "--metrics", "psnr")


def test_the_example_hands_its_arguments_on():
    example = ROOT / "examples" / "reproduce_table1.py"
    more = ["clips", "-", "analytic", "--out", "x", "--metrics", "?"]
    command = [sys.executable, str(example), *more]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "benchmarks table1" in done.stderr
    assert "invalid choice: '?'" in done.stderr
