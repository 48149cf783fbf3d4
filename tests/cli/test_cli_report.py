"""--report: a log and pictures of what was coded, whole or not at all; the example of targets."""

import json
import runpy
import sys
from io import BytesIO

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from torchvision.models import alexnet

import freegvc._codec.decoder
import freegvc._codec.encoder
from freegvc import (
    CompressedVideo,
    GopDone,
    LikeFirstGop,
    ProbeDone,
    Score,
    StopStep,
    compress,
    decompress,
)
from freegvc._cli import report as report_module
from freegvc._cli import report_plots
from freegvc._cli.report import LOG, PAGE, PICTURES, save_report
from freegvc._cli.report_contents import make_report, near_enough
from freegvc._cli.report_plots import draw_bits, draw_curves, draw_scores, surrogate
from freegvc._video import load_video, open_video
from freegvc.errors import OutputExistsError
from freegvc.metrics import METRICS, WEIGHTS_VARIABLE, psnr
from freegvc.metrics.weights import ALEXNET
from tests.cli.tiny_clip import HEIGHT, NUM_FRAMES, ROOT, WIDTH

SETTINGS = freegvc.Settings(gop_length=5, overlap=2)
SMALL = ["--prior", "analytic", "--gop-length", "5", "--overlap", "2"]
EXAMPLE = ROOT / "examples" / "target_quality.py"
FILES = {LOG, PAGE, *PICTURES}
PARTS = ["<!doctype html>", "a page"]


def names(folder):
    return {path.name for path in folder.iterdir()}


@pytest.fixture(scope="module")
def run_of(clip):
    """Compress the clip; gives the report, the events and the stream."""

    def run_of(target):
        events = []
        prior = freegvc.load_prior("analytic")
        compressed = compress(clip, target, settings=SETTINGS, prior=prior, on_event=events.append)
        with open_video(clip) as source:
            report = make_report("a title", compressed, events, source, target, prior)
        return report, events, compressed

    return run_of


@pytest.fixture(scope="module")
def aimed(run_of):
    return run_of(Score("psnr", 28.0))


def test_scores_are_those_of_the_decoded_file(aimed, clip):
    report, events, compressed = aimed
    expected = psnr(load_video(clip).frames, decompress(compressed).frames)
    assert report.per_frame == pytest.approx(expected)
    covered = [frame for gop in report.gops for frame in gop.frames]
    assert covered == list(range(NUM_FRAMES))
    done = [event for event in events if isinstance(event, GopDone)]
    # the encoder has promised these very scores
    assert [gop.score for gop in report.gops] == pytest.approx([e.score for e in done], abs=1e-9)
    assert [gop.score for gop in report.gops] == pytest.approx(
        [expected[list(gop.frames)].mean() for gop in report.gops]
    )


def test_events_are_sorted_by_gop(aimed):
    report, events, compressed = aimed
    for gop, info in zip(report.gops, compressed.gops, strict=True):
        probes = [e for e in events if isinstance(e, ProbeDone) and e.gop == info.index]
        assert gop.probes == tuple((e.bits, e.score) for e in probes if e.bits is not None)
        assert (gop.bits, gop.stop_step) == (info.bits, info.stop_step)
        assert gop.num_pixels == info.num_frames * WIDTH * HEIGHT
        limits = [e.score for e in probes if e.bits is None]
        assert gop.limit == (limits[-1] if limits else None)
    assert any(gop.probes for gop in report.gops)
    assert report.target == pytest.approx((28.0, 28.1, 27.9))


def test_a_run_without_scores_is_still_scored(run_of):
    report, _, _ = run_of(StopStep(900))
    assert (report.metric.name, report.target, report.pooling) == ("psnr", None, "mean")
    assert all(gop.probes == () and gop.reached is None for gop in report.gops)


def test_the_first_gop_gives_the_target(run_of):
    # a step changes much in frames this small
    target = LikeFirstGop(StopStep(800), "psnr", pooling="max", tolerance=2.0)
    report, _, _ = run_of(target)
    assert report.target[0] == pytest.approx(report.gops[0].score)
    assert report.pooling == "max"
    for gop in report.gops:
        assert gop.score == min(report.per_frame[gop.frames.start : gop.frames.stop])


@pytest.mark.parametrize(("metric", "score"), [("psnr", 31.5), ("ms_ssim", 0.9), ("lpips", 0.25)])
def test_scores_and_losses_are_inverse(metric, score):
    scale = METRICS[metric]
    assert scale.score(scale.loss(score)) == pytest.approx(score)
    wanted, *ends = near_enough(scale, score, 0.01)
    assert (wanted, sorted(ends)) == (score, pytest.approx([score - 0.01, score + 0.01]))


@pytest.mark.parametrize("limit", [None, 0.2])
def test_the_curve_goes_through_points_of_a_power_law(aimed, limit):
    bits = np.array([1000.0, 3000.0, 9000.0])
    scores = (limit or 0.0) + 5.0 * bits**-0.3
    gop = type(aimed[0].gops[0])(
        range(5), 1, 3000, 900, 0.5, True, tuple(zip(bits, scores, strict=True)), limit
    )
    along, curve = surrogate(METRICS["lpips"], gop)
    np.testing.assert_allclose(curve, (limit or 0.0) + 5.0 * along**-0.3, rtol=1e-4)
    assert (along[0], along[-1]) == pytest.approx((1000.0, 9000.0))


def test_pictures_are_png_and_hold_what_the_report_says(aimed, monkeypatch):
    report, _, _ = aimed
    for draw in (draw_scores, draw_curves, draw_bits):
        picture = Image.open(BytesIO(draw(report)))
        assert (picture.format, picture.size) == ("PNG", (1080, 480))
    monkeypatch.setattr(report_plots, "_png", lambda figure: figure)

    def lines(draw):
        return [line.get_xydata().tolist() for line in draw(report).axes[0].lines]

    drawn = lines(draw_scores)
    assert [list(pair) for pair in enumerate(report.per_frame)] in drawn
    curves = lines(draw_curves)
    for gop in report.gops:
        assert [[gop.frames.start - 0.5, gop.score], [gop.frames.stop - 0.5, gop.score]] in drawn
        assert [[gop.bits / gop.num_pixels, gop.score]] in curves
        assert [[bits / gop.num_pixels, score] for bits, score in gop.probes] in curves
    bars = draw_bits(report).axes[0].patches
    assert [bar.get_height() for bar in bars] == [gop.bits for gop in report.gops]
    # borders, where a GOP is shown first
    for gop in report.gops[1:]:
        assert [[gop.frames.start - 0.5, 0.0], [gop.frames.start - 0.5, 1.0]] in drawn


def test_a_report_is_whole_or_absent(aimed, tmp_path, monkeypatch):
    report, events, _ = aimed
    folder = tmp_path / "report"
    save_report(folder, report, events, PARTS, overwrite=False)
    assert names(folder) == FILES
    lines = [json.loads(line) for line in (folder / LOG).read_text().splitlines()]
    assert [line["event"] for line in lines] == [type(event).__name__ for event in events]
    with pytest.raises(OutputExistsError, match=r"events\.ndjson exists"):
        save_report(folder, report, events, PARTS, overwrite=False)
    save_report(folder, report, events[:1], PARTS, overwrite=True)
    assert len((folder / LOG).read_text().splitlines()) == 1

    def fail(report):
        raise RuntimeError("no ink")

    monkeypatch.setattr("freegvc._cli.report_plots.draw_bits", fail)
    with pytest.raises(RuntimeError, match="no ink"):
        save_report(tmp_path / "other", report, events, PARTS, overwrite=False)
    assert not (tmp_path / "other").exists()


def test_the_command_writes_a_report_beside_the_stream(run, clip, tmp_path):
    arguments = ["--target-psnr", "28", "--events", "ndjson", "--report", tmp_path / "report"]
    result = run("compress", clip, tmp_path / "out.fgvc", *SMALL, *arguments)
    assert result.code == 0, result.err
    assert names(tmp_path / "report") == FILES
    of_codec = [line for line in result.out.splitlines() if '"event": "Command' not in line]
    assert (tmp_path / "report" / LOG).read_text().splitlines() == of_codec
    assert (
        result.out.count("GopDone") == CompressedVideo.open(tmp_path / "out.fgvc").header.num_gops
    )


@pytest.mark.parametrize(
    "what", ["bits.png exists", "is a file", "is not a folder", "needs matplotlib"]
)
def test_a_report_that_cannot_be_written_is_refused_before_any_work(
    run, clip, tmp_path, monkeypatch, what
):
    def work(*args, **kwargs):
        raise AssertionError("work has begun")

    folder = tmp_path / "report"
    monkeypatch.setattr(freegvc._codec.encoder, "open_video", work)
    if what == "bits.png exists":
        folder.mkdir()
        (folder / "bits.png").write_bytes(b"precious")
    elif what == "is a file":
        folder.write_bytes(b"precious")
    elif what == "is not a folder":
        folder = tmp_path / "missing" / "report"
    else:
        monkeypatch.setattr(report_module, "find_spec", lambda name: None)
    result = run("compress", clip, tmp_path / "out.fgvc", *SMALL, "--report", folder)
    assert result.code == 2
    assert what in result.err
    assert not (tmp_path / "out.fgvc").exists()
    assert result.err.count("\n") == 1


def test_matplotlib_is_loaded_for_reports_alone(modules_after, clip, tmp_path):
    loaded = modules_after("compress", clip, tmp_path / "a.fgvc", "--stop-step", "950", *SMALL)
    assert not any(name.startswith("matplotlib") for name in loaded)


def test_the_example_prints_each_gop(clip, monkeypatch, capsys, tmp_path):
    """In this process, with an AlexNet of random weights."""
    generator = torch.Generator().manual_seed(5)
    state = alexnet(weights=None).features.state_dict()
    random = {k: 0.05 * torch.randn(v.shape, generator=generator) for k, v in state.items()}
    save_file(random, tmp_path / ALEXNET.file_name)
    monkeypatch.setenv(WEIGHTS_VARIABLE, str(tmp_path))
    command = ["target_quality.py", str(clip), "--target", "0.001", "--prior", "analytic"]
    monkeypatch.setattr(sys, "argv", command)
    runpy.run_path(str(EXAMPLE), run_name="__main__")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("GOP 0: LPIPS ")
    assert " probes" in lines[0]
    assert lines[-1].startswith("CompressedVideo(64x32, 9 frames, 1 GOPs")
