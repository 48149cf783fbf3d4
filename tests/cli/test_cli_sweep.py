"""sweep: a table on stdout or in a file, a plot, and everything else on stderr."""

import csv
import io
import json

import numpy as np
import pytest
from PIL import Image

import freegvc
from freegvc import CompressedVideo, Settings
from freegvc._cli.main import main

CODING = ["--prior", "analytic", "--gop-length", "5", "--overlap", "2", "--coder", "pfr"]
RATES = ["--rates", "0.4,0.15,0.2"]


@pytest.fixture(scope="module")
def rich_stream(clip, tmp_path_factory):
    """The clip's stream at 0.4 bpp."""
    path = tmp_path_factory.mktemp("rich") / "clip.fgvc"
    assert main(["compress", str(clip), str(path), "--target-bpp", "0.4", *CODING]) == 0
    return path


@pytest.fixture(scope="module")
def points(clip):
    settings = Settings(gop_length=5, overlap=2, coder="pfr")
    return freegvc.sweep(clip, rates=(0.15, 0.2, 0.4), prior="analytic", settings=settings)


def rows(text):
    return list(csv.DictReader(io.StringIO(text)))


def test_csv_is_all_there_is_on_stdout(run, clip, points):
    result = run("sweep", clip, *RATES, *CODING)
    assert result.code == 0, result.err
    assert result.out.startswith("target_bpp,bpp,num_bytes,psnr,ms_ssim\n")
    found = rows(result.out)
    assert [float(row["target_bpp"]) for row in found] == [0.15, 0.2, 0.4]
    for row, point in zip(found, points, strict=True):
        assert float(row["bpp"]) == pytest.approx(point.bpp, rel=1e-5)
        assert int(row["num_bytes"]) == point.stream.num_bytes
        assert float(row["psnr"]) == pytest.approx(point.scores.mean("psnr"), rel=1e-5)
        assert row["ms_ssim"] == ""  # the frames are too small
        assert f"at most {point.target_bpp:g} bpp: {point.stream.num_bytes} bytes" in result.err
    assert "s to encode once" in result.err


def test_json_says_more(run, clip, rich_stream, points, tmp_path):
    document = json.loads(run("sweep", clip, *RATES, *CODING, "--json").out)
    assert document["input"] == str(clip)
    assert (document["prior"], document["num_frames"]) == ("analytic", 9)
    assert document["encode_seconds"] > 0
    for entry, point in zip(document["points"], points, strict=True):
        pooled = point.scores.pooled("psnr")
        assert entry["psnr"] == {"mean": pooled.mean, "p5": pooled.tail, "min": pooled.worst}
        assert entry["stop_steps"] == [gop.stop_step for gop in point.stream.gops]
        assert entry["bpp"] == point.bpp
    path = tmp_path / "table.JSON"
    assert run("sweep", rich_stream, *RATES, "-o", path).out == ""
    alone = json.loads(path.read_text())
    assert alone["encode_seconds"] is None
    for entry, point in zip(alone["points"], document["points"], strict=True):
        assert entry == {name: point[name] for name in entry}


def test_a_stream_with_its_original(run, clip, rich_stream, points, tmp_path):
    path = tmp_path / "table.csv"
    arguments = ["sweep", rich_stream, *RATES, "--metrics", "psnr", "--reference", clip]
    result = run(*arguments, "--output", path)
    assert (result.code, result.out) == (0, "")
    found = rows(path.read_text())
    expected = [f"{point.scores.mean('psnr'):.6g}" for point in points]
    assert [row["psnr"] for row in found] == expected
    assert run(*arguments, "--output", path).code == 2
    assert run(*arguments, "--output", path, "--force").code == 0


def test_a_stream_alone_needs_no_model(run, rich_stream, monkeypatch):
    monkeypatch.delattr("freegvc.priors.loading.load_prior_by_name")
    result = run("sweep", rich_stream, *RATES)
    assert result.code == 0, result.err
    whole = CompressedVideo.open(rich_stream)
    assert rows(result.out) == [
        {
            "target_bpp": f"{rate:g}",
            "bpp": f"{whole.truncate(bpp=rate).bpp:.6g}",
            "num_bytes": f"{whole.truncate(bpp=rate).num_bytes}",
        }
        for rate in (0.15, 0.2, 0.4)
    ]


def test_rates_out_of_reach_are_named_on_stderr(run, rich_stream):
    result = run("sweep", rich_stream, "--rates", "0.001,0.2,9")
    assert [row["target_bpp"] for row in rows(result.out)] == ["0.2", "9"]
    assert "warning: 0.001 bpp: too low" in result.err
    assert "warning: 9 bpp: more than this stream has" in result.err
    assert run("sweep", rich_stream, "--rates", "0.001").code == 6


@pytest.mark.parametrize("to_file", [False, True])
def test_the_table_is_there_although_there_is_nothing_to_plot(run, clip, tmp_path, to_file):
    path = tmp_path / "table.csv"
    more = ["-o", path] if to_file else []
    arguments = ["--metrics", "ms_ssim", "--plot", tmp_path / "a.png"]
    result = run("sweep", clip, *RATES, *CODING, *arguments, *more)
    assert result.code == 2
    assert "nothing to plot" in result.err
    assert len(rows(path.read_text() if to_file else result.out)) == 3


def test_a_plot(run, clip, rich_stream, tmp_path):
    path = tmp_path / "curve.png"
    arguments = ["sweep", rich_stream, *RATES, "--reference", clip, "--plot", path]
    result = run(*arguments, "--metrics", "psnr,tof")
    assert result.code == 0, result.err
    with Image.open(path) as image:
        pixels = np.asarray(image.convert("RGB")).astype(int)
    halves = np.array_split(np.abs(pixels - (0x1F, 0x5F, 0xA8)).sum(axis=-1) < 30, 2, axis=1)
    assert all(half.sum() > 200 for half in halves)  # a curve in each of the two panels
    assert not list(tmp_path.glob(".*"))
    nothing = run(*arguments, "--metrics", "ms_ssim", "--force")
    assert nothing.code == 2
    assert "nothing to plot" in nothing.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["{clip}", "--rates", "a,b"], "must be numbers with commas"),
        (["{clip}", "--rates", "0.1,-3"], "a rate is -3 bpp"),
        (["{clip}"], "--rates"),
        (["{clip}", *RATES, "--reference", "{clip}"], "--reference goes with a .fgvc file"),
        (["{clip}", *RATES, "-o", "table.txt"], "must end in .csv or .json"),
        (["{clip}", *RATES, "-o", "-"], "--output cannot be -"),
        (["{clip}", *RATES, "-o", "t.csv", "--json"], "--json prints on standard output"),
        (["{clip}", *RATES, "-o", "gone/t.csv"], "gone is not a folder"),
        (["{clip}", *RATES, "--plot", "t.pdf"], "writes a .png file"),
        (["{clip}", *RATES, "--metrics", "nix"], "there are psnr"),
        (["{stream}", *RATES, "--gop-length", "9"], "is a stream, which is only cut"),
        (["{stream}", *RATES, "--native-size", "48x16"], "leave out --native-size"),
        (
            ["{stream}", *RATES, "--reference", "{clip}", "--native-size", "48x16"],
            "which states its tiles and its prompt: leave out --native-size",
        ),
        (["{stream}", *RATES, "--reference", "{clip}", "--prompt", "x"], "leave out --prompt"),
        (["{stream}", *RATES, "--plot", "t.png"], "add --reference"),
        (["{stream}", *RATES, "--metrics", "psnr"], "need the original"),
    ],
)
def test_what_cannot_be_is_refused_before_any_work(
    run, clip, rich_stream, monkeypatch, tmp_path, words, message
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delattr("freegvc._codec.coding.GopEncoder")
    names = {"clip": clip, "stream": rich_stream}
    result = run("sweep", *(word.format(**names) for word in words), "--device", "cpu")
    assert (result.code, result.out) == (2, "")
    assert message in result.err
    assert not list(tmp_path.iterdir())
