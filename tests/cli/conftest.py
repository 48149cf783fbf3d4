"""A tiny clip and its stream, made once; commands run in process or as true processes."""

import os
import subprocess
import sys
from fractions import Fraction
from types import SimpleNamespace

import av
import numpy as np
import pytest

from freegvc._cli.main import main
from freegvc._video import Video, read_audio
from tests.cli.tiny_clip import ROOT, SMALL, waves


@pytest.fixture(scope="session")
def clip(tmp_path_factory):
    path = tmp_path_factory.mktemp("clip") / "clip.y4m"
    Video(waves(), Fraction(25)).save(path)
    return path


@pytest.fixture(scope="session")
def stream(clip, tmp_path_factory):
    """The clip's stream: 3 GOPs of 4, 4 and 3 frames."""
    path = tmp_path_factory.mktemp("stream") / "clip.fgvc"
    assert main(["compress", str(clip), str(path), *SMALL]) == 0
    return path


@pytest.fixture(scope="session")
def audio_stream(tmp_path_factory):
    """A stream that carries a second of sound."""
    folder = tmp_path_factory.mktemp("audio")
    with av.open(str(folder / "tone.mka"), "w") as container:
        track = container.add_stream("aac", rate=48000)
        track.layout = "mono"
        samples = (np.sin(np.arange(48000) / 20) * 0.3).astype(np.float32)[None]
        frame = av.AudioFrame.from_ndarray(samples, "fltp", "mono")
        frame.sample_rate, frame.pts = 48000, 0
        container.mux(track.encode(frame))
        container.mux(track.encode(None))
    clip, path = folder / "clip.mkv", folder / "clip.fgvc"
    Video(waves(), Fraction(25), audio=read_audio(folder / "tone.mka")).save(clip)
    assert main(["compress", str(clip), str(path), "--audio", "copy", *SMALL]) == 0
    return path


@pytest.fixture
def run(capsys):
    """Run a command in this process; gives code, out and err."""

    def run(*arguments):
        capsys.readouterr()
        code = main([str(a) for a in arguments])
        out, err = capsys.readouterr()
        return SimpleNamespace(code=code, out=out, err=err)

    return run


@pytest.fixture
def spawn():
    """Start `python -m freegvc` as a process of its own."""

    def spawn(*arguments, **kwargs):
        command = [sys.executable, "-m", "freegvc", *map(str, arguments)]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        return subprocess.Popen(command, env=environment, **(pipes | kwargs))

    return spawn


@pytest.fixture
def modules_after():
    """Names of all modules that a fresh process holds after a command."""

    def modules_after(*arguments):
        program = (
            "import sys; from freegvc._cli.main import main; code = main(sys.argv[1:]); "
            "print('\\n'.join(sys.modules), file=sys.stderr); sys.exit(code)"
        )
        command = [sys.executable, "-c", program, *map(str, arguments)]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        return set(done.stderr.split())

    return modules_after
