"""Codecs through PyAV: real files, decoded from those files, and no bytes besides the pictures."""

from __future__ import annotations

import os
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from benchmarks.codecs import codec_names, make_codec
from benchmarks.codecs.base import CodecUnavailableError
from benchmarks.codecs.pyav import ENCODERS, PyavCodec
from benchmarks.codecs.sized_files import join_packets, split_packets
from freegvc._video import BT709, rgb_to_yuv, yuv_to_rgb
from freegvc.metrics import psnr

FPS = Fraction(30)
INTRA, BIDIRECTIONAL = 1, 3  # AV_PICTURE_TYPE_I and _B
SHRINK = {"half": 2, "quarter": 4}
ALL = [*ENCODERS, *(f"{label}-{part}" for label in ENCODERS for part in SHRINK)]


def few_rates(name: str, *, fastest: bool = True) -> PyavCodec:
    """A codec with its coarsest and its finest rate, and fast presets."""
    label, _, part = name.replace("-", " ", 1).partition("-")
    label = label.replace(" ", "-")
    encoder = ENCODERS[label]
    options = dict(encoder.options)
    if fastest and "preset" in options:
        options["preset"] = "10" if encoder.library == "libsvtav1" else "veryfast"
    rates = (encoder.rates[0], encoder.rates[-1])
    encoder = replace(encoder, options=options, rates=rates)
    return PyavCodec(name, encoder, shrink=SHRINK.get(part, 1))


@pytest.mark.parametrize("name", ALL)
def test_round_trip_of_odd_sizes(tmp_path: Path, scene, name: str) -> None:
    frames = scene(6, 131, 149)
    codec = few_rates(name)
    codec.check()
    small, large = codec.encode(frames, FPS, tmp_path)
    assert small.path.stat().st_size < large.path.stat().st_size
    assert small.encode_seconds > 0
    assert small.setting != large.setting
    scores = []
    for encoded in (small, large):
        decoded = codec.decode(encoded)
        assert (decoded.shape, decoded.dtype) == (frames.shape, np.uint8)
        scores.append(float(psnr(frames, decoded).mean()))
    assert scores[0] < scores[1]
    assert scores[1] > (18 if "quarter" in name else 26)


@pytest.mark.parametrize("name", ENCODERS)
def test_same_bytes_on_every_run(tmp_path: Path, scene, name: str) -> None:
    noise = np.random.default_rng(0).integers(-20, 20, (24, 144, 208, 3))
    frames = (scene(24, 144, 208) + noise).clip(0, 255).astype(np.uint8)
    codec = few_rates(name, fastest=not name.startswith("x264"))
    runs = set()
    for run in ("a", "b", "c"):
        (tmp_path / run).mkdir()
        files = codec.encode(frames, FPS, tmp_path / run)
        runs.add(tuple(encoded.path.read_bytes() for encoded in files))
    assert len(runs) == 1


@pytest.mark.parametrize("name", ENCODERS)
def test_no_description_of_the_encoder_is_in_the_file(tmp_path: Path, scene, name: str) -> None:
    for encoded in few_rates(name).encode(scene(2, 64, 64), FPS, tmp_path):
        assert b"x26" not in encoded.path.read_bytes().lower()


@pytest.mark.parametrize("name", ["x264-ra", "x265-ra"])
def test_random_access_has_b_pictures_and_low_delay_has_none(
    tmp_path: Path, scene, name: str
) -> None:
    frames = scene(12, 64, 64)
    kinds = {}
    for label in (name, name.replace("-ra", "-ld")):
        coarse, _ = few_rates(label).encode(frames, FPS, tmp_path)
        with av.open(str(coarse.path)) as container:
            kinds[label[-2:]] = [int(frame.pict_type) for frame in container.decode(video=0)]
    assert kinds["ra"].count(INTRA) == kinds["ld"].count(INTRA) == 1
    assert BIDIRECTIONAL in kinds["ra"]
    assert BIDIRECTIONAL not in kinds["ld"]


def by_hand(frames: np.ndarray, crf: int, path: Path) -> float:
    """x265 with the settings of "x265-ra", written and read with PyAV's containers; its PSNR."""
    height, width = frames.shape[1:3]
    with av.open(str(path), "w", format="hevc") as container:
        stream = container.add_stream("libx265", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        context = stream.codec_context
        context.colorspace = context.color_primaries = context.color_trc = 1
        context.color_range = 1
        stream.options = {
            "preset": "slower",
            "crf": str(crf),
            "x265-params": "log-level=none:info=0:keyint=-1:scenecut=0:open-gop=0:"
            "frame-threads=1:wpp=0",
        }
        for index, rgb in enumerate(frames):
            picture = av.VideoFrame(width, height, "yuv420p")
            picture.pts = index
            for plane, samples in zip(picture.planes, rgb_to_yuv(rgb, BT709), strict=True):
                rows = np.zeros((plane.height, plane.line_size), np.uint8)
                rows[:, : plane.width] = samples
                plane.update(rows.tobytes())
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    scores = []
    with av.open(str(path)) as container:
        for original, picture in zip(frames, container.decode(video=0), strict=True):
            planes = [
                np.frombuffer(plane, np.uint8).reshape(plane.height, -1)[:, : plane.width]
                for plane in picture.planes
            ]
            error = yuv_to_rgb(tuple(planes), 8, BT709).astype(float) - original
            scores.append(10 * np.log10(255**2 / np.square(error).mean()))
    return float(np.mean(scores))


def test_x265_agrees_with_x265_by_hand(tmp_path: Path, scene) -> None:
    frames = scene(8, 136, 200)  # at three coding tree units a row and fewer x265 leaves out WPP
    codec = few_rates("x265-ra", fastest=False)
    for encoded in codec.encode(frames, FPS, tmp_path):
        path = tmp_path / "by_hand.hevc"
        score = by_hand(frames, int(encoded.setting.removeprefix("crf ")), path)
        assert encoded.path.read_bytes() == path.read_bytes()
        assert float(psnr(frames, codec.decode(encoded)).mean()) == pytest.approx(score, abs=0.01)


@pytest.mark.skipif(not hasattr(os, "sched_getscheduler"), reason="needs Linux's scheduler calls")
def test_an_encoder_leaves_the_scheduling_as_it_was(scene, tmp_path) -> None:
    before = os.sched_getscheduler(0)
    few_rates("svtav1-ra").encode(scene(3, 64, 64), FPS, tmp_path)
    assert os.sched_getscheduler(0) == before


def test_settings_name_everything_that_was_chosen() -> None:
    settings = make_codec("svtav1-ld-half").settings
    assert settings["encoder"] == "libsvtav1"
    assert "pred-struct=1" in settings["options"]["svtav1-params"]
    assert settings["crf"] == list(ENCODERS["svtav1-ld"].rates)
    assert "1/2" in settings["coded size"]


def test_registry_knows_its_names() -> None:
    assert {"x265-ra", "x265-ld", "x264-ra", "svtav1-ra", "vp9-ld", "hm-ld"} < set(codec_names())
    for name in codec_names():
        assert make_codec(name).label == name
    for wrong in ("x266", "-half", "hm-ld-half", "x265-ra-half-half"):
        with pytest.raises(ValueError, match=r"names are.*x265-ra"):
            make_codec(wrong)


def test_an_encoder_that_ffmpeg_lacks_is_reported() -> None:
    missing = replace(ENCODERS["x265-ra"], library="libx266")
    with pytest.raises(CodecUnavailableError, match=r"libx266.*install"):
        PyavCodec("x266", missing).check()


def test_sized_packets_round_trip() -> None:
    packets = [b"", b"a", b"b" * 127, b"c" * 128, b"d" * 20_000]
    data = join_packets(packets)
    assert len(data) == sum(map(len, packets)) + 1 + 1 + 1 + 2 + 3
    assert list(split_packets(data)) == packets
    for end in (len(data) - 1, len(data) - 20_001):
        with pytest.raises(ValueError, match="bytes end within"):
            list(split_packets(data[:end]))
