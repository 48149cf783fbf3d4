"""score: right numbers from files, and errors that name both sides."""

import json
from fractions import Fraction

import numpy as np
import pytest

from freegvc.cli.scoring import score_frames
from freegvc.codec import CompressedVideo, decompress
from freegvc.metrics import ms_ssim, psnr
from freegvc.video import Video, load_video


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
    assert document["psnr"] == {"mean": 100.0, "min": 100.0, "per_frame": [100.0] * 9}
    assert document["ms_ssim"] == {"mean": None, "min": None, "per_frame": None}
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
    page = run("score", clip, audio_stream).out
    assert f"audio ({compressed.audio_bytes} bytes) aside" in page


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


def test_memory_is_bounded_and_every_pair_is_seen_once():
    alive, most, seen = set(), 0, []

    class Counted(np.ndarray):
        def __del__(self):
            alive.discard(id(self))

    def frames(num_frames, level):
        nonlocal most
        for _ in range(num_frames):
            frame = np.full((4, 4, 3), level, np.uint8).view(Counted)
            alive.add(id(frame))
            most = max(most, len(alive))
            yield frame

    scores = score_frames(frames(50, 10), frames(50, 11), lambda index, a, b: seen.append(index))
    assert scores.num_frames == len(scores.per_frame["psnr"]) == 50
    assert seen == list(range(50))
    assert most <= 40
    assert scores.mean("psnr") == pytest.approx(20 * np.log10(255))
