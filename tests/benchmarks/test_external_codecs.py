"""Programs as codecs, with a small program that stands for them."""

from __future__ import annotations

import json
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from benchmarks.codecs import make_codec
from benchmarks.codecs.base import CodecUnavailableError
from benchmarks.codecs.external import TOOLS, ExternalCodecError
from freegvc.metrics import psnr

# zlib over samples that are rounded to multiples of qp; the first line of a file is what it is
TOY = """
import sys, zlib
import numpy as np
mode, source, target, dtype, *about = sys.argv[1:]
if mode == "encode":
    width, height, frames, fps, qp = map(int, about)
    samples = np.fromfile(source, dtype)
    head = f"{width} {height} {frames} {fps} {len(samples)} {qp}\\n".encode()
    with open(target, "wb") as file:
        file.write(head + zlib.compress((samples // qp).tobytes()))
else:
    with open(source, "rb") as file:
        qp = int(file.readline().split()[-1])
        data = file.read()
    open(target, "wb").close()
    if not data:
        sys.exit("toy: nothing to decode")
    (np.frombuffer(zlib.decompress(data), dtype) * qp).astype(dtype).tofile(target)
"""
FPS = Fraction(30000, 1001)


def make_toy(folder: Path, pix_fmt: str = "yuv420p", **changes: object) -> Path:
    """A description of the toy codec, in a folder with a space in its name."""
    home = folder / "toy home"
    home.mkdir(exist_ok=True)
    (home / "toy.py").write_text(TOY)
    dtype = "<u2" if pix_fmt.endswith("10le") else "u1"
    python = sys.executable
    content = {
        "label": "toy",
        "encode": f"{python} {{home}}/toy.py encode {{input}} {{output}} {dtype} {{width}} "
        "{height} {frames} {fps} {qp}",
        "decode": f"{python} {{home}}/toy.py decode {{output}} {{recon}} {dtype}",
        "pix_fmt": pix_fmt,
        "qps": [64, 4],
        "install": "write it",
        "home_variable": "TOY_HOME",
        **changes,
    }
    path = folder / "toy.json"
    path.write_text(json.dumps(content))
    return path


@pytest.fixture(autouse=True)
def toy_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOY_HOME", str(tmp_path / "toy home"))


@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv444p10le"])
def test_round_trip_through_a_program(tmp_path: Path, scene, pix_fmt: str) -> None:
    frames = scene(3, 45, 61)
    codec = make_codec(f"external:{make_toy(tmp_path, pix_fmt)}")
    codec.check()
    out = tmp_path / "out"
    out.mkdir()
    coarse, fine = codec.encode(frames, FPS, out)
    assert [e.setting for e in (coarse, fine)] == ["qp 64", "qp 4"]
    assert coarse.path.stat().st_size < fine.path.stat().st_size
    # sides are padded to multiples of 8
    samples = 3 * 48 * 64 * 3 // (1 if "444" in pix_fmt else 2)
    assert fine.path.read_bytes().split(b"\n")[0].decode() == f"64 48 3 30 {samples} 4"
    decoded = codec.decode(fine)
    assert (decoded.shape, decoded.dtype) == (frames.shape, np.uint8)
    assert float(psnr(frames, decoded).mean()) > 28
    assert sorted(file.name for file in out.iterdir()) == ["qp4_61x45.bin", "qp64_61x45.bin"]


def test_ten_bits_without_loss_come_back(tmp_path: Path, scene) -> None:
    frames = scene(2, 16, 24)
    codec = make_codec(f"external:{make_toy(tmp_path, 'yuv444p10le', qps=[1])}")
    (encoded,) = codec.encode(frames, FPS, tmp_path)
    error = np.abs(codec.decode(encoded).astype(int) - frames)
    assert error.max() <= 1


def test_a_program_that_fails_is_quoted(tmp_path: Path, scene) -> None:
    codec = make_codec(f"external:{make_toy(tmp_path)}")
    encoded, _ = codec.encode(scene(1, 16, 16), FPS, tmp_path)
    encoded.path.write_bytes(b"64\n")
    with pytest.raises(ExternalCodecError, match=r"toy\.py.*exit status 1.*nothing to decode"):
        codec.decode(encoded)


def test_a_program_that_writes_nothing_is_an_error(tmp_path: Path, scene) -> None:
    codec = make_codec(f"external:{make_toy(tmp_path, encode='true')}")
    with pytest.raises(ExternalCodecError, match="exit status 0 and no file"):
        codec.encode(scene(1, 16, 16), FPS, tmp_path)


@pytest.mark.parametrize(
    ("changes", "missing"),
    [
        ({"encode": "no-such-program {input}"}, "no-such-program"),
        ({"decode": "no-such-decoder {output}"}, "no-such-decoder"),
        ({"encode": "true -c {home}/cfg/none.cfg"}, r"none\.cfg"),
        ({"home_variable": "NOT_SET_HERE"}, "NOT_SET_HERE"),
    ],
)
def test_what_is_missing_is_named(tmp_path: Path, changes: dict[str, str], missing: str) -> None:
    codec = make_codec(f"external:{make_toy(tmp_path, **changes)}")
    with pytest.raises(CodecUnavailableError, match=rf"{missing}.*write it"):
        codec.check()


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.label)
def test_reference_codecs_say_what_to_install(
    tool: object, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    for variable in ("FREEGVC_HM", "FREEGVC_VTM"):
        monkeypatch.delenv(variable, raising=False)
    with pytest.raises(CodecUnavailableError, match=r"build .* from https://"):
        make_codec(tool.label).check()


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.label)
def test_reference_codecs_are_found_where_they_are(
    tool: object, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for folder, names in (
        ("bin", ("TAppEncoderStatic", "TAppDecoderStatic", "EncoderAppStatic")),
        ("bin", ("DecoderAppStatic", "vvencapp", "vvdecapp")),
        ("cfg", ("encoder_lowdelay_main_rext.cfg", "encoder_lowdelay_vtm.cfg")),
    ):
        (tmp_path / folder).mkdir(exist_ok=True)
        for name in names:
            (tmp_path / folder / name).touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    for variable in ("FREEGVC_HM", "FREEGVC_VTM"):
        monkeypatch.setenv(variable, str(tmp_path))
    make_codec(tool.label).check()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "does not describe"),
        ('{"label": "x", "qps": [1]}', "it needs label"),
        ('{"label": "x"}', "qps"),
    ],
)
def test_a_file_that_describes_no_codec(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "wrong.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
        make_codec(f"external:{path}")


def test_unknown_pixels_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"yuv411p.*yuv420p"):
        make_codec(f"external:{make_toy(tmp_path, 'yuv411p')}")
