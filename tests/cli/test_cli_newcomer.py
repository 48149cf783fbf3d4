"""What somebody sees who uses the command line for the first time."""

import json
import subprocess
import sys
from importlib.util import find_spec

import numpy as np
import pytest

import freegvc
from freegvc.metrics import metric_status
from tests.cli.tiny_clip import ROOT

GOPS = ["--prior", "analytic", "--gop-length", "4", "--overlap", "1"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--verison"], "there is no option --verison (did you mean --version?)"),
        (["priors", "--hlep"], "there is no option --hlep (did you mean --help?)"),
        (["compres"], "did you mean compress?"),
        (["compress", "a", "b", "--targt-bpp", "3"], "did you mean --target-bpp?"),
        (["compress", "a", "b", "--metric", "pnsr"], "did you mean psnr?"),
        (["score", "a", "b", "--metrics", "lpip"], "did you mean 'lpips'?"),
        (["decompress", "a", "b", "--forse"], "did you mean --force?"),
    ],
)
def test_typos_get_a_suggestion(run, arguments, said):
    result = run(*arguments)
    assert result.code == 2
    assert said in result.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["decompress", "a", "b", "--frames", "-2:"], "expected one argument; write --frames=-2:"),
        (["compress", "a", "b", "--size", "-64x48"], "expected one argument; write --size=-64x48"),
        (["compress", "a", "b", "--size", "--force"], "--size: expected one argument (see"),
    ],
)
def test_values_that_begin_with_a_dash_are_explained(run, arguments, said):
    assert said in run(*arguments).err


def test_help_is_a_word_too(run):
    assert run("help").out == run("--help").out
    assert run("help", "info").out == run("info", "--help").out
    assert run("help", "compres").code == 2


@pytest.mark.parametrize("more", [["--nonsense"], ["surplus"], ["--target-bpp", "x"]])
def test_errors_of_a_command_point_to_its_own_help(run, more):
    assert "(see freegvc compress --help)" in run("compress", "a", "b", *more).err


def test_the_summary_states_the_score(run, clip, tmp_path):
    arguments = [*GOPS, "--target-psnr", "25", "--tolerance", "2"]
    result = run("compress", clip, tmp_path / "a.fgvc", *arguments, "--events", "ndjson")
    done = json.loads(result.out.splitlines()[-1])
    assert (done["event"], done["metric"]) == ("CommandDone", "psnr")
    assert abs(done["score"] - 25) <= 2
    assert f"PSNR {done['score']:.2f} dB" in result.err


def test_a_failure_is_the_last_event(run, clip, tmp_path):
    result = run(
        "compress", clip, tmp_path / "a.fgvc", *GOPS, "--target-bytes", "20", "--events", "ndjson"
    )
    last = json.loads(result.out.splitlines()[-1])
    assert last["event"] == "CommandFailed"
    assert (last["error"], last["exit_code"]) == ("TargetError", result.code)
    assert result.err == f"freegvc: error: {last['message']}\n"


@pytest.mark.parametrize("command", ["compress", "decompress", "score"])
def test_the_usage_line_is_short(run, command):
    assert len(run(command, "--help").out.splitlines()[0]) < 80


def test_one_small_frame_needs_no_options():
    frame = np.random.default_rng(0).integers(0, 256, (1, 64, 64, 3), dtype=np.uint8)
    assert len(freegvc.compress(frame, prior="analytic").data) < 600
    with pytest.raises(freegvc.TargetError):
        freegvc.compress(frame, prior="analytic", target_bpp=0.02)


@pytest.mark.parametrize(("length", "overlap"), [(3, 1), (5, 2), (8, 4)])
def test_short_gops_get_an_overlap_that_fits(length, overlap):
    frames = np.random.default_rng(0).integers(0, 256, (9, 16, 16, 3), dtype=np.uint8)
    settings = freegvc.Settings(gop_length=length)
    made = freegvc.compress(frames, stop_step=950, prior="analytic", settings=settings)
    assert made.header.overlap == overlap
    assert freegvc.decompress(made).frames.shape == frames.shape


@pytest.mark.parametrize(
    "name",
    ["custom_prior", "target_quality", "swap_prior", "compress_with_cogvideox", "reproduce_table1"],
)
def test_examples_state_their_usage(name):
    done = subprocess.run(
        [sys.executable, f"examples/{name}.py"],
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "usage: " in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(find_spec("shtab") is None, reason="pip install 'freegvc[completion]'")
@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_shells_complete_every_option(run, shell):
    page = run("--print-completion", shell)
    assert page.code == 0
    assert all(option in page.out for option in ("--target-lpips", "--matrix"))


def test_doctor_and_score_say_the_same_about_a_missing_package(run, clip, monkeypatch):
    monkeypatch.setattr("freegvc.metrics.metric.find_spec", lambda name: None)
    for name, package in (("fid", "torch-fidelity"), ("tof", "opencv-python-headless")):
        status = metric_status(name)
        assert not status.available
        assert f"pip install {package}" in status.detail
        assert status.detail in run("score", clip, clip, "--metrics", name).err
