"""Targets on real clips: is the score met, at how many probes, and how steady is it?

LPIPS (AlexNet). For each clip: a target for all GOPs, with the history of the GOP before and, GOP
by GOP, without; one stop step for all GOPs that gives a file of the same size; a rate shared
between the GOPs. Scores are measured on the decoded file, not taken from the encoder.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np

from benchmarks.codecs import freegvc_codec
from benchmarks.codecs.freegvc_codec import decompress
from benchmarks.experiments.base import Experiment, Row
from benchmarks.experiments.laws import CLIPS, rate_points
from benchmarks.frames import MAX_SIZE, Frames
from freegvc import CompressedVideo, GopDone, Rate, Score, StopStep
from freegvc._control.targets import Target
from freegvc.errors import TargetWarning
from freegvc.metrics import lpips
from freegvc.priors import Prior

GOP_LENGTH = 24
TARGET_BPP = 0.03  # of the first GOP, whose score is the target


def measure(name: str, frames: Frames, prior: Prior) -> Iterator[Row]:
    """All figures of one clip."""
    del name
    began = time.perf_counter()
    ((_, score),) = rate_points(frames[:GOP_LENGTH], prior, (TARGET_BPP,))
    target = round(score, 3)
    steered, done = compress(frames, prior, Score("lpips", target))
    scores = gop_scores(frames, steered, prior)
    untaught = [
        compress(frames[gop.first_frame :][: gop.num_frames], prior, Score("lpips", target))[1][0]
        for gop in steered.gops[1:4]
    ]
    step, fixed = same_size(frames, steered, prior)
    shared, _ = compress(frames, prior, Rate(num_bytes=steered.num_bytes, even="lpips"))
    std, fixed_std, shared_std = (
        np.std(values)
        for values in (scores, *(gop_scores(frames, file, prior) for file in (fixed, shared)))
    )
    yield {
        "size": f"{frames.shape[2]}x{frames.shape[1]}",
        "frames": len(frames),
        "gops": len(done),
        "target": target,
        "scores": [round(score, 5) for score in scores],
        "reached": [event.reached for event in done],
        "printed_minus_measured": max(
            abs((np.nan if event.score is None else event.score) - score)
            for event, score in zip(done, scores, strict=True)
        ),
        "probes_first": done[0].num_probes,
        "probes_with_history": [event.num_probes for event in done[1:]],
        "probes_without": [done[0].num_probes, *(event.num_probes for event in untaught)],
        "bytes": steered.num_bytes,
        "gop_bytes": [gop.bits // 8 for gop in steered.gops],
        "probe_seconds_share": round(
            sum(e.seconds["probes"] for e in done) / sum(e.seconds["walk"] for e in done), 3
        ),
        "std": round(float(std), 5),
        "fixed_step": {
            "stop_step": step,
            "bytes": fixed.num_bytes,
            "std": round(float(fixed_std), 5),
            "std_ratio": round(float(fixed_std / std), 2),
        },
        "shared_rate": {
            "share_of_budget": round(shared.num_bytes / steered.num_bytes, 4),
            "std": round(float(shared_std), 5),
        },
        "seconds": round(time.perf_counter() - began, 1),
    }


def compress(frames: Frames, prior: Prior, target: Target) -> tuple[CompressedVideo, list[GopDone]]:
    """The stream and the last event of each GOP."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TargetWarning)  # it is in the record
        options = {"gop_length": GOP_LENGTH, "overlap": 4}
        return freegvc_codec.compress(frames, prior, target, options)


def gop_scores(frames: Frames, compressed: CompressedVideo, prior: Prior) -> list[float]:
    """LPIPS of the frames that each GOP shows in the decoded file."""
    decoded, gops = decompress(compressed, prior)
    shown = [slice(gop.first_frame, gop.first_frame + gop.num_frames) for gop in gops]
    return [float(lpips(frames[gop], decoded[gop]).mean()) for gop in shown]


def same_size(
    frames: Frames, steered: CompressedVideo, prior: Prior
) -> tuple[int, CompressedVideo]:
    """The stop step for all GOPs whose file is nearest in size, and that file.

    One walk is cut to tell the bytes of its steps; between two of them they grow geometrically.
    """
    finest = min(gop.stop_step for gop in steered.gops)
    whole, _ = compress(frames, prior, StopStep(finest))
    steps = sorted(
        {step.timestep for k in range(len(whole.gops)) for step in whole.packet(k).steps}
    )
    sizes = [whole.truncate(stop_step=step).num_bytes for step in steps]
    wanted = np.log(steered.num_bytes)
    step = round(float(np.interp(-wanted, -np.log(sizes), steps)))
    return step, compress(frames, prior, StopStep(step))[0]


def summarise(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The figures over all clips."""
    errors = [abs(score - row["target"]) for row in rows for score in row["scores"]]
    taught = [n for row in rows for n in row["probes_with_history"]]
    untaught = [n for row in rows for n in row["probes_without"]]
    return {
        "gops": len(errors),
        "within_tolerance": round(float(np.mean([e <= 0.005 for e in errors])), 4),
        "largest_error": round(max(errors), 5),
        "mean_probes_with_history": round(float(np.mean(taught)), 2),
        "mean_probes_without": round(float(np.mean(untaught)), 2),
        "least_std_ratio": min(row["fixed_step"]["std_ratio"] for row in rows),
    }


EXPERIMENT = Experiment(
    __doc__,
    measure,
    CLIPS,
    num_frames=104,
    settings={"metric": "lpips", "gop_length": GOP_LENGTH},
    max_size=MAX_SIZE,
    summarise=summarise,
)
