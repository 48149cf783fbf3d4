"""VMAF: libvmaf's log, the process around it, and what is said where there is none."""

import json
import os
import stat
import sys

import numpy as np
import pytest

from freegvc.errors import MetricUnavailableError, UsageError
from freegvc.metrics import METRICS, metric_status, vmaf
from freegvc.metrics.fidelity import luma
from freegvc.metrics.libvmaf import ffmpeg_with_vmaf, vmaf_scores
from freegvc.metrics.scoring import score_frames

# two frames as libvmaf 86da14d in FFmpeg 9.0.2 logs them, most features left out
LOG = """{
  "version": "86da14d",
  "fps": 94.72,
  "frames": [
    {"frameNum": 0, "metrics": {"integer_adm2": 0.978823, "vmaf": 92.086112}},
    {"frameNum": 1, "metrics": {"integer_adm2": 0.97685, "vmaf": 96.935106}}
  ],
  "pooled_metrics": {"vmaf": {"min": 92.086112, "max": 96.935106, "mean": 94.510609}},
  "aggregate_metrics": {}
}"""
# stands in for ffmpeg: a frame's score is its mean distance in luma
PROGRAM = """#!{python}
import json, sys
import numpy as np
if "-filters" in sys.argv:
    print(" .. libvmaf           VV->V      Calculate the VMAF between two video streams.")
    sys.exit(0)
width, height = map(int, sys.argv[sys.argv.index("-video_size") + 1].split("x"))
names = [sys.argv[i + 1] for i, word in enumerate(sys.argv) if word == "-i"]
each = width * height + 2 * -(-width // 2) * -(-height // 2)
frames = [np.fromfile(name, np.uint8).reshape(-1, each)[:, : width * height] for name in names]
measure = sys.argv[sys.argv.index("-lavfi") + 1]
assert measure.startswith("libvmaf=model=version=vmaf_v0.6.1:")
scores = np.abs(frames[0].astype(float) - frames[1]).mean(axis=1)
log = [{{"frameNum": k, "metrics": {{"vmaf": s}}}} for k, s in enumerate(scores)]
open(measure.rpartition("log_path=")[2], "w").write(json.dumps({{"frames": log}}))
"""


@pytest.fixture(autouse=True)
def fresh():
    ffmpeg_with_vmaf.cache_clear()
    yield
    ffmpeg_with_vmaf.cache_clear()


@pytest.fixture
def program(tmp_path, monkeypatch):
    """Put a program called ffmpeg into the PATH, and nothing else that could be taken."""

    def program(text):
        folder = tmp_path / "bin"
        folder.mkdir()
        path = folder / "ffmpeg"
        path.write_text(text)
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)
        monkeypatch.setattr("freegvc.metrics.libvmaf.find_spec", lambda name: None)
        return path

    return program


def test_the_scores_of_a_log():
    assert vmaf_scores(LOG, 2).tolist() == [92.086112, 96.935106]
    for log, frames in ((LOG, 1), (LOG, 3), ("[]", 2), ("{", 2), ('{"frames": [{}]}', 1)):
        with pytest.raises(MetricUnavailableError, match="libvmaf"):
            vmaf_scores(log, frames)


def test_the_program_gets_luma_of_both_videos_and_all_frames_at_once(program, texture, noisy):
    path = program(PROGRAM.format(python=sys.executable))
    assert ffmpeg_with_vmaf() == str(path)
    frames = texture(11, 33, 35, (1, 0))  # more than a chunk, odd sides
    other = noisy(frames, 20)
    pairs = zip(frames, other, strict=True)
    expected = [np.abs(luma(a).astype(float) - luma(b)).mean() for a, b in pairs]
    assert vmaf(frames, other) == pytest.approx(expected)
    scores = score_frames(frames, other, metrics=("vmaf",))
    assert scores.per_frame["vmaf"] == pytest.approx(expected)
    with pytest.raises(UsageError, match="at least 32x32"):
        vmaf(frames[:, :31], other[:, :31])


def test_a_failure_is_named(program, texture):
    failing = "[ $2 = -filters ] && echo ' .. libvmaf VV->V' && exit; echo broken >&2; exit 3"
    path = program(f"#!/bin/sh\n{failing}\n")
    with pytest.raises(MetricUnavailableError, match=f"VMAF by {path} failed: broken"):
        vmaf(texture(2, 32, 32), texture(2, 32, 32))


def test_without_libvmaf_the_message_says_what_to_install(program):
    path = program("#!/bin/sh\necho ' .. vmafmotion V->V'\n")
    status = metric_status("vmaf")
    assert not status.available
    assert f"{path} has no libvmaf" in status.detail
    assert "pip install 'freegvc[metrics]'" in status.detail
    path.unlink()
    ffmpeg_with_vmaf.cache_clear()
    with pytest.raises(MetricUnavailableError, match="there is no ffmpeg"):
        METRICS["vmaf"].check()


def test_with_libvmaf_more_noise_is_worse(texture, noisy):
    if not metric_status("vmaf").available:
        pytest.skip("there is no ffmpeg with libvmaf here")
    frames = texture(5, 64, 96, (1, 0))
    means = [vmaf(frames, noisy(frames, amplitude)).mean() for amplitude in (0, 8, 40)]
    assert 100 >= means[0] > 95
    assert means[0] > means[1] > means[2] >= 0
    assert json.loads(LOG)["pooled_metrics"]["vmaf"]["mean"] == pytest.approx(94.510609)
