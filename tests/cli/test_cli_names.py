"""Any legal name works in both directions; `-` and special files do what they can."""

import io
import os
import socket
import stat
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from freegvc import CompressedVideo
from freegvc._cli.main import main
from freegvc._cli.paths import printable
from freegvc._video import load_video
from tests.cli.tiny_clip import SMALL

QUICK = ["--prior", "analytic", "--gop-length", "4", "--overlap", "1", "--stop-step", "950"]
NAMES = [
    "12:30:45",
    "http:50%d off",
    "-dash",
    "--force",
    " a b ",
    "new\nline\x1b[2J",
    "caf\udce9",
    "日本" * 30,
    "n" * 240,
]


def names(folder="."):
    """Of all files of a folder."""
    return sorted(file.name for file in Path(folder).iterdir())


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty working directory, so that names stand without a folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", NAMES)
def test_any_legal_name_works_in_both_directions(run, clip, stream, here, name):
    try:
        os.link(clip, f"{name}.y4m")
    except OSError:
        (here / f"{name}.y4m").write_bytes(clip.read_bytes())
    files = [f"{name}{suffix}" for suffix in (".y4m", ".fgvc", ".mkv", ".mp4")]
    video, packed, *outputs = files
    result = run("compress", *QUICK, "--", video, packed)
    assert result.code == 0, result.err
    assert CompressedVideo.open(packed).header.num_frames == 9
    for output in [*outputs, name]:
        result = run("decompress", "--", packed, output)
        assert result.code == 0, result.err
        assert load_video(output).num_frames == 9
    for arguments in (["info", "--", packed], ["verify", "--", packed]):
        result = run(*arguments)
        assert result.code == 0
        assert printable(packed) in result.out
    assert sorted(names()) == sorted([*files, name])


def test_names_reach_the_terminal_escaped(run, clip, stream, here):
    name = "caf\udce9\x1b[2J\n.fgvc"
    os.link(stream, name)
    for arguments in (
        ["info", name],
        ["verify", name],
        ["score", clip, name, "--metrics", "psnr"],
        ["truncate", name, "caf\udce9.fgvc", "--stop-step", "950"],
        ["info", f"missing{name}"],
    ):
        result = run(*arguments)
        text = result.out + result.err
        assert "caf\\xe9" in text
        assert "\x1b" not in text
        assert text.isprintable() or set(filter(lambda c: not c.isprintable(), text)) == {"\n"}


def test_output_under_a_strict_encoding(spawn, stream, here):
    os.link(stream, "caf\udce9.fgvc")
    for coding in ("utf-8:strict", "ascii:strict"):
        environment = {**os.environ, "PYTHONIOENCODING": coding}
        command = [sys.executable, "-m", "freegvc", "info", "caf\udce9.fgvc"]
        done = subprocess.run(command, env=environment, capture_output=True, check=False)
        assert (done.returncode, done.stderr) == (0, b"")
        assert rb"caf\xe9" in done.stdout


def test_names_with_dollar_signs_and_stray_bytes_are_drawn(run, clip, stream, here):
    name = "$caf\udce9_{.fgvc"
    os.link(stream, name)
    result = run("score", clip, name, "--metrics", "psnr", "--plot", "a.png")
    assert result.code == 0, result.err


class Standard(io.TextIOWrapper):
    """A standard stream of bytes that is no terminal."""

    def __init__(self, data=b""):
        super().__init__(io.BytesIO(data), encoding="utf-8")


@pytest.fixture
def piped(monkeypatch, capsys):
    """Run a command between pipes; gives code, bytes on stdout, and err."""

    def piped(*arguments, data=b""):
        stdout = Standard()
        monkeypatch.setattr(sys, "stdin", Standard(data))
        monkeypatch.setattr(sys, "stdout", stdout)
        code = main([str(a) for a in arguments])
        return SimpleNamespace(code=code, out=stdout.buffer.getvalue(), err=capsys.readouterr().err)

    return piped


def test_dash_is_standard_input_and_output(piped, clip, stream, here):
    packed = piped("compress", "-", "-", *SMALL, data=clip.read_bytes())
    assert (packed.code, packed.out) == (0, stream.read_bytes())
    video = piped("decompress", "-", "-", data=packed.out)
    assert video.code == 0
    assert main(["decompress", str(stream), "a.y4m"]) == 0
    assert video.out == (here / "a.y4m").read_bytes()
    cut = piped("truncate", "-", "-", "--stop-step", "990", data=packed.out)
    assert CompressedVideo(cut.out).num_bytes < len(packed.out)
    for command in ("info", "verify"):
        shown = piped(command, "-", data=packed.out)
        assert (shown.code, shown.err) == (0, "")
        assert b"64x32" in shown.out
    files = [clip, stream]
    expected = piped("score", *files, "--metrics", "psnr", "--json").out
    for place, path in enumerate(files):
        arguments = ["-" if k == place else name for k, name in enumerate(files)]
        scored = piped("score", *arguments, "--metrics", "psnr", "--json", data=path.read_bytes())
        assert (scored.code, scored.out) == (0, expected)
    assert names() == ["a.y4m"]


def test_samples_on_standard_input(piped, here):
    raw = ["--size", "64x32", "--fps", "50"]
    packed = piped("compress", "-", "-", *QUICK, *raw, data=bytes([99] * 64 * 32 * 3))
    header = CompressedVideo(packed.out).header
    assert (header.num_frames, header.frame_rate) == (2, 50)


def test_standard_input_is_called_so(piped, clip, here):
    data = clip.read_bytes()
    cut = piped("compress", "-", "a.fgvc", *SMALL, data=data[:-700])
    assert (cut.code, "freegvc: warning: standard input " in cut.err) == (0, True)
    broken = piped("compress", "-", "b.fgvc", *SMALL, data=b"no video")
    assert broken.code == 3
    assert "error: standard input cannot be read as a video" in broken.err
    for result in (cut, broken):
        assert "freegvc-" not in result.err


def test_a_rate_and_sound_from_standard_input(piped, audio_stream, here):
    """Both read the input more than once."""
    assert main(["decompress", str(audio_stream), "a.mkv"]) == 0
    more = ["--prior", "analytic", "--target-bpp", "0.5", "--audio", "copy"]
    packed = piped("compress", "-", "-", *more, data=(here / "a.mkv").read_bytes())
    assert packed.code == 0, packed.err
    assert CompressedVideo(packed.out).audio_bytes > 1000


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["compress", "{clip}", "-", "--events", "ndjson"], "--events prints on standard output"),
        (["decompress", "{stream}", "-", "--events", "ndjson"], "--events prints on standard"),
        (["compress", "{clip}", "a.fgvc", "--report", "-"], "--report cannot be -"),
        (["score", "{clip}", "{clip}", "--plot", "-"], "--plot cannot be -"),
        (["score", "-", "-"], "only one of the two"),
        (["demo", "--out", "-"], "--out cannot be -"),
        (["demo", "--input", "-"], "--input cannot be -"),
    ],
)
def test_dash_elsewhere_is_refused(run, clip, stream, here, arguments, words):
    result = run(*(a.format(clip=clip, stream=stream) for a in arguments))
    assert (result.code, result.out) == (2, "")
    assert words in result.err
    assert names() == []


def test_a_file_called_dash(run, clip, here):
    assert run("compress", clip, "./-", *QUICK).code == 0
    assert CompressedVideo.open("-").header.num_frames == 9
    assert run("verify", "./-").code == 0
    assert run("decompress", "./-", "a.y4m").code == 0


def test_a_terminal_takes_no_data(monkeypatch, run, clip, stream):
    monkeypatch.setattr(Standard, "isatty", lambda self: True)
    monkeypatch.setattr(sys, "stdin", Standard())
    for arguments in (["info", "-"], ["compress", "-", "a.fgvc"]):
        result = run(*arguments)
        assert result.code == 2
        assert "which is a terminal" in result.err


def feed(pipe, data):
    os.mkfifo(pipe)
    threading.Thread(target=lambda: pipe.write_bytes(data), daemon=True).start()


@pytest.mark.parametrize("more", [[], ["--audio", "copy"], ["--target-bytes", "900"]])
def test_a_pipe_is_read_once(run, clip, here, more):
    feed(here / "p.y4m", clip.read_bytes())
    target = [] if "--target-bytes" in more else ["--stop-step", "950"]
    result = run("compress", "p.y4m", "a.fgvc", "--prior", "analytic", *target, *more)
    assert result.code == 0, result.err
    assert CompressedVideo.open("a.fgvc").header.num_frames == 9


@pytest.mark.parametrize("command", ["info", "verify", "truncate", "decompress", "score"])
def test_streams_come_through_pipes(run, clip, stream, here, command):
    feed(here / "p.fgvc", stream.read_bytes())
    arguments = {
        "truncate": ["p.fgvc", "a.fgvc", "--stop-step", "950"],
        "decompress": ["p.fgvc", "a.y4m"],
        "score": [clip, "p.fgvc", "--metrics", "psnr"],
    }
    result = run(command, *arguments.get(command, ["p.fgvc"]))
    assert result.code == 0, result.err


def test_a_pipe_that_nobody_feeds_is_refused(run, monkeypatch, here):
    monkeypatch.setattr("freegvc._special_files._WAIT_SECONDS", 0.1)
    os.mkfifo("p.y4m")
    for arguments, code in (
        (["compress", "p.y4m", "a.fgvc"], 3),
        (["info", "p.y4m"], 4),
        (["score", "p.y4m", "p.y4m"], 3),
    ):
        result = run(*arguments)
        assert (result.code, result.out) == (code, "")
        assert "no program has written to it" in result.err


@pytest.mark.parametrize("kind", ["pipe", "socket", "device"])
@pytest.mark.parametrize("command", ["compress", "decompress", "truncate"])
def test_force_never_replaces_special_files(run, clip, stream, here, kind, command):
    name = {"compress": "a.fgvc", "truncate": "a", "decompress": "a.mkv"}[command]
    if kind == "pipe":
        os.mkfifo(name)
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(name)
    else:
        try:
            os.mknod(name, 0o666 | stat.S_IFCHR, os.makedev(1, 3))
        except PermissionError:
            pytest.skip("making a device needs root")
    Path(f"link-{name}").symlink_to(name)
    before = os.lstat(name)
    more = {"truncate": ["--stop-step", "950"], "compress": QUICK}.get(command, [])
    for output in (name, f"link-{name}", *(["a.d"] if command == "decompress" else [])):
        result = run(command, clip if command == "compress" else stream, output, *more, "--force")
        if output == "a.d":
            assert result.code == 2  # looks like a format that is not written
            continue
        assert result.code == 2
        assert f"{kind}, which is never replaced" in result.err
        after = os.lstat(name)
        assert (after.st_mode, after.st_ino) == (before.st_mode, before.st_ino)


def test_symlinks_are_followed(run, clip, stream, here):
    (here / "archive").mkdir()
    for name in ("real.fgvc", "real.mkv"):
        (here / "archive" / name).touch()
        Path(name).symlink_to(f"archive/{name}")
    Path("new.fgvc").symlink_to("archive/new.fgvc")  # points to nothing yet
    Path("loop.fgvc").symlink_to("loop.fgvc")
    assert run("compress", clip, "real.fgvc", *QUICK).code == 2
    assert run("compress", clip, "real.fgvc", *QUICK, "--force").code == 0
    assert run("decompress", stream, "real.mkv", "--force").code == 0
    assert run("truncate", "real.fgvc", "new.fgvc", "--stop-step", "990").code == 0
    assert all(Path(name).is_symlink() for name in ("real.fgvc", "real.mkv", "new.fgvc"))
    assert all((here / "archive" / f).stat().st_size for f in ("real.fgvc", "real.mkv", "new.fgvc"))
    refused = run("compress", clip, "loop.fgvc", *QUICK, "--force")
    assert refused.code == 2
    assert Path("loop.fgvc").is_symlink()


@pytest.mark.parametrize("name", ["a.mp4", "b.Y4M", "c.webm", "d.yuv", "e.png"])
def test_a_stream_is_not_called_a_video(run, clip, stream, here, name):
    for arguments in (["compress", clip, name], ["truncate", stream, name, "--stop-step", "950"]):
        result = run(*arguments, "--force")
        assert result.code == 2
        assert ".fgvc" in result.err
    assert names() == []


@pytest.mark.parametrize(
    "name", ["take.2", "v1.0/", "clip.mp4/", "Mr. Bean", "2024.05.01", "a.b c"]
)
def test_a_dot_in_a_folders_name_is_no_suffix(run, clip, stream, here, name):
    assert run("decompress", stream, name).code == 0
    assert len(names(name)) == 9
    again = run("score", clip, name, "--metrics", "psnr")
    assert again.code == 0, again.err


def test_a_folder_called_like_a_stream_is_scored_as_pictures(run, clip, stream, here):
    assert run("decompress", stream, "frames.fgvc/").code == 0
    assert run("score", clip, "frames.fgvc", "--metrics", "psnr").code == 0


@pytest.mark.parametrize("name", ["a.avi", "b.264", "c.mov", "d.fgvc"])
def test_formats_that_are_not_written_are_no_folders(run, stream, here, name):
    assert run("decompress", stream, name).code == 2
    assert names() == []


def test_names_that_cannot_be(run, clip, stream, here):
    for arguments, code in (
        (["compress", clip, "x" * 300 + ".fgvc"], 2),
        (["compress", "x" * 300 + ".mp4", "a.fgvc"], 3),
        (["compress", "http://localhost:1/a.mp4", "a.fgvc"], 3),
        (["compress", "rtsp://localhost/a", "a.fgvc"], 3),
        (["compress", "/dev/zero", "a.fgvc"], 3),
        (["score", "file:///tmp/a.mp4", clip], 3),
        (["info", "https://localhost:1/a.fgvc"], 4),
        (["info", "/dev/zero"], 4),
        (["info", "x" * 300], 4),
        (["decompress", stream, "missing/a.mp4"], 2),
        (["decompress", stream, "missing/folder/"], 2),
        (["truncate", stream, "/proc/a.fgvc", "--stop-step", "950"], 2),
    ):
        result = run(*arguments)
        assert (result.code, result.out) == (code, ""), arguments
        assert result.err.count("\n") == 1


@pytest.mark.parametrize(
    ("command", "name"),
    [
        (["compress", "", "a.fgvc"], "input"),
        (["compress", "a.mp4", ""], "output"),
        (["compress", "a.mp4", "", "--out-dir", "b"], "inputs"),
        (["merge", "", "a.fgvc", "b.fgvc"], "parts"),
        (["score", "", "a.mp4"], "reference"),
    ],
)
def test_an_empty_name_is_refused_not_taken_for_the_current_folder(run, here, command, name):
    result = run(*command)
    assert result.code == 2
    assert f"the name of {name} is empty" in result.err
