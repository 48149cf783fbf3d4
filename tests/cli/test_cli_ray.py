"""--ray: refused in one line where it cannot work, and the same results where it can."""

import signal
import socket
import subprocess
import sys
import time
from importlib.util import find_spec

import pytest

from freegvc._cli import ray_options
from freegvc.cluster import connection
from freegvc.errors import ClusterError
from tests.cli.tiny_clip import SMALL

QUICK = ["--prior", "analytic", "--gop-length", "4", "--overlap", "1", "--stop-step", "950"]


def test_an_address_left_out_is_this_machine():
    assert ray_options.LOCAL == connection.LOCAL


@pytest.mark.parametrize("command", ["compress", "decompress", "score"])
def test_without_ray_one_line_names_the_extra(run, clip, stream, tmp_path, monkeypatch, command):
    def find(name):
        return None if name == "ray" else find_spec(name)

    monkeypatch.setattr(connection, "find_spec", find)
    arguments = {
        "compress": [clip, tmp_path / "a.fgvc", *QUICK],
        "decompress": [stream, tmp_path / "a.mkv"],
        "score": [clip, stream, "--metrics", "psnr"],
    }[command]
    result = run(command, *arguments, "--ray")
    assert (result.code, result.out) == (2, "")
    assert result.err.count("\n") == 1
    assert "pip install 'freegvc[cluster]'" in result.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "words",
    [
        ["compress", "--ray", "CLIP", "a.fgvc"],
        ["compress", "CLIP", "a.fgvc", "--ray", "no address"],
        ["compress", "CLIP", "a.fgvc", "--ray-gpus", "0.5"],
        ["compress", "CLIP", "a.fgvc", "--ray", "--ray-gpus", "nan"],
        ["compress", "CLIP", "a.fgvc", "--ray", "--ray-gpus", "1.5"],
        ["compress", "CLIP", "a.fgvc", "--ray", "--report", "r"],
        ["decompress", "STREAM", "a.mkv", "--ray-workers", "2"],
        ["score", "CLIP", "CLIP", "--ray"],
    ],
)
def test_what_has_no_meaning_is_refused(run, clip, stream, tmp_path, monkeypatch, words):
    monkeypatch.chdir(tmp_path)
    files = {"CLIP": clip, "STREAM": stream}
    result = run(*[files.get(word, word) for word in words])
    assert result.code == 2
    assert result.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_what_is_refused_is_refused_before_ray_is_started(run, clip, tmp_path, monkeypatch):
    def start(arguments):
        raise AssertionError("Ray is started")

    monkeypatch.setattr("freegvc._cli.compress.ray_workers", start)
    output, journal = tmp_path / "a.fgvc", tmp_path / "a.fgvc.journal"
    output.write_bytes(b"old")
    result = run("compress", clip, output, *QUICK, "--ray")
    assert result.code == 2
    assert "a.fgvc exists" in result.err
    output.unlink()
    journal.write_bytes(b"")
    result = run("compress", clip, output, *QUICK, "--ray")
    assert result.code == 2
    assert "a.fgvc.journal is the journal of a run that did not end" in result.err
    result = run("compress", tmp_path / "none.mp4", output, *QUICK, "--ray", "--resume")
    assert result.code == 3


needs_ray = pytest.mark.skipif(find_spec("ray") is None, reason="pip install 'freegvc[cluster]'")


@needs_ray
def test_a_port_beyond_the_last_is_not_taken_for_a_smaller_one(monkeypatch):
    """The C library counts ports from 0 again, so some other server may answer."""
    monkeypatch.setattr("ray.is_initialized", lambda: False)  # other tests may have done it
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1] + 2**16
        with pytest.raises(ClusterError, match=rf"127\.0\.0\.1:{port}: .* 1 to 65535"):
            connection.connect(f"127.0.0.1:{port}")


@needs_ray
@pytest.mark.slow
@pytest.mark.xdist_group("ray")
def test_workers_that_never_fit_are_not_waited_for(spawn, clip, tmp_path):
    words = ["--ray", "--ray-workers", "1", "--ray-cpus", "100000"]
    process = spawn("compress", clip, tmp_path / "a.fgvc", *QUICK, *words)
    try:
        _, err = process.communicate(timeout=120)
    finally:
        process.kill()
    assert process.returncode == 2
    assert "too few for one worker with 100000" in err
    assert list(tmp_path.iterdir()) == []


@needs_ray
@pytest.mark.parametrize("address", ["127.0.0.1:PORT", "[::1]:PORT", "localhost:99999"])
def test_an_address_where_nothing_answers(spawn, clip, tmp_path, address):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = str(unused.getsockname()[1])
    address = address.replace("PORT", port)
    began = time.monotonic()
    # a process of its own: this one may be connected to the cluster of other tests
    process = spawn("compress", clip, tmp_path / "a.fgvc", *QUICK, "--ray", address)
    try:
        out, err = process.communicate(timeout=120)
    finally:
        process.kill()
    assert (process.returncode, out) == (ClusterError.exit_code, "")
    assert err.count("\n") == 1
    assert f"no Ray cluster at {address}: " in err
    assert "ray start --head" in err
    assert time.monotonic() - began < 60  # Ray itself would try for minutes
    assert list(tmp_path.iterdir()) == []


@needs_ray
@pytest.mark.slow
@pytest.mark.xdist_group("ray")
def test_ray_on_this_machine_gives_the_same_files(run, spawn, clip, stream, tmp_path, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    packed, back = tmp_path / "a.fgvc", tmp_path / "a.y4m"

    def finish(*arguments):
        process = spawn(*arguments, "--ray", "--ray-workers", "2")
        out, err = process.communicate(timeout=300)
        assert process.returncode == 0, err
        return out, err

    _, err = finish("compress", clip, packed, *SMALL)
    assert "Ray: 2 workers" in err
    assert packed.read_bytes() == stream.read_bytes()
    finish("decompress", packed, back)
    assert run("decompress", packed, tmp_path / "b.y4m").code == 0
    assert back.read_bytes() == (tmp_path / "b.y4m").read_bytes()
    out, _ = finish("score", clip, packed, "--metrics", "psnr")
    assert run("score", clip, packed, "--metrics", "psnr").out == out
    batch = tmp_path / "out"
    finish("compress", clip, "--out-dir", batch, *SMALL)
    assert (batch / "clip.fgvc").read_bytes() == stream.read_bytes()


DRIVER = """
import os, signal, sys
from freegvc import GopDone, Settings, cluster
from freegvc.events import GopDone

def on_event(event):
    if isinstance(event, GopDone):
        print(event.gop, flush=True)
        if event.gop == 2:
            if sys.argv[3] == "driver":
                os.kill(os.getpid(), signal.SIGKILL)
            import psutil
            for process in psutil.Process().children(recursive=True):
                if "raylet" in process.name():
                    process.kill()

settings = Settings(gop_length=4, overlap=1, coder="pfr", effort="fast")
with cluster.Workers(num_workers=2) as workers:
    cluster.compress_file(sys.argv[1], sys.argv[2], workers=workers, prior="analytic",
        settings=settings, stop_step=850, resume=True, on_event=on_event)
"""


@needs_ray
@pytest.mark.slow
@pytest.mark.xdist_group("ray")
@pytest.mark.parametrize("victim", ["driver", "raylet"])
def test_what_was_finished_survives_the_death_of(victim, tmp_path, monkeypatch):
    import freegvc
    from tests.cli.tiny_clip import waves

    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    clip, output = tmp_path / "clip.y4m", tmp_path / "a.fgvc"
    freegvc.Video(waves(40), 25).save(clip)
    command = [sys.executable, "-c", DRIVER, str(clip), str(output), victim]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert ended.returncode != 0
    if victim == "driver":
        assert ended.returncode == -signal.SIGKILL
    assert not output.exists()
    settings = freegvc.Settings(gop_length=4, overlap=1, coder="pfr", effort="fast")
    started = []
    again = freegvc.compress_file(
        clip,
        output,
        prior="analytic",
        settings=settings,
        stop_step=850,
        resume=True,
        on_event=lambda e: started.append(e.gop) if isinstance(e, freegvc.GopStarted) else None,
    )
    assert min(started) >= 2
    whole = freegvc.compress(clip, prior="analytic", settings=settings, stop_step=850)
    assert again.data == whole.data
