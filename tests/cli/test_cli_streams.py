"""info, verify and truncate: right without any model."""

import json
from dataclasses import asdict, replace

import numpy as np
import pytest

import freegvc._codec.decoder
import freegvc._codec.encoder
from freegvc import CompressedVideo
from freegvc._bitstream import write_stream

SHOWN = ("num_bytes", "audio_bytes", "bpp", "overlap_overhead", "prompt")


def test_json_says_what_the_attributes_say(run, stream):
    document = json.loads(run("info", stream, "--json").out)
    compressed = CompressedVideo.open(stream)
    assert set(document) == {*SHOWN, "header", "gops"}
    for name in SHOWN:
        assert document[name] == getattr(compressed, name)
    assert document["gops"] == [asdict(gop) for gop in compressed.gops]
    for name, value in document["header"].items():
        attribute = getattr(compressed.header, name)
        if isinstance(attribute, tuple):
            assert value == list(attribute)
        elif isinstance(attribute, int):
            assert value == attribute
        else:
            assert value in (str(attribute), getattr(attribute, "hex", str)())
    assert document["num_bytes"] == stream.stat().st_size


def test_the_page_accounts_for_every_byte(run, audio_stream):
    page = run("info", audio_stream).out
    facts = dict(line.strip().split("  ", 1) for line in page.split("\n\n")[0].splitlines())
    facts = {name: value.strip() for name, value in facts.items()}
    parts = ("packets", "header, index", "audio")
    numbers = [int(facts[name].split(",")[0]) for name in parts]
    assert sum(numbers) == int(facts["bytes"]) == audio_stream.stat().st_size
    compressed = CompressedVideo.open(audio_stream)
    assert numbers[0] == sum(gop.bits for gop in compressed.gops) / 8
    assert numbers[2] == compressed.audio_bytes
    assert facts["picture"] == "64x32"
    rows = page.split("\n\n")[1].splitlines()
    assert rows[0].split()[:2] == ["GOP", "frames"]
    assert [row.split()[1] for row in rows[1:]] == ["0..3", "3..6", "6..8"]


def test_the_page_says_what_the_overlap_costs(run, stream, tmp_path):
    """GOPs of 4, 4 and 3 frames, 1 in common: 11 are coded for 9."""
    whole = CompressedVideo.open(stream).stream
    path = tmp_path / "out.fgvc"
    path.write_bytes(stream.read_bytes())

    def line():
        rows = [row.split(maxsplit=1) for row in run("info", path).out.splitlines()]
        return dict(row for row in rows if len(row) == 2)["overlap"]

    assert line() == "11 frames are coded for 9, 22.2 % more"
    for change, words in [
        ({"overlap": 0, "gammas": (), "num_frames": 11}, "nothing is coded twice"),
        ({"chain": True, "gammas": ()}, "known from the GOP before, costs nothing"),
    ]:
        path.write_bytes(write_stream(replace(whole, header=replace(whole.header, **change))))
        assert line() == words
        assert json.loads(run("info", path, "--json").out)["overlap_overhead"] == 0


def test_the_page_says_how_to_decode(run, stream, tmp_path):
    facts = run("info", stream).out
    for line in ("float32, attention auto", "ddim, 1 step, not refined"):
        assert line in facts
    assert [line.split() for line in facts.splitlines() if "none" in line] == [
        ["prompt", "none"],
        ["tiles", "none"],
        ["VAE", "tiles", "none"],
    ]
    whole = CompressedVideo.open(stream).stream
    header = replace(
        whole.header,
        numerics="bfloat16-int8",
        attention="flash",
        tile=(60, 90, 15),
        sampler="dpmpp2m",
        silent_steps=20,
        refine_timestep=451,
    )
    path = tmp_path / "out.fgvc"
    hostile = "fog\x1b[2J\n\x9b31m"
    path.write_bytes(write_stream(replace(whole, header=header, prompt=hostile)))
    page = run("info", path).out
    for words in (
        "bfloat16-int8, attention flash",
        "60x90 latents, 15 of overlap",
        "dpmpp2m, 20 steps, refined from 451",
        repr(hostile),
    ):
        assert words in page
    assert "\x1b" not in page
    assert "\x9b" not in page
    assert json.loads(run("info", path, "--json").out)["prompt"] == hostile


@pytest.mark.parametrize("command", ["info", "verify", "truncate"])
def test_no_model_and_no_torch(modules_after, stream, tmp_path, command):
    more = [tmp_path / "out.fgvc", "--stop-step", "950"] if command == "truncate" else []
    assert not modules_after(command, stream, *more) & {"torch", "numba", "av", "rich"}


def test_verify_accepts_what_is_whole(run, stream):
    line = f"ok {stream}: {stream.stat().st_size} bytes, 3 GOPs, "
    plain, decoded = run("verify", stream), run("verify", stream, "--decode")
    assert (plain.code, decoded.code) == (0, 0)
    assert plain.out.startswith(line)
    assert plain.out.endswith("9 frames 64x32\n")
    assert decoded.out.endswith("9 frames 64x32, decoded\n")


def test_verify_finds_every_flipped_byte(run, stream, tmp_path):
    data = stream.read_bytes()
    path = tmp_path / "flipped.fgvc"
    for position in range(0, len(data), 7):
        path.write_bytes(data[:position] + bytes([data[position] ^ 0x20]) + data[position + 1 :])
        assert run("verify", path).code == 4, position


@pytest.mark.parametrize(
    ("count", "shape"), [(8, (32, 64, 3)), (10, (32, 64, 3)), (9, (30, 64, 3))]
)
def test_verify_counts_what_the_decoder_gives(run, monkeypatch, stream, count, shape):
    frames = [np.zeros(shape, np.uint8)] * count
    monkeypatch.setattr(
        freegvc._codec.decoder, "decode_frames", lambda *args, **kwargs: iter(frames)
    )
    result = run("verify", stream, "--decode")
    assert (result.code, result.out) == (4, "")
    assert "(9, 32, 64)" in result.err


@pytest.mark.parametrize(
    "target", ["--target-bytes", "--target-bpp", "--target-kbps", "--stop-step"]
)
def test_a_truncated_stream_is_smaller_and_whole(run, stream, tmp_path, target):
    before = CompressedVideo.open(stream)
    middle = before.num_bytes * 2 // 3
    value = {
        "--target-bytes": middle,
        "--target-bpp": 8 * middle / (9 * 64 * 32),
        "--target-kbps": 8 * middle / 1000 / (9 / 25),
        "--stop-step": 960,
    }[target]
    output = tmp_path / "out.fgvc"
    assert run("truncate", stream, output, target, value).code == 0
    after = CompressedVideo.open(output)
    assert after.num_bytes < before.num_bytes
    if target == "--stop-step":
        assert all(gop.stop_step >= 960 for gop in after.gops)
    else:
        assert 0.7 * middle < after.num_bytes <= middle
    assert run("verify", output, "--decode").code == 0


def test_truncate_says_what_decoders_would_refuse(run, stream, tmp_path, monkeypatch):
    for limit in ("FREE_WORK", "WORK_PER_BYTE"):
        monkeypatch.setattr(f"freegvc._codec.limits.{limit}", 1)
    result = run("truncate", stream, tmp_path / "a.fgvc", "--stop-step", "960")
    assert result.code == 0
    assert "decoders refuse this stream by default" in result.err
    assert "--allow-large" in result.err


def test_truncation_leaves_audio_aside(run, audio_stream, tmp_path):
    before = CompressedVideo.open(audio_stream)
    budget = (before.num_bytes - before.audio_bytes) * 2 // 3
    output = tmp_path / "out.fgvc"
    assert run("truncate", audio_stream, output, "--target-bytes", budget).code == 0
    after = CompressedVideo.open(output)
    assert after.audio == before.audio
    assert 0.7 * budget < after.num_bytes - after.audio_bytes <= budget


def test_truncation_needs_one_target(run, stream, tmp_path):
    output = tmp_path / "out.fgvc"
    assert run("truncate", stream, output).code == 2
    assert run("truncate", stream, output, "--stop-step", 9, "--target-bpp", 1).code == 2
    assert run("truncate", stream, output, "--stop-step", -3).code == 2
    assert list(tmp_path.iterdir()) == []
