"""VMAF by FFmpeg's filter libvmaf, in a process of its own: PyAV's builds do not have it.

The model is vmaf_v0.6.1, the default of libvmaf, which looks at luma only: BT.709, limited range,
8 bits. The program is the `ffmpeg` of the PATH if it has the filter, else that of the package
imageio-ffmpeg.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from freegvc.errors import MetricUnavailableError
from freegvc.metrics.fidelity import luma
from freegvc.metrics.frames import Frames, Scores, check_pair, check_side

MODEL = "vmaf_v0.6.1"
VMAF_MIN_SIDE = 32  # libvmaf crashes on frames of 17 pixels
INSTALL = (
    "an ffmpeg with the filter libvmaf: put one into the PATH (`ffmpeg -filters` lists libvmaf), "
    "or pip install 'freegvc[metrics]', whose imageio-ffmpeg brings one"
)
_LOG = "vmaf.json"


def vmaf(reference: Frames, distorted: Frames) -> Scores:
    """VMAF of each frame, 0 .. 100; higher is better. The usual number is their mean.

    A frame's score depends on how the reference moves to it, so a video is scored at once.

    Args:
        reference, distorted: uint8 [T, H, W, 3], sides of at least `VMAF_MIN_SIDE` pixels.

    Returns:
        float64 [T].

    Raises:
        UsageError: the shapes differ, or the frames are too small.
        MetricUnavailableError: there is no ffmpeg with libvmaf, or it failed.
    """
    check_pair(reference, distorted)
    num_frames, height, width, _ = reference.shape
    check_side("VMAF", height, width, VMAF_MIN_SIDE)
    if not num_frames:
        return np.zeros(0)
    program = ffmpeg_with_vmaf()
    with tempfile.TemporaryDirectory(prefix="freegvc-vmaf-") as name:
        folder = Path(name)
        inputs: list[str] = []
        for video, file in ((distorted, "distorted.yuv"), (reference, "reference.yuv")):
            _write_luma(video, folder / file)
            size = f"{width}x{height}"
            inputs += ["-f", "rawvideo", "-pix_fmt", "yuv420p", "-video_size", size, "-i", file]
        # names without a folder, so that nothing in them needs the filter's quotes
        measure = f"libvmaf=model=version={MODEL}:log_fmt=json:log_path={_LOG}"
        command = [program, "-hide_banner", "-nostdin", "-loglevel", "error", *inputs]
        command += ["-lavfi", measure, "-f", "null", "-"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        log = folder / _LOG
        if done.returncode or not log.is_file():
            said = done.stderr.strip().splitlines()[-1:] or [f"exit code {done.returncode}"]
            raise MetricUnavailableError(f"VMAF by {program} failed: {said[0]}; use {INSTALL}")
        return vmaf_scores(log.read_text(encoding="utf-8"), num_frames)


def vmaf_scores(log: str, num_frames: int) -> Scores:
    """The score of each frame in a log of libvmaf.

    Args:
        log: JSON, as libvmaf 1 to 3 write it.
        num_frames: that were scored.

    Returns:
        float64 [num_frames].

    Raises:
        MetricUnavailableError: it is no such log, or of another number of frames.
    """
    try:
        frames: list[Any] = json.loads(log)["frames"]
        by_frame = {int(frame["frameNum"]): float(frame["metrics"]["vmaf"]) for frame in frames}
        scores = np.array([by_frame[k] for k in range(num_frames)])
    except (ValueError, KeyError, TypeError) as error:
        raise MetricUnavailableError(
            f"libvmaf's log does not hold the scores of {num_frames} frames "
            f"({type(error).__name__}: {error}): use {INSTALL}"
        ) from error
    if len(by_frame) != num_frames:
        raise MetricUnavailableError(
            f"libvmaf scored {len(by_frame)} frames of {num_frames}: use {INSTALL}"
        )
    return scores


@lru_cache(maxsize=1)
def ffmpeg_with_vmaf() -> str:
    """The program to run.

    Raises:
        MetricUnavailableError: there is none with libvmaf.
    """
    tried = []
    for program in _programs():
        if _has_vmaf(program):
            return program
        tried.append(program)
    found = f"{', '.join(tried)} has no libvmaf" if tried else "there is no ffmpeg"
    raise MetricUnavailableError(f"VMAF cannot be computed, {found}: it needs {INSTALL}")


def _programs() -> Iterator[str]:
    on_path = shutil.which("ffmpeg")
    if on_path is not None:
        yield on_path
    if find_spec("imageio_ffmpeg") is not None:
        import imageio_ffmpeg

        try:
            yield str(imageio_ffmpeg.get_ffmpeg_exe())
        except RuntimeError:  # the package may come without a program
            return


def _has_vmaf(program: str) -> bool:
    try:
        command = [program, "-hide_banner", "-filters"]
        listed = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    except OSError:
        return False
    return any(line.split()[1:2] == ["libvmaf"] for line in listed.splitlines())


def _write_luma(video: Frames, path: Path) -> None:
    """Planes of YUV 4:2:0: luma, and grey for the chroma that the model does not look at."""
    height, width = video.shape[1:3]
    grey = bytes([128]) * (2 * -(-height // 2) * -(-width // 2))
    with path.open("wb") as file:
        for frame in video:
            file.write(luma(frame).data)
            file.write(grey)
