"""Targets on real clips: is the score met, at how many probes, and how steady is it?

LPIPS (AlexNet). For each clip: how well four laws fit the points of one walk
(R^2, as in the paper's Fig. 5); a target for all GOPs, with the history of the GOP before and, GOP
by GOP, without; one stop step for all GOPs that gives a file of the same size; a rate shared
between the GOPs. Scores are measured on the decoded file, not taken from the encoder.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import curve_fit

from benchmarks.codecs import freegvc_codec
from benchmarks.codecs.freegvc_codec import decompress
from benchmarks.experiments.base import Experiment, Row
from benchmarks.frames import MAX_SIZE, Frames
from freegvc import CompressedVideo, GopDone, Rate, Score, StopStep
from freegvc._control.targets import Target
from freegvc.errors import TargetWarning
from freegvc.metrics import lpips
from freegvc.priors import Prior

CLIPS = (
    *("carphone_qcif.mp4", "basketballpass", "foreman_cif_intra.264"),
    *("bikes.mp4", "pancake.mkv", "solidWhiteRight.mp4"),
)
GOP_LENGTH = 24
TARGET_BPP = 0.03  # where the target is taken: the score of the first GOP at this rate
FIT_BPP = (0.004, 0.3)
Array = npt.NDArray[np.float64]

# each: the law and where its search starts
LAWS: dict[str, tuple[Callable[..., Array], tuple[float, ...]]] = {
    "power": (lambda r, a, b: a * r**b, (0.5, -0.2)),
    "linear": (lambda r, a, b: a + b * r, (0.8, -0.1)),
    "logarithmic": (lambda r, a, b: a + b * np.log(r), (0.5, -0.1)),
    "exponential": (lambda r, a, b: a * np.exp(b * r), (0.8, -0.1)),
    "power and floor": (lambda r, a, b, c: c + a * r**b, (0.5, -0.3, 0.2)),
}


def measure(name: str, frames: Frames, prior: Prior) -> Iterator[Row]:
    """All figures of one clip."""
    del name
    began = time.perf_counter()
    points, target = rate_points(frames[:GOP_LENGTH], prior)
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
        "points": [[round(bpp, 5), round(score, 5)] for bpp, score in points],
        "r_squared": {name: r_squared(name, points) for name in LAWS},
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


def rate_points(frames: Frames, prior: Prior) -> tuple[list[tuple[float, float]], float]:
    """(bits per pixel, LPIPS) along the walk of one GOP, and the score at `TARGET_BPP`."""
    pixels = frames[..., 0].size
    whole, _ = compress(frames, prior, Rate(bpp=FIT_BPP[1]))
    points = []
    for bpp in np.geomspace(*FIT_BPP, 9):
        part = whole.truncate(bpp=bpp)
        score = float(lpips(frames, decompress(part, prior)[0]).mean())
        points.append((part.gops[0].bits / pixels, score))
    bpps, scores = zip(*points, strict=True)
    return points, round(float(np.interp(TARGET_BPP, bpps, scores)), 3)


def same_size(
    frames: Frames, steered: CompressedVideo, prior: Prior
) -> tuple[int, CompressedVideo]:
    """The stop step for all GOPs whose file is nearest in size; three tries."""
    steps = sorted(gop.stop_step for gop in steered.gops)
    tried: dict[int, CompressedVideo] = {}
    step = steps[len(steps) // 2]
    for _ in range(3):
        tried[step] = compress(frames, prior, StopStep(step))[0]
        # bits grow about as (1000 - step)^3.5 here
        ratio = steered.num_bytes / tried[step].num_bytes
        step = round(1000 - (1000 - step) * ratio ** (1 / 3.5))
        if step in tried:
            break
    best = min(tried, key=lambda s: abs(tried[s].num_bytes - steered.num_bytes))
    return best, tried[best]


def r_squared(name: str, points: list[tuple[float, float]]) -> float:
    """Coefficient of determination of a law's least squares fit."""
    law, start = LAWS[name]
    rate, score = np.array(points).T
    rate = rate / rate.mean()
    fitted, _ = curve_fit(law, rate, score, p0=start, maxfev=20_000)
    rest = score - law(rate, *fitted)
    return round(float(1.0 - rest @ rest / np.square(score - score.mean()).sum()), 4)


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
        "r_squared": {
            name: round(float(np.mean([row["r_squared"][name] for row in rows])), 4)
            for name in LAWS
        },
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
