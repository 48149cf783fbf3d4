"""Standard streams that are closed, or full."""

import os
import subprocess
import sys

import pytest

from freegvc import CompressedVideo
from tests.cli.tiny_clip import ROOT, SMALL


@pytest.fixture
def shell(tmp_path):
    """Run a command with redirections that only a shell can make."""

    def shell(arguments, redirections):
        program = f'cd "{tmp_path}" && PYTHONPATH="{ROOT}" exec "$0" -m freegvc "$@" {redirections}'
        words = ["sh", "-c", program, sys.executable, *map(str, arguments)]
        # with it, nothing waits for being written, by which a full output is known
        environment = {k: v for k, v in os.environ.items() if k != "PYTHONUNBUFFERED"}
        return subprocess.run(words, env=environment, capture_output=True, text=True, check=False)

    return shell


def test_closed_error_output_keeps_nobody_from_work(shell, clip, tmp_path):
    done = shell(["compress", clip, "a.fgvc", *SMALL], ">&- 2>&- <&-")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert CompressedVideo.open(tmp_path / "a.fgvc").header.num_frames == 9
    done = shell(["info", "a.fgvc"], "2>&-")
    assert done.returncode == 0
    assert "frames" in done.stdout


def test_closed_output_is_named_where_data_goes_there(shell, clip, stream, tmp_path):
    for arguments in (["info", stream], ["--help"], ["compress", "x", "y", "--events", "ndjson"]):
        done = shell(arguments, ">&-")
        assert done.returncode == 1
        assert done.stderr == (
            "freegvc: error: standard output: it is closed, and this command prints there\n"
        )
    done = shell(["compress", clip, "-", *SMALL], ">&-")
    assert done.returncode == 2
    assert "- is standard output, which is closed" in done.stderr


@pytest.mark.parametrize("command", [["info", "-"], ["compress", "-", "a.fgvc", *SMALL]])
def test_closed_input_is_named(shell, command):
    done = shell(command, "<&-")
    assert done.returncode == 2
    assert done.stderr == (
        "freegvc: error: - is standard input, which is closed: use a pipe or a file\n"
    )


def test_full_output_is_named(shell, stream):
    done = shell(["info", stream], "> /dev/full")
    assert done.returncode == 1
    assert done.stderr == "freegvc: error: standard output: No space left on device\n"
