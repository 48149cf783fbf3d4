"""compress and decompress: the library's own results, in files, all or nothing."""

import fcntl
import json
import os
import pty
import re
import struct
import termios
from functools import wraps

import numpy as np
import pytest

import freegvc._bitstream
import freegvc._codec.decoder
import freegvc._codec.encoder
import freegvc._trajectory
from freegvc import CompressedVideo, compress, decode_frames
from freegvc._cli import progress
from freegvc._video import load_video, read_audio

SETTINGS = freegvc.Settings(gop_length=4, overlap=1)


def test_the_file_is_what_the_library_makes(clip, stream):
    made = compress(clip, stop_step=800, prior="analytic", settings=SETTINGS)
    assert stream.read_bytes() == made.data


def test_options_reach_the_codec(run, clip, tmp_path):
    raw = tmp_path / "clip.yuv"
    raw.write_bytes(bytes([128] * 64 * 32 * 3 * 3))
    options = {
        "--size": "64x32",
        "--matrix": "bt709",
        "--fps": "30000/1001",
        "--pix-fmt": "yuv444p",
        "--gop-length": 2,
        "--overlap": 1,
        "--stop-step": 940,
        "--gamma": 0.25,
        "--coder": "pfr",
        "--prior": "analytic",
        "--sampler": "dpmpp2m",
        "--silent-steps": 7,
        "--refine": 960,
    }
    arguments = [word for option in options.items() for word in option]
    assert run("compress", raw, tmp_path / "out.fgvc", *arguments).code == 0
    compressed = CompressedVideo.open(tmp_path / "out.fgvc")
    header = compressed.header
    assert (header.num_frames, str(header.frame_rate)) == (3, "30000/1001")
    assert (header.gop_length, header.overlap, header.gammas) == (2, 1, (32,))
    assert {gop.stop_step for gop in compressed.gops} <= set(range(940, 1001))
    assert (header.sampler, header.silent_steps, header.refine_timestep) == ("dpmpp2m", 7, 960)
    refused = run("compress", raw, tmp_path / "b.fgvc", *arguments, "--silent-rate", 7)
    assert refused.code == 2
    assert "give one of them" in refused.err


def test_a_rate_of_silent_calls_is_in_the_header_and_on_the_page(run, clip, tmp_path):
    output = tmp_path / "out.fgvc"
    options = ["--prior", "analytic", "--stop-step", 900, "--silent-rate", 7]
    assert run("compress", clip, output, *options).code == 0
    header = CompressedVideo.open(output).header
    assert (header.silent_steps, header.silent_rate) == (0, 7)
    page = run("info", output).out
    assert "ddim, 7 steps for 1000 timesteps, not refined" in page
    head, first = page.splitlines()[-1 - header.num_gops :][:2]
    assert re.split("  +", head.strip())[3:5] == ["steps", "model calls"]
    steps, calls = map(int, first.split()[3:5])
    assert calls == steps + 7


def test_the_native_size_is_width_and_height(run, clip, tmp_path):
    options = ["--stop-step", "950", "--native-size", "48x16"]
    assert run("compress", clip, tmp_path / "out.fgvc", *options).code == 0
    assert CompressedVideo.open(tmp_path / "out.fgvc").header.tile == (2, 6, 1)
    wrong = run("compress", clip, tmp_path / "b.fgvc", "--native-size", "48")
    assert wrong.code == 2
    assert "size '48': write WIDTHxHEIGHT" in wrong.err


def test_a_chained_file_says_so(run, clip, tmp_path):
    output = tmp_path / "out.fgvc"
    options = ["--prior", "analytic", "--gop-length", "4", "--overlap", "1", "--stop-step", "900"]
    assert run("compress", clip, output, *options, "--chain").code == 0
    assert CompressedVideo.open(output).header.chain
    assert "chained: each needs those before it" in run("info", output).out


def test_refinement_by_the_presets_name(run, clip, tmp_path):
    output = tmp_path / "out.fgvc"
    more = ["--prior", "analytic", "--stop-step", "900", "--refine"]
    assert run("compress", clip, output, *more, "gnvc-vd").code == 0
    header = CompressedVideo.open(output).header
    assert (header.silent_steps, header.refine_timestep) == (5, 868)
    refused = run("compress", clip, tmp_path / "other.fgvc", *more, "gnvc")
    assert refused.code == 2
    assert "refine is 'gnvc'" in refused.err


def test_drift_is_reported_in_the_last_line_and_in_events(run, stream, tmp_path):
    same = run("decompress", stream, tmp_path / "a.y4m")
    assert "sigma" not in same.err
    other = run(
        "decompress", stream, tmp_path / "b.y4m", "--dtype", "bfloat16", "--events", "ndjson"
    )
    events = [json.loads(line) for line in other.out.splitlines()]
    drifts = [event["drift_sigma"] for event in events if event["event"] == "GopDecoded"]
    assert len(drifts) == 3
    assert f"drift up to {max(drifts):.2g} sigma" in other.err.splitlines()[-1]


def test_much_drift_is_one_line(run, monkeypatch, stream, tmp_path):
    monkeypatch.setattr(freegvc._codec.decoder, "DRIFT_LIMIT_SIGMA", 1e-3)
    lines = run("decompress", stream, tmp_path / "b.y4m", "--dtype", "bfloat16").err.splitlines()
    assert [line.startswith("freegvc: warning: GOP ") for line in lines] == [True, False]


def test_the_summary_says_what_was_written(run, clip, tmp_path):
    result = run("compress", clip, tmp_path / "out.fgvc", "--stop-step", "950")
    compressed = CompressedVideo.open(tmp_path / "out.fgvc")
    assert result.out == ""
    assert f"out.fgvc: {compressed.num_bytes} bytes, {compressed.bpp:.4g} bpp, 1 GOP" in result.err


@pytest.mark.parametrize("command", ["compress", "decompress", "truncate"])
def test_an_existing_output_is_refused_before_any_work(
    run, monkeypatch, clip, stream, tmp_path, command
):
    def forbid(module, name):
        @wraps(getattr(module, name))
        def work(*args, **kwargs):
            raise AssertionError("work has begun")

        monkeypatch.setattr(module, name, work)

    forbid(freegvc._codec.encoder, "compress")
    forbid(freegvc._codec.decoder, "decode_frames")
    forbid(freegvc.CompressedVideo, "truncate")
    output = tmp_path / ("out.mp4" if command == "decompress" else "out.fgvc")
    output.write_bytes(b"precious")
    more = ["--stop-step", "950"] if command == "truncate" else []
    result = run(command, clip if command == "compress" else stream, output, *more)
    assert result.code == 2
    assert "exists" in result.err
    assert output.read_bytes() == b"precious"


def test_force_overwrites_outputs_but_never_the_input(run, clip, stream, tmp_path):
    output = tmp_path / "out.fgvc"
    output.write_bytes(b"old")
    assert run("compress", clip, output, "--stop-step", "950", "--force").code == 0
    data = output.read_bytes()
    assert data[:4] == b"FGVC"
    assert run("truncate", output, output, "--stop-step", "990", "--force").code == 2
    assert output.read_bytes() == data
    movie = tmp_path / "out.y4m"
    movie.write_bytes(b"old")
    assert run("decompress", stream, movie, "--force").code == 0
    assert load_video(movie).num_frames == 9


def test_png_output_is_the_decode_itself(run, stream, tmp_path):
    assert run("decompress", stream, tmp_path / "frames").code == 0
    assert len(list((tmp_path / "frames").iterdir())) == 9
    frames = np.stack(list(decode_frames(stream)))
    np.testing.assert_array_equal(load_video(tmp_path / "frames").frames, frames)


@pytest.mark.parametrize("arguments", [["a.mp4"], ["a.mkv", "--codec", "x265"], ["a.y4m"]])
def test_video_outputs(run, stream, tmp_path, arguments):
    output = tmp_path / arguments[0]
    result = run("decompress", stream, output, *arguments[1:], "--dtype", "float64")
    assert (result.code, result.out) == (0, "")
    assert f"{arguments[0]}: 9 frames 64x32, 3 GOPs" in result.err
    video = load_video(output)
    assert video.frames.shape == (9, 32, 64, 3)
    assert video.frame_rate == 25


def test_the_quality_of_a_codec(run, stream, tmp_path):
    fine, coarse = tmp_path / "fine.mkv", tmp_path / "coarse.mkv"
    assert run("decompress", stream, fine).code == 0
    assert run("decompress", stream, coarse, "--crf", 51).code == 0
    assert coarse.stat().st_size < 0.7 * fine.stat().st_size


def test_sound_is_copied_or_its_absence_is_reported(run, audio_stream, tmp_path):
    assert "warning" not in run("decompress", audio_stream, tmp_path / "out.mkv").err
    assert read_audio(tmp_path / "out.mkv") is not None
    for name in ("out.y4m", "frames"):
        result = run("decompress", audio_stream, tmp_path / name)
        assert result.code == 0
        assert result.err.count("freegvc: warning: ") == 1
        assert "no audio" in result.err


def test_the_summary_counts_audio_apart(run, audio_stream):
    document = json.loads(run("info", audio_stream, "--json").out)
    pixels = 9 * 64 * 32
    assert document["audio_bytes"] > 1000
    expected = 8 * (document["num_bytes"] - document["audio_bytes"]) / pixels
    assert document["bpp"] == pytest.approx(expected)


def test_events_are_ndjson(run, clip, stream, tmp_path):
    small = ["--prior", "analytic", "--gop-length", "4", "--overlap", "1", "--stop-step", "950"]
    result = run("compress", clip, tmp_path / "out.fgvc", *small, "--events", "ndjson")
    events = [json.loads(line) for line in result.out.splitlines()]
    names = [event["event"] for event in events]
    assert (names[0], names[-1]) == ("CommandStarted", "CommandDone")
    assert set(names[1:-1]) == {"GopStarted", "StepSent", "GopDone"}
    made = CompressedVideo.open(tmp_path / "out.fgvc")
    assert (events[-1]["num_bytes"], events[-1]["bpp"]) == (made.num_bytes, made.bpp)
    assert events[-1]["score"] is None
    assert names.count("GopDone") == 3
    sizes = [event["num_bytes"] for event in events if event["event"] == "GopDone"]
    assert sizes == [gop.bits // 8 for gop in CompressedVideo.open(tmp_path / "out.fgvc").gops]
    assert result.err.count("\n") == 1  # the summary alone

    result = run("decompress", stream, tmp_path / "out.y4m", "--events", "ndjson")
    events = [json.loads(line) for line in result.out.splitlines()]
    assert [event["gop"] for event in events if event["event"] == "GopDecoded"] == [0, 1, 2]


def test_lines_where_there_is_no_terminal(run, monkeypatch, stream, tmp_path):
    quiet = run("decompress", stream, tmp_path / "a.y4m")
    assert quiet.err.count("\n") == 1  # short work: only the summary
    monkeypatch.setattr(progress, "LINE_INTERVAL_SECONDS", 0.0)
    lines = run("decompress", stream, tmp_path / "b.y4m").err.splitlines()
    assert "freegvc: decompress: 3 of 3 GOPs done; GOP 2 decoded" in lines


def test_a_bar_on_a_terminal(spawn, stream, tmp_path):
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 160, 0, 0))
    process = spawn("decompress", stream, tmp_path / "out.y4m", stderr=theirs)
    os.close(theirs)
    shown = b""
    while chunk := _read(ours):
        shown += chunk
    os.close(ours)
    assert process.wait(timeout=60) == 0
    assert process.stdout.read() == ""
    process.stdout.close()
    assert b"3/3 GOPs" in shown
    assert b"9 frames 64x32" in shown


def _read(terminal):
    try:
        return os.read(terminal, 65536)
    except OSError:  # Linux says so when the other end is closed
        return b""
