"""Exit codes, one-line errors, and leaving cleanly whatever happens."""

import errno
import signal
from dataclasses import replace
from functools import wraps

import av
import pytest

import freegvc
import freegvc._codec.decoder
import freegvc._codec.encoder
from freegvc import CompressedVideo
from freegvc._bitstream import write_stream
from freegvc._cli.main import COMMANDS, GROUPS, main

SMALL = ["--prior", "analytic", "--gop-length", "4", "--overlap", "1"]
LONG = [*SMALL, "--stop-step", "600", "--events", "ndjson"]


@pytest.mark.parametrize("arguments", [["--help"], ["--version"]])
def test_help_and_version_load_nothing_heavy(modules_after, arguments):
    assert not modules_after(*arguments) & {"torch", "numpy", "av", "rich", "numba"}


def test_version_and_help_are_data(run):
    assert run("--version").out == f"freegvc {freegvc.__version__}\n"
    page = run("--help")
    assert page.code == 0
    assert all(f"\n  {name} " in page.out for name in COMMANDS)
    assert all(f"\n{title}:\n" in page.out for title in GROUPS)


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_has_help(run, command):
    page = run(command, "--help")
    assert page.code == 0
    assert f"usage: freegvc {command}" in page.out
    assert "==SUPPRESS==" not in page.out


ERROR_CASES = [
    (2, ["nonsense"]),
    (2, ["compress", "{clip}"]),
    (2, ["compress", "{clip}", "{out}", "--stop-step", "9", "--target-bpp", "1"]),
    (2, ["compress", "{clip}", "{out}", "--target-bpp", "-1"]),
    (2, ["compress", "{clip}", "{out}", "--target-bpp", "many"]),
    (2, ["compress", "{clip}", "{out}", "--overlap", "40"]),
    (2, ["compress", "{clip}", "{folder}/missing/out.fgvc"]),
    (2, ["compress", "{clip}", "{out}", "--size", "64x32"]),
    (2, ["decompress", "{stream}", "{folder}/out.avi"]),
    (2, ["decompress", "{stream}", "{folder}/out.mp4", "--codec", "vp9"]),
    (2, ["truncate", "{stream}", "{out}", "--target-bpp", "nan"]),
    (2, ["truncate", "{stream}", "{out}", "--target-bytes", "-5"]),
    (3, ["compress", "{folder}/missing.mp4", "{out}"]),
    (3, ["compress", "{text}", "{out}"]),
    (3, ["demo", "--input", "{text}", "--out", "{folder}/demo"]),
    (4, ["info", "{folder}/missing.fgvc"]),
    (4, ["info", "{text}"]),
    (4, ["verify", "{short}"]),
    (4, ["verify", "{damaged}"]),
    (4, ["decompress", "{damaged}", "{folder}/out.mp4"]),
    (5, ["compress", "{clip}", "{out}", "--prior", "missing"]),
    (5, ["compress", "{clip}", "{out}", "--device", "cuda:77"]),
    (5, ["decompress", "{foreign}", "{folder}/out.mp4"]),
    (6, ["compress", "{clip}", "{out}", "--target-bytes", "20", *SMALL]),
    (6, ["truncate", "{stream}", "{out}", "--target-bytes", "20"]),
]


@pytest.mark.parametrize(("code", "arguments"), ERROR_CASES, ids=str)
def test_errors_are_one_line_with_their_exit_code(run, clip, stream, tmp_path, code, arguments):
    data = stream.read_bytes()
    whole = CompressedVideo(data).stream
    foreign = replace(whole, header=replace(whole.header, fingerprint=b"x" * 8))
    inputs = {
        "text": b"no video, no stream\n",
        "short": data[:-7],
        "damaged": data[:-9] + bytes([data[-9] ^ 1]) + data[-8:],
        "foreign": write_stream(foreign),
    }
    places = {"clip": clip, "stream": stream, "folder": tmp_path, "out": tmp_path / "out.fgvc"}
    for name, content in inputs.items():
        places[name] = tmp_path / f"{name}.fgvc"
        places[name].write_bytes(content)
    before = sorted(tmp_path.iterdir())

    result = run(*(argument.format(**places) for argument in arguments))

    assert result.code == code
    assert result.out == ""
    assert result.err.startswith("freegvc: error: ")
    assert result.err.count("\n") == 1
    assert sorted(tmp_path.iterdir()) == before  # nothing is left behind


def test_bugs_are_not_dressed_up(monkeypatch, clip, tmp_path):
    @wraps(freegvc._codec.encoder.compress)
    def broken(*args, **kwargs):
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(freegvc._codec.encoder, "compress_file", broken)
    with pytest.raises(ZeroDivisionError, match="a bug"):
        main(["compress", str(clip), str(tmp_path / "out.fgvc")])


def test_a_full_disk_is_no_bug(run, monkeypatch, stream, tmp_path):
    def full(self, path, *, overwrite):
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr(CompressedVideo, "save", full)
    result = run("truncate", stream, tmp_path / "out.fgvc", "--stop-step", "950")
    assert (result.code, result.err.count("\n")) == (1, 1)
    assert "out.fgvc: No space left" in result.err


def test_an_odd_os_error_is_a_bug(monkeypatch, stream, tmp_path):
    def odd(self, path, *, overwrite):
        raise OSError(errno.EBADF, "Bad file descriptor")

    monkeypatch.setattr(CompressedVideo, "save", odd)
    with pytest.raises(OSError, match="Bad file"):
        main(["truncate", str(stream), str(tmp_path / "out.fgvc"), "--stop-step", "950"])


def test_interrupted_in_the_middle_of_writing(run, monkeypatch, stream, tmp_path):
    whole = freegvc._codec.decoder.decode_frames

    @wraps(whole)
    def interrupted(*args, **kwargs):
        yield next(whole(*args, **kwargs))
        raise KeyboardInterrupt

    monkeypatch.setattr(freegvc._codec.decoder, "decode_frames", interrupted)
    for name in ("out.mp4", "out.y4m"):
        result = run("decompress", stream, tmp_path / name)
        assert (result.code, result.err) == (130, "freegvc: error: interrupted\n")
        assert list(tmp_path.iterdir()) == []
    result = run("decompress", stream, tmp_path / "frames")
    assert result.code == 130
    assert "frames.partial keeps finished frames: the same command with --resume" in result.err
    assert [path.name for path in tmp_path.iterdir()] == ["frames.partial"]


def test_a_signal_ends_a_real_process_cleanly(spawn, clip, tmp_path):
    def heed():
        """A shell lets what it starts in the background, these tests perhaps, ignore SIGINT."""
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    process = spawn("compress", clip, tmp_path / "out.fgvc", *LONG, preexec_fn=heed)
    # the walk has begun: an import that is cut off may end Python in its own way
    assert any("StepSent" in line for line in iter(process.stdout.readline, ""))
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err == "freegvc: error: interrupted\n"
    assert list(tmp_path.iterdir()) == []


def test_a_reader_who_leaves_ends_the_process_quietly(spawn, clip, stream, tmp_path):
    process = spawn("compress", clip, tmp_path / "out.fgvc", *LONG)
    process.stdout.readline()
    process.stdout.close()
    err = process.stderr.read()
    process.stderr.close()
    assert (process.wait(timeout=60), err) == (141, "")
    assert list(tmp_path.iterdir()) == []


def test_closed_before_the_first_word(spawn, stream):
    process = spawn("info", stream)
    process.stdout.close()
    err = process.stderr.read()
    process.stderr.close()
    assert (process.wait(timeout=60), err) == (141, "")


def test_a_guessed_colour_warns_in_one_line(run, tmp_path):
    path = tmp_path / "untagged.mp4"
    with av.open(str(path), "w") as container:
        track = container.add_stream("libx264", rate=25)
        track.width, track.height, track.pix_fmt = 64, 32, "yuv420p"
        for _ in range(3):
            frame = av.VideoFrame(64, 32, "yuv420p")
            for plane in frame.planes:
                plane.update(bytes(plane.buffer_size))
            container.mux(track.encode(frame))
        container.mux(track.encode(None))
    result = run("compress", path, tmp_path / "out.fgvc", "--stop-step", "950", *SMALL)
    lines = result.err.splitlines()
    assert result.code == 0
    assert [line for line in lines if "warning" in line] == lines[:1]
    assert lines[0].startswith("freegvc: warning: ")
