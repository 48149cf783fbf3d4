"""How steady is the score of every frame with and without quality control? The paper's Fig. 11.

400 frames, at first coded with one stop step for all GOPs. Then with control: the score of the
first GOP is the target of all others, as in the paper. LPIPS (AlexNet) of every decoded frame.
Several videos are joined into one sequence, each with the same number of frames, so that the
content changes; scenes change where one video ends, not where a GOP does.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.codecs.freegvc_codec import compress, decompress, loaded_prior
from benchmarks.datasets import CLIPS
from benchmarks.experiments.base import UNFINISHED, Measurement, Row, record_path, unfinished_rows
from benchmarks.frames import MAX_SIZE, Frames, first_frames, shrunk
from freegvc import GopDecoded, GopDone, LikeFirstGop, Rate, StopStep
from freegvc._cli.model_options import height_and_width
from freegvc._control.targets import Target
from freegvc.errors import TargetWarning
from freegvc.metrics import METRICS, check_metric
from freegvc.priors import Prior

VIDEOS = ("bikes.mp4", "car_detection.mp4", "pancake.mkv", "sam2_dog.mp4")
NUM_FRAMES = 400  # as in the paper
METRIC = "lpips"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument(
        "videos",
        type=Path,
        nargs="*",
        default=[CLIPS / name for name in VIDEOS],
        help=f"videos and folders of images, joined in this order (default: {', '.join(VIDEOS)})",
    )
    parser.add_argument(
        "--frames", type=int, default=NUM_FRAMES, help="of all together (default: %(default)s)"
    )
    parser.add_argument(
        "--size",
        type=height_and_width,
        default=MAX_SIZE,
        metavar="WxH",
        help="larger frames are scaled until they just cover it, and their middle is taken "
        f"(default: {MAX_SIZE[1]}x{MAX_SIZE[0]})",
    )
    parser.add_argument(
        "--bpp", type=float, default=0.02, help="rate of the first GOP (default: %(default)s)"
    )
    parser.add_argument("--prior", default="freegvc-small", help="(default: %(default)s)")
    parser.add_argument("--device", default="cpu", help="(default: %(default)s)")


def records(options: argparse.Namespace) -> Iterator[Row]:
    """The record after each of both runs; one that a stopped command has finished is kept."""
    check_metric(METRIC, device=options.device)
    prior = loaded_prior(options.prior, options.device)
    frames, scenes = sequence(options.videos, options.frames, options.size)
    settings = {
        "prior": options.prior,
        "fingerprint": prior.fingerprint.hex(),
        "metric": METRIC,
        "size": f"{frames.shape[2]}x{frames.shape[1]}",
        "frames": len(frames),
        "scenes": scenes,
        "first_gop_bpp": options.bpp,
    }
    rows = unfinished_rows(record_path(options), settings)
    if not rows:
        # the first GOP alone, as the control codes it: its last step is that of all GOPs
        length = prior.defaults.gop_length
        first, _ = compress(frames[:length], prior, Rate(bpp=options.bpp))
        stop_step = first.gops[0].stop_step
        rows = [coded("one stop step", frames, prior, StopStep(stop_step))]
        yield {"settings": settings, UNFINISHED: True, "rows": rows}
    stop_step = rows[0]["gops"][0]["stop_step"]
    target = LikeFirstGop(StopStep(stop_step), metric=METRIC)
    rows = [*rows, coded("quality control", frames, prior, target)]
    yield {"settings": settings, "rows": rows}


def sequence(
    videos: Sequence[Path], num_frames: int, size: tuple[int, int]
) -> tuple[Frames, list[list[Any]]]:
    """The joined frames, uint8 [T, H, W, 3], and the name and first frame of each scene.

    Raises:
        SystemExit: a video is too short, or too small.
    """
    parts: list[Frames] = []
    scenes: list[list[Any]] = []
    ends = [num_frames * (k + 1) // len(videos) for k in range(len(videos))]
    for video, start, end in zip(videos, [0, *ends], ends, strict=False):
        part = np.stack([shrunk(frame, size) for frame in first_frames(video, end - start)])
        if len(part) < end - start:
            raise SystemExit(f"{video} has {len(part)} frames, but {end - start} are needed")
        if parts and part.shape[1:] != parts[0].shape[1:]:
            raise SystemExit(
                f"{video} gives frames of {part.shape[2]}x{part.shape[1]}, but {videos[0]} of "
                f"{parts[0].shape[2]}x{parts[0].shape[1]}: choose a smaller --size"
            )
        parts.append(part)
        scenes.append([video.name, start])
    return np.concatenate(parts), scenes


def coded(label: str, frames: Frames, prior: Prior, target: Target) -> Row:
    """One run: its file, and the score of every decoded frame."""
    began = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TargetWarning)  # `reached` is in the record
        compressed, done = compress(frames, prior, target)
    decoded, shown = decompress(compressed, prior)
    scores = np.concatenate(
        [
            METRICS[METRIC](frames[k : k + 16], decoded[k : k + 16])
            for k in range(0, len(frames), 16)
        ]
    )
    gops = [_gop(*pair, scores) for pair in zip(done, shown, strict=True)]
    means = [gop["score"] for gop in gops]
    row = {
        "run": label,
        "bytes": compressed.num_bytes,
        "bpp": round(compressed.bpp, 5),
        "score": round(float(scores.mean()), 5),
        "std_frames": round(float(scores.std()), 5),
        "std_gops": round(float(np.std(means)), 5),
        "range_gops": round(max(means) - min(means), 5),
        "seconds": round(time.perf_counter() - began, 1),
        "gops": gops,
        "scores": [round(float(score), 4) for score in scores],
    }
    print({name: row[name] for name in row if name != "scores"}, flush=True)
    return row


def _gop(done: GopDone, shown: GopDecoded, scores: Any) -> Row:
    """Where a GOP stopped, and the score of the frames that it shows."""
    frames = slice(shown.first_frame, shown.first_frame + shown.num_frames)
    return {
        "first_frame": shown.first_frame,
        "stop_step": done.stop_step,
        "bytes": done.num_bytes,
        "probes": done.num_probes,
        "reached": done.reached,
        "score": round(float(scores[frames].mean()), 5),
    }


EXPERIMENT = Measurement(__doc__, add_arguments, records)
