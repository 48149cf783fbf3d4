"""demo and doctor, end to end."""

import errno
import json
import re
import shutil
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

import freegvc._codec.decoder
import freegvc._codec.encoder
from freegvc import CompressedVideo, decompress
from freegvc._cli import demo, doctor
from freegvc._cli.contact_sheet import save_contact_sheet, sheet_indices
from freegvc._cli.scene import _lattice, render_scene
from freegvc._video import load_video
from freegvc.metrics import psnr


@pytest.fixture
def small_demo(monkeypatch):
    """0.02 bpp is less than the header of a stream of 9 tiny frames."""
    monkeypatch.setattr(demo, "TARGET_BPP", 0.5)


def read_picture(path):
    with Image.open(path) as picture:
        return np.asarray(picture)


def numbers(page):
    return dict(re.split(r"  +", line, maxsplit=1) for line in page.splitlines())


def test_demo_of_a_file(run, small_demo, clip, tmp_path):
    result = run("demo", "--input", clip, "--out", tmp_path / "demo")
    assert result.code == 0
    assert sorted(p.name for p in tmp_path.iterdir()) == ["demo"]
    folder = tmp_path / "demo"
    names = ["contact-sheet.png", "demo.fgvc", "demo.mp4"]
    assert sorted(p.name for p in folder.iterdir()) == names
    compressed = CompressedVideo.open(folder / "demo.fgvc")
    decoded = load_video(folder / "demo.mp4")
    decompress(compressed).save(tmp_path / "here.mp4")
    here = load_video(tmp_path / "here.mp4").frames
    np.testing.assert_array_equal(decoded.frames, here)  # that process's frames
    facts = numbers(result.out)
    assert facts["bytes"] == str(compressed.num_bytes)
    assert facts["source"] == f"{clip.stat().st_size} bytes (the file)"
    score = psnr(load_video(clip).frames, decoded.frames)
    assert facts["PSNR"] == f"{score.mean():.2f} dB, lowest {score.min():.2f} dB"
    assert {"compress", "decompress", "score"} <= set(facts)
    assert read_picture(folder / "contact-sheet.png").shape[1] > 4 * 64


def test_demo_refuses_before_any_work(run, monkeypatch, clip, tmp_path):
    monkeypatch.setattr(freegvc._codec.encoder, "compress", None)
    (tmp_path / "demo.mp4").write_bytes(b"precious")
    result = run("demo", "--input", clip, "--out", tmp_path)
    assert result.code == 2
    assert "demo.mp4 exists" in result.err
    assert run("demo", "--out", tmp_path / "demo.mp4").code == 2
    assert run("demo", "--out", tmp_path / "missing" / "demo").code == 2
    assert [p.name for p in tmp_path.iterdir()] == ["demo.mp4"]
    assert (tmp_path / "demo.mp4").read_bytes() == b"precious"


def test_a_full_disk_leaves_the_older_results(run, monkeypatch, small_demo, clip, tmp_path):
    """The results are moved in one piece, or none of them."""
    folder = tmp_path / "demo"
    folder.mkdir()
    older = {"demo.fgvc": b"older", "contact-sheet.png": b"older too"}
    for name, data in older.items():
        (folder / name).write_bytes(data)

    def move(source, place):
        if source.name == demo.SHEET:
            raise OSError(errno.ENOSPC, "No space left on device", str(place))
        shutil.copyfile(source, place)

    monkeypatch.setattr(demo, "shutil", SimpleNamespace(move=move))
    result = run("demo", "--input", clip, "--out", folder, "--force")
    assert result.code == 1
    assert "No space left on device" in result.err
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == older
    assert [p.name for p in tmp_path.iterdir()] == ["demo"]


def test_a_failed_decode_leaves_nothing(run, monkeypatch, small_demo, clip, tmp_path):
    def compress(source, path, seconds):
        path.write_bytes(b"no stream")

    monkeypatch.setattr(demo, "_compress", compress)
    result = run("demo", "--input", clip, "--out", tmp_path / "demo")
    assert (result.code, result.out) == (4, "")  # the code of the decoding process
    assert list(tmp_path.iterdir()) == []


def test_the_sheet_shows_what_it_says(tmp_path):
    a = np.full((30, 40, 3), 100, np.uint8)
    b = a + np.uint8(10)
    path = tmp_path / "sheet.png"
    save_contact_sheet(path, {0: (a, b), 8: (a, b)}, title="t", captions=("original", "decoded"))
    sheet = read_picture(path)
    for level in (100, 110, 158):  # 158 = 128 + 3 * 10
        assert (sheet == level).all(axis=2).sum() >= 2 * 30 * 40
    assert sheet_indices(48) == [0, 16, 31, 47]
    assert sheet_indices(2) == [0, 1]
    assert sheet_indices(1) == [0]


def test_large_frames_are_shrunk_on_the_sheet(tmp_path):
    frame = np.zeros((720, 1280, 3), np.uint8)
    save_contact_sheet(tmp_path / "s.png", {0: (frame, frame)}, title="", captions=("", ""))
    assert read_picture(tmp_path / "s.png").shape[1] < 500


def test_the_scene_is_the_same_each_time_and_moves():
    first, second = list(render_scene(3, 104, 60)), list(render_scene(3, 104, 60))
    assert first[0].shape == (60, 104, 3)
    np.testing.assert_array_equal(first, second)
    assert 20 < psnr(first[0][None], first[2][None])[0] < 40
    # the integer noise behind it, which must not depend on the machine
    corner = _lattice(np.arange(3, dtype=np.uint32), np.full(3, 7, np.uint32), 5)
    assert (corner * 2**24).astype(int).tolist() == GOLDEN


GOLDEN = [6913084, 16426962, 14290848]


@pytest.mark.slow
def test_demo_of_the_scene(run, tmp_path):
    result = run("demo", "--out", tmp_path / "demo")
    assert result.code == 0
    facts = numbers(result.out)
    assert facts["source"] == "7188480 bytes (raw 8-bit 4:2:0)"
    assert (tmp_path / "demo" / "original.mp4").exists()
    assert CompressedVideo.open(tmp_path / "demo" / "demo.fgvc").bpp <= 0.02
    assert float(facts["PSNR"].split()[0]) > 24


def test_doctor_reports_what_it_tried(run):
    result = run("doctor", "--json")
    report = json.loads(result.out)
    assert (result.code, report["ok"]) == (0, True)
    assert report["versions"]["freegvc"] == freegvc.__version__
    assert report["versions"]["torch"]
    assert report["machine"]["cpus"] >= 1
    checks = {check["name"]: check for check in report["checks"]}
    for name in ("prior freegvc-small", "prior analytic", "write x264, read", "metric ms_ssim"):
        assert checks[name]["ok"], checks[name]
        assert checks[name]["essential"]


def test_doctor_says_what_is_broken(run, monkeypatch):
    def broken(codec):
        raise OSError(f"no lib{codec}")

    monkeypatch.setattr(doctor, "_encoder", broken)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(3, 2, 1 << 30))
    result = run("doctor")
    assert result.code == 1
    lines = result.out.splitlines()
    squeezed = [" ".join(line.split()) for line in lines]
    assert "write x264, read FAIL OSError: no libx264" in squeezed
    assert "write x265, read no OSError: no libx265" in squeezed
    assert lines[-1] == "freegvc does not work here: see FAIL above"
    assert "free_disk_gib    1.0" in lines
