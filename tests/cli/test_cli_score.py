"""score: right numbers from files, and errors that name both sides."""

import json
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
import torch
from PIL import Image

from freegvc import CompressedVideo, decompress
from freegvc._video import Video, load_video
from freegvc.errors import MetricUnavailableError
from freegvc.metrics import lpips, ms_ssim, psnr, tof
from tests.conftest import SHARED


def save(path, frames):
    Video(frames, Fraction(25)).save(path)
    return path


def score(run, *arguments):
    result = run("score", *arguments, "--json")
    assert result.code == 0, result.err
    return json.loads(result.out)


def gradient(num_frames, height, width):
    t, y, x = np.mgrid[0:num_frames, 0:height, 0:width]
    return np.stack([(x + 3 * t) % 256, (2 * y) % 256, (x * y // 9) % 256], -1).astype(np.uint8)


def test_identical_files(run, clip):
    document = score(run, clip, clip)
    assert document["psnr"] == {
        "mean": 100.0,
        "p5": 100.0,
        "min": 100.0,
        "worst_frames": [{"frame": k, "score": 100.0} for k in range(3)],
        "per_gop": None,
        "per_frame": [100.0] * 9,
    }
    assert document["ms_ssim"] == {
        "mean": None,
        "p5": None,
        "min": None,
        "worst_frames": [],
        "per_gop": None,
        "per_frame": None,
    }
    assert (document["width"], document["height"], document["num_frames"]) == (64, 32, 9)
    assert document["bpp"] == 8 * clip.stat().st_size / (9 * 64 * 32)
    page = run("score", clip, clip).out
    assert "100.00 dB" in page
    assert "not defined below 176 px" in page


def test_a_stream_is_decoded_and_counted_without_audio(run, clip, audio_stream):
    document = score(run, clip, audio_stream)
    compressed = CompressedVideo.open(audio_stream)
    assert document["bpp"] == compressed.bpp
    assert document["audio_bytes"] == compressed.audio_bytes > 0
    assert document["num_bytes"] == audio_stream.stat().st_size
    expected = psnr(load_video(clip).frames, decompress(audio_stream).frames)
    assert document["psnr"]["per_frame"] == pytest.approx(expected.tolist())
    assert document["psnr"]["min"] == min(document["psnr"]["per_frame"])
    gops = document["psnr"]["per_gop"]
    borders = [*(g.first_frame for g in compressed.gops), 9]  # a GOP is shown up to the next one
    shown = [range(*pair) for pair in pairwise(borders)]
    assert [range(g["first_frame"], g["first_frame"] + g["num_frames"]) for g in gops] == shown
    assert [g["mean"] for g in gops] == pytest.approx([expected[list(r)].mean() for r in shown])
    page = run("score", clip, audio_stream).out
    assert f"audio ({compressed.audio_bytes} bytes) aside" in page
    rows = [line.split() for line in page.splitlines()]
    assert ["GOP", "frames", "PSNR", "p5"] in rows
    first = f"{borders[1] - 1}"
    assert ["0", f"0..{first}"] in [row[:2] for row in rows]
    worst = int(np.argmin(expected))
    assert f"  PSNR  {worst} ({expected[worst]:.2f} dB), " in page


def test_ms_ssim_where_the_picture_is_large_enough(run, tmp_path):
    frames = gradient(2, 176, 200)
    noisy = (frames // 2 + 30).astype(np.uint8)
    paths = [tmp_path / "a", tmp_path / "b"]
    for path, content in zip(paths, (frames, noisy), strict=True):
        save(path, content)
    document = score(run, *paths)
    assert document["ms_ssim"]["per_frame"] == pytest.approx(ms_ssim(frames, noisy).tolist())
    size = sum(f.stat().st_size for f in paths[1].iterdir())
    assert document["num_bytes"] == size


def test_a_headerless_reference(run, clip, tmp_path):
    raw = tmp_path / "clip.yuv"
    header, _, body = clip.read_bytes().partition(b"\n")
    raw.write_bytes(body.replace(b"FRAME\n", b""))
    assert header.startswith(b"YUV4MPEG2")
    assert score(run, raw, clip, "--size", "64x32")["psnr"]["min"] == 100.0
    assert score(run, clip, raw, "--size", "64x32")["psnr"]["min"] == 100.0
    result = run("score", clip, clip, "--size", "64x32")
    assert result.code == 2
    assert "size" in result.err


@pytest.mark.parametrize("counts", [(9, 7), (3, 20), (16, 17)])
def test_different_lengths_are_named(run, tmp_path, counts):
    paths = [save(tmp_path / f"{n}.y4m", gradient(n, 16, 16)) for n in counts]
    result = run("score", *paths)
    assert (result.code, result.out) == (2, "")
    assert f"{counts[0]} frames" in result.err
    assert f"{counts[1]}: compare" in result.err


def test_different_sizes_are_named(run, tmp_path):
    paths = [save(tmp_path / f"{n}.y4m", gradient(2, 16, n)) for n in (16, 24)]
    result = run("score", *paths)
    assert (result.code, result.out) == (2, "")
    assert "16x16" in result.err
    assert "24x16" in result.err


def test_chosen_metrics_their_pooling_and_their_worst_frames(run, tmp_path):
    frames = gradient(6, 32, 40)
    noise = np.random.default_rng(0).integers(-9, 9, frames.shape)
    noise[4] *= 6
    noisy = np.clip(frames + noise, 0, 255).astype(np.uint8)
    paths = [save(tmp_path / name, f) for name, f in (("a", frames), ("b", noisy))]
    document = score(run, *paths, "--metrics", "tof, psnr,tof", "--worst", "2")
    assert [key for key in document if key in ("psnr", "tof", "ms_ssim")] == ["tof", "psnr"]
    values = tof(frames, noisy)
    assert document["tof"]["per_frame"][0] is None
    assert document["tof"]["per_frame"][1:] == pytest.approx(values.tolist())
    assert document["tof"]["mean"] == pytest.approx(values.mean())
    assert document["tof"]["p95"] == pytest.approx(np.percentile(values, 95))
    assert document["tof"]["max"] == pytest.approx(values.max())
    assert document["psnr"]["worst_frames"][0]["frame"] == 4
    assert len(document["tof"]["worst_frames"]) == 2
    assert "worst frames" not in run("score", *paths, "--worst", "0").out


def test_a_metric_that_cannot_work_is_an_error_before_anything_is_opened(run, monkeypatch):
    def unavailable(name, **options):
        if name != "psnr":
            raise MetricUnavailableError(f"{name} needs weights")

    monkeypatch.setattr("freegvc.metrics.check_metric", unavailable)
    result = run("score", "nowhere.mp4", "nowhere.fgvc", "--metrics", "psnr,dists")
    assert (result.code, result.out) == (5, "")
    assert result.err == "freegvc: error: dists needs weights\n"


def test_a_device_that_is_not_there_is_named(run):
    for device in ("gpu", "cuda:77"):
        result = run("score", "a.mp4", "b.mp4", "--metrics", "lpips", "--device", device)
        assert (result.code, result.out) == (2, "")
        assert f"cannot run on device '{device}': it must be cpu, cuda" in result.err


def test_all_means_all_that_work_and_says_what_is_left_out(run, clip, monkeypatch):
    def unavailable(name, **options):
        if name not in ("psnr", "tof"):
            raise MetricUnavailableError(f"no weights of {name}")

    monkeypatch.setattr("freegvc.metrics.check_metric", unavailable)
    result = run("score", clip, clip, "--metrics", "all", "--json")
    document = json.loads(result.out)
    assert {"psnr", "tof"} < set(document)
    assert "dists" not in document
    assert "freegvc: without dists: no weights of dists" in result.err


def test_names_of_metrics_are_checked(run, clip):
    for names in ("nix", "psnr,,tof", ""):
        result = run("score", clip, clip, "--metrics", names)
        assert result.code == 2
        assert "there are psnr, psnr_y, ms_ssim" in result.err


def test_lpips_through_the_command(run, clip, tmp_path):
    weights = SHARED / "data" / "weights"
    if not weights.is_dir():
        pytest.skip(f"no metric weights at {weights}: they are not part of the repository")
    other = save(tmp_path / "other.y4m", np.clip(load_video(clip).frames + 9, 0, 255))
    arguments = [clip, other, "--metrics", "lpips,tlp", "--metric-weights", weights]
    result = run("score", *arguments)
    assert result.code == 0, result.err
    document = score(run, *arguments)
    expected = lpips(load_video(clip).frames, load_video(other).frames, weights=weights)
    assert document["lpips"]["per_frame"] == pytest.approx(expected.tolist(), abs=1e-6)
    assert f"{expected.mean():.4f}" in result.out


def test_fid_of_the_whole_video(run, tmp_path, monkeypatch):
    """With a network of random weights, as Inception's are not always there."""
    network = torch.nn.Sequential(torch.nn.AvgPool2d(16), torch.nn.Flatten())
    network.num_features = 3 * 16
    network.register_forward_pre_hook(lambda module, inputs: inputs[0].float())
    monkeypatch.setattr("freegvc.metrics.fid.inception", lambda folder: network)
    monkeypatch.setattr("freegvc.metrics.ScoreScale.check", lambda self, **options: None)
    frames = gradient(9, 96, 96)
    paths = [save(tmp_path / n, f) for n, f in (("a", frames), ("b", frames // 2), ("c", frames))]
    document = score(run, *paths[:2], "--metrics", "fid")
    assert document["fid"]["num_patches"] == 9 * 2
    assert document["fid"]["value"] > 1
    page = run("score", paths[0], paths[2], "--metrics", "psnr,fid").out
    line = next(line for line in page.splitlines() if line.startswith("FID"))
    assert 0 <= float(line.split()[1].rstrip(",")) < 0.1
    assert "18 patches" in line
    small = save(tmp_path / "small", gradient(2, 32, 32))
    assert score(run, small, small, "--metrics", "fid")["fid"]["value"] is None


def test_a_plot(run, clip, stream, tmp_path):
    path = tmp_path / "scores.png"
    arguments = ["score", clip, stream, "--metrics", "psnr,tof", "--plot", path]
    result = run(*arguments)
    assert result.code == 0, result.err
    with Image.open(path) as image:
        pixels = np.asarray(image.convert("RGB")).astype(int)
    assert pixels.shape[1] == 1080
    ink = np.abs(pixels - (0x1F, 0x5F, 0xA8)).sum(axis=-1) < 30
    assert ink.sum() > 500  # there are curves
    assert not list(tmp_path.glob(".*"))  # nothing is left beside it
    again = run(*arguments)
    assert (again.code, again.out) == (2, "")
    assert "exists" in again.err
    assert run(*arguments, "--force").code == 0


def test_scores_are_printed_although_there_is_nothing_to_plot(run, clip, tmp_path):
    small = run("score", clip, clip, "--metrics", "ms_ssim", "--plot", tmp_path / "a.png")
    assert small.code == 2
    assert "not defined below 176 px" in small.out
    assert "nothing to plot" in small.err


def test_plots_that_cannot_be_are_refused_first(run, clip, tmp_path, monkeypatch):
    wrong = run("score", "nowhere", "nowhere", "--plot", tmp_path / "scores.pdf")
    assert (wrong.code, wrong.out) == (2, "")
    assert ".png" in wrong.err
    monkeypatch.setattr("freegvc._cli.score_plot.find_spec", lambda name: None)
    missing = run("score", "nowhere", "nowhere", "--plot", tmp_path / "scores.png")
    assert missing.code == 2
    assert "pip install 'freegvc[bench]'" in missing.err


def test_scoring_fidelity_loads_no_networks(modules_after, clip):
    loaded = modules_after("score", clip, clip, "--metrics", "psnr")
    assert not {"torchvision", "cv2", "matplotlib", "torch"} & loaded
