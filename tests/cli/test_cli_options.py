"""Every option of the parser reaches the value that it is for."""

from dataclasses import fields
from pathlib import Path

import pytest

import freegvc
from freegvc import LikeFirstGop, Rate, Score, Settings, StopStep
from freegvc._cli.main import _parser
from freegvc._cli.model_options import prior_options
from freegvc._cli.parser import input_options, keywords_of
from freegvc._cli.settings_options import settings_from
from freegvc._cli.target_options import target_from
from freegvc._control.targets import Scoring, TargetKeywords
from freegvc._video import open_video
from freegvc.priors.loading import DEFAULT_PRIOR

CODING = [
    ["compress", "a.mp4", "a.fgvc"],
    ["sweep", "a.mp4", "--rates", "0.1"],
    ["strip", "a.mp4", "a.png"],
]
DECODING = [["decompress", "a.fgvc", "a.mp4"], ["thumbnail", "a.fgvc", "a.png"]]
READING = [*CODING, ["score", "a.mp4", "b.mp4"], ["view", "a.mp4", "b.mp4"]]


def test_every_target_setting_and_option_of_a_prior_is_an_option_with_the_same_default():
    options = vars(_parser().parse_args(["compress", "in.mp4", "out.fgvc"]))
    settings = {field.name: field.default for field in fields(freegvc.Settings)}
    targets = dict.fromkeys(TargetKeywords.__annotations__)
    scoring = {"target", "metric", "even", "metric_weights"} | {f.name for f in fields(Scoring)}
    raw = keywords_of(open_video)  # strict_input and deinterlace among them
    model = keywords_of(freegvc.load_prior)
    named = settings | targets | dict.fromkeys(scoring - {"weights"}) | raw | model
    own = {"audio": None, "prior": DEFAULT_PRIOR}
    files = {"input", "output", "inputs", "out_dir", "about", "force", "resume", "gops"}
    ray = {"ray", "ray_workers", "ray_gpus", "ray_cpus"}
    for name in files | ray | {"events", "report", "run", "print_completion"}:
        del options[name]
    assert options == named | own


@pytest.mark.parametrize(
    ("options", "target"),
    [
        ([], Rate()),
        (["--target-kbps", "9"], Rate(kbps=9.0)),
        (["--target-bpp", "0.1", "--even", "psnr"], Rate(bpp=0.1, even="psnr")),
        (["--target-bytes", "9", "--metric-weights", "x"], Rate(num_bytes=9, weights=Path("x"))),
        (["--stop-step", "7"], StopStep(7)),
        (["--target-psnr", "30", "--strict"], Score("psnr", 30.0, strict=True)),
        (["--target-ms-ssim", "0.9"], Score("ms_ssim", 0.9)),
        (["--target-dists", "0.2", "--probe-frames", "3"], Score("dists", 0.2, probe_frames=3)),
        (
            ["--target-lpips", "0.3", "--pooling", "p95", "--tolerance", "0.1"],
            Score("lpips", 0.3, pooling="p95", tolerance=0.1),
        ),
        (["--target", "first-gop"], LikeFirstGop()),
        (
            ["--target", "first-gop", "--stop-step", "7", "--metric", "psnr", "--max-probes", "3"],
            LikeFirstGop(StopStep(7), "psnr", max_probes=3),
        ),
    ],
)
def test_options_name_a_target(options, target):
    assert target_from(_parser().parse_args(["compress", "in.mp4", "out.fgvc", *options])) == target


@pytest.mark.parametrize(
    ("options", "settings"),
    [
        ([], Settings()),
        (["--metric-weights", "x"], Settings()),  # of a target
        (
            ["--tune", "balanced", "--metric-weights", "x"],
            Settings(tune="balanced", tune_weights=Path("x")),
        ),
        (
            ["--effort", "fast", "--first-step", "0.2", "--growth", "1.3"],
            Settings(effort="fast", first_step=0.2, growth=1.3),
        ),
        (
            ["--gop-length", "9", "--overlap", "3", "--gamma", "0.25", "--coder", "pfr"],
            Settings(gop_length=9, overlap=3, gamma=0.25, coder="pfr"),
        ),
        (
            ["--sampler", "dpmpp2m", "--silent-steps", "7", "--refine", "960"],
            Settings(sampler="dpmpp2m", silent_steps=7, refine=960),
        ),
        (["--chain", "--silent-rate", "7"], Settings(chain=True, silent_rate=7)),
    ],
)
@pytest.mark.parametrize("command", CODING)
def test_options_name_settings(command, options, settings):
    arguments = _parser().parse_args([*command, *options])
    assert settings_from(arguments) == settings


MODEL = {
    "--device cuda:1": {"device": "cuda:1"},
    "--dtype bfloat16": {"dtype": "bfloat16"},
    "--attention efficient": {"attention": "efficient"},
    "--offload model": {"offload": "model"},
    "--vae-tiles on": {"vae_tiles": "on"},
    "--batch-tiles 3": {"batch_tiles": 3},
    "--compile": {"compile": True},
}
ENCODER = {
    "--native-size 48x16": {"native_size": (16, 48)},
    "--prompt street": {"prompt": "street"},
}


@pytest.mark.parametrize("command", [*CODING, *DECODING])
def test_options_name_what_load_prior_takes(command):
    options = MODEL | ENCODER if command in CODING else MODEL
    plain = prior_options(_parser().parse_args(command))
    assert set(plain) == set(keywords_of(freegvc.load_prior))
    assert {name for named in (MODEL | ENCODER).values() for name in named} == set(plain)
    for words, named in options.items():
        assert prior_options(_parser().parse_args([*command, *words.split()])) == plain | named


READ = {
    "--size 64x32": {"size": "64x32"},
    "--fps 50": {"fps": "50"},
    "--pix-fmt yuv444p": {"pix_fmt": "yuv444p"},
    "--matrix bt709": {"matrix": "bt709"},
    "--range full": {"colour_range": "full"},
    "--strict-input": {"strict_input": True},
    "--no-deinterlace": {"deinterlace": False},
}


@pytest.mark.parametrize("command", READING)
def test_options_name_what_open_video_takes(command):
    plain = keywords_of(open_video)
    assert input_options(_parser().parse_args(command)) == plain
    assert {name for named in READ.values() for name in named} == set(plain)
    for words, named in READ.items():
        assert input_options(_parser().parse_args([*command, *words.split()])) == plain | named


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (["--target-lpips", "0.3", "--metric", "psnr"], "--metric"),
        (["--target-lpips", "0.3", "--target", "first-gop"], "--target"),
        (["--target-bpp", "0.1", "--tolerance", "0.1"], "--tolerance"),
        (["--stop-step", "3", "--strict"], "--strict"),
        (["--stop-step", "3", "--metric", "psnr"], "--metric"),
        (["--target-bpp", "0.1", "--metric", "psnr"], "--metric"),
        (["--stop-step", "3", "--even", "psnr"], "--even"),
        (["--target-lpips", "0.3", "--even", "psnr"], "--even"),
        (["--target", "first-gop", "--target-bpp", "0.1", "--even", "psnr"], "--even"),
        (["--probe-frames", "3"], "--probe-frames"),
    ],
)
def test_options_without_a_meaning_together_are_refused(run, options, named):
    result = run("compress", "in.mp4", "out.fgvc", *options)
    assert result.code == 2
    assert f"{named} cannot be given" in result.err
