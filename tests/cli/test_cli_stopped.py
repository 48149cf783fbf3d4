"""A run that ends early leaves the old output or a whole new one, and nothing beside it."""

import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from freegvc import CompressedVideo, Video
from freegvc._sibling_names import temporary_sibling
from freegvc._video import load_video
from tests.cli.forked_server import Forked
from tests.cli.killed_commands import QUICK, commands
from tests.cli.tiny_clip import ROOT

OLD = b"the old output"
MOMENTS = 20


COMMANDS = list(commands("", "", ROOT))


def prepare(output):
    """An old output at this place."""
    if output.name == "f":
        Video.from_array(np.zeros((1, 2, 2, 3), np.uint8)).save(output)
    else:
        output.write_bytes(OLD)


def is_old(output):
    if output.name == "f":
        return len(list(output.iterdir())) == 1
    return output.read_bytes() == OLD


def is_whole(output):
    if output.suffix == ".fgvc":
        return CompressedVideo.open(output).header.num_frames == 9
    if output.suffix == ".png":
        return load_image(output)
    return load_video(output).num_frames == 9


def load_image(path):
    from PIL import Image

    with Image.open(path) as image:
        image.load()
    return True


def remove_kept(folder):
    """Delete what a run leaves on purpose, to be gone on with; see test_cli_resume.py."""
    (folder / "a.fgvc.journal").unlink(missing_ok=True)
    shutil.rmtree(folder / "f.partial", ignore_errors=True)


def full_disk(limit):
    """What a child runs first: no file may grow beyond the limit, as on a full disk."""

    def limit_files():
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    return limit_files


@pytest.mark.parametrize("limit", [0, 500])
@pytest.mark.parametrize("command", COMMANDS)
def test_a_full_disk_is_one_line_and_leaves_the_old_output(
    spawn, clip, stream, tmp_path, command, limit
):
    arguments, name = commands(clip, stream, tmp_path)[command]
    prepare(tmp_path / name)
    process = spawn(*arguments, "--force", preexec_fn=full_disk(limit))
    _, err = process.communicate(timeout=120)
    assert [file.name for file in tmp_path.iterdir()] == [name]
    if process.returncode == 0:
        assert is_whole(tmp_path / name)
        return
    assert process.returncode == 1
    assert is_old(tmp_path / name)
    last = err.splitlines()[-1]
    assert re.fullmatch(rf"freegvc: error: .*{re.escape(name)}.*: File too large", last), err
    assert "Traceback" not in err


def test_standard_output_is_full(stream):
    for arguments in (["info", stream], ["truncate", stream, "-", "--stop-step", "950"]):
        with Path("/dev/full").open("wb") as full:
            command = [sys.executable, "-m", "freegvc", *map(str, arguments)]
            environment = {**os.environ, "PYTHONPATH": str(ROOT)}
            done = subprocess.run(
                command, env=environment, stdout=full, stderr=subprocess.PIPE, check=False
            )
        assert done.returncode == 1
        assert done.stderr == b"freegvc: error: No space left on device\n"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_leaves_nothing(spawn, clip, tmp_path, number):
    process = spawn(
        "compress", clip, tmp_path / "out.fgvc", *QUICK[:-1], "600", "--events", "ndjson"
    )
    process.stdout.readline()  # the walk has begun
    process.send_signal(number)
    process.send_signal(number)  # as `timeout` does
    out, err = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    last = json.loads(out.splitlines()[-1])
    assert last == {
        "event": "CommandFailed",
        "error": "ended",
        "message": f"ended by {number.name}",
        "exit_code": 128 + number,
    }
    assert err == f"freegvc: error: ended by {number.name}\n"
    assert list(tmp_path.iterdir()) == []


def test_a_signal_that_a_library_turns_into_its_own_error():
    code = """
import argparse, os, signal, sys
from freegvc._cli import main

def run(arguments):
    try:
        os.kill(os.getpid(), signal.SIGTERM)
    except BaseException as error:
        raise ImportError("the extension failed") from error

main._parser = lambda: argparse.Namespace(parse_args=lambda argv: argparse.Namespace(run=run))
sys.exit(main.main([]))
"""
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 143, done.stderr
    assert done.stderr.strip().endswith("ended by SIGTERM")


def test_nohup_is_heeded(spawn, clip, tmp_path):
    def ignore():
        signal.signal(signal.SIGHUP, signal.SIG_IGN)

    output = tmp_path / "out.fgvc"
    process = spawn("compress", clip, output, *QUICK, "--events", "ndjson", preexec_fn=ignore)
    process.stdout.readline()
    process.send_signal(signal.SIGHUP)
    process.communicate(timeout=120)
    assert process.returncode == 0
    assert is_whole(output)


@pytest.mark.parametrize("name", ["a.fgvc", "b.mkv", "frames"])
def test_what_a_killed_run_left_is_named(run, clip, stream, tmp_path, name):
    left = temporary_sibling(tmp_path / name)
    other = temporary_sibling(tmp_path / "other.mkv")
    for file in (left, other):
        file.write_bytes(b"half a video")
    command = ["compress", clip] if name == "a.fgvc" else ["decompress", stream]
    result = run(*command, tmp_path / name, *(QUICK if command[0] == "compress" else []))
    assert result.code == 0
    warnings = [line for line in result.err.splitlines() if "warning" in line]
    assert len(warnings) == 1
    assert left.name in warnings[0]
    assert other.name not in warnings[0]
    assert left.exists()  # another run may still be writing it


@pytest.fixture(scope="module")
def forked(clip, tmp_path_factory):
    server = Forked(clip, tmp_path_factory.mktemp("warm"))
    yield server
    server.stop()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
@pytest.mark.parametrize("command", COMMANDS)
def test_killed_at_any_moment(forked, clip, stream, tmp_path, command, number):
    arguments, name = commands(clip, stream, tmp_path)[command]
    output = tmp_path / name
    began = time.monotonic()
    forked.start(*arguments, "--force")
    assert forked.wait()[0] == 0
    seconds, codes = time.monotonic() - began, set()
    for moment in np.random.default_rng(1).uniform(0, 1.1 * seconds, MOMENTS):
        child = forked.start(*arguments, "--force")
        time.sleep(moment)
        with suppress(ProcessLookupError):  # it has ended already
            os.kill(child, number)
        code, err = forked.wait()
        codes.add(code)
        assert is_whole(output)
        remove_kept(tmp_path)
        left = [file for file in tmp_path.iterdir() if file != output]
        if number == signal.SIGTERM:
            # the last is a moment before the command begins
            assert code in (0, 143, -signal.SIGTERM), err
            assert code != 143 or err.endswith("freegvc: error: ended by SIGTERM\n")
            assert "Traceback" not in err
            assert left == []
        for file in left:
            assert re.fullmatch(r"\..*\.[0-9a-f]{8}\.tmp.*", file.name)
            subprocess.run(["rm", "-r", file], check=True)
    assert codes & {143, -number}, "no run was ended"


def file_size(output):
    """Bytes of a file, or of the largest in a folder."""
    return max(f.stat().st_size for f in (output.iterdir() if output.is_dir() else [output]))


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
def test_a_disk_that_fills_at_any_byte(forked, clip, stream, tmp_path, command):
    arguments, name = commands(clip, stream, tmp_path)[command]
    output = tmp_path / name
    forked.start(*arguments, "--force")
    assert forked.wait()[0] == 0
    for limit in np.random.default_rng(2).integers(0, file_size(output), MOMENTS).tolist():
        if not output.is_dir():
            prepare(output)
        forked.start(*arguments, "--force", limit=limit)
        code, err = forked.wait()
        assert code == 1, err
        assert is_whole(output) if output.is_dir() else is_old(output)
        assert re.fullmatch(
            rf"freegvc: error: .*{re.escape(name)}.*: File too large", err.splitlines()[-1]
        )
        assert "Traceback" not in err
        remove_kept(tmp_path)
        assert [file.name for file in tmp_path.iterdir()] == [name]


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
def test_a_small_folder_fills_at_any_moment(spawn, clip, stream, tmp_path, command):
    """A tmpfs of a few pages where the user may mount one."""
    small = tmp_path / "small"
    small.mkdir()
    for kib in (4, 8, 12, 16, 24, 32, 64):
        mount = ["mount", "-t", "tmpfs", "-o", f"size={kib}k", "tmpfs", small]
        if subprocess.run(mount, capture_output=True, check=False).returncode:
            pytest.skip("mounting a small file system needs root")
        try:
            arguments, name = commands(clip, stream, small)[command]
            if name != "f":
                prepare(small / name)
            process = spawn(*arguments, "--force")
            _, err = process.communicate(timeout=120)
            assert process.returncode in (0, 1), err
            if process.returncode == 0:
                assert is_whole(small / name)
            else:
                assert "No space left on device" in err.splitlines()[-1]
                assert not (small / name).exists() or is_old(small / name)
            remove_kept(small)
            assert [f.name for f in small.iterdir()] in ([name], [])
        finally:
            subprocess.run(["umount", small], check=True)
