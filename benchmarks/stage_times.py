"""Seconds of each stage of one compress and one decompress, as in the paper's Table III."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import freegvc
from benchmarks.codecs.base import Frames
from freegvc.channel.coders import make_coder
from freegvc.codec import CompressedVideo
from freegvc.metrics import METRICS
from freegvc.priors import Prior, load_prior

ENCODE_STAGES = ("VAE encode", "encode diffusion", "channel encode")
DECODE_STAGES = ("decode diffusion", "channel decode", "silent part", "VAE decode")


class Stopwatch:
    """Seconds spent inside chosen methods of a prior and a coder."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, float]] = []

    def watch(self, owner: object, method: str, stage: str) -> None:
        """Time every call of a method of one object from now on."""
        original: Callable[..., Any] = getattr(owner, method)

        def timed(*args: Any, **kwargs: Any) -> Any:
            began = time.perf_counter()
            result = original(*args, **kwargs)
            self.calls.append((stage, time.perf_counter() - began))
            return result

        setattr(owner, method, timed)

    def seconds(self, stage: str) -> float:
        """Of all calls of a stage."""
        return sum(seconds for name, seconds in self.calls if name == stage)


def measure(
    name: str, device: str, frames: Frames, stop_step: int, metrics: Sequence[str]
) -> dict[str, Any]:
    """Compress to a stop step and decompress, every stage timed.

    Args:
        name: of the prior.
        device: where it runs.
        frames: uint8 [T, H, W, 3].
        stop_step: timestep of the prior's schedule.
        metrics: of which to give the mean over frames.

    Returns:
        A row: rate, steps of each GOP, seconds per frame by stage, frames per second, scores.
    """
    watch, prior = Stopwatch(), load_prior(name, device=device)
    coder = make_coder("trellis", prior.device)
    watch.watch(prior, "encode_frames", "VAE encode")
    watch.watch(prior, "predict_x0", "encode diffusion")
    watch.watch(coder, "encode", "channel encode")
    began = time.perf_counter()
    compressed = freegvc.compress(frames, stop_step=stop_step, prior=prior, coder=coder)
    encode_seconds = time.perf_counter() - began
    decoded, decode_seconds, stages = timed_decode(compressed, load_prior(name, device=device))
    per_frame = {stage: watch.seconds(stage) / len(frames) for stage in ENCODE_STAGES}
    per_frame |= {stage: seconds / len(frames) for stage, seconds in stages.items()}
    return {
        "stop_step": stop_step,
        "bpp": round(compressed.bpp, 5),
        "bytes": compressed.num_bytes,
        "steps": [gop.num_steps for gop in compressed.gops],
        "seconds_per_frame": {stage: round(s, 5) for stage, s in per_frame.items()},
        "encode_fps": round(len(frames) / encode_seconds, 3),
        "decode_fps": round(len(frames) / decode_seconds, 3),
        "scores": {
            metric: round(float(METRICS[metric](frames, decoded).mean()), 5) for metric in metrics
        },
    }


def timed_decode(
    compressed: CompressedVideo, prior: Prior
) -> tuple[Frames, float, dict[str, float]]:
    """Frames, seconds in all, and seconds by stage of one decode.

    Of each GOP, the first calls of the model belong to its coded steps, the others to the silent
    part. What is neither model nor VAE is the channel.
    """
    watch = Stopwatch()
    watch.watch(prior, "predict_x0", "model")
    watch.watch(prior, "decode_latent", "VAE decode")
    began = time.perf_counter()
    decoded = freegvc.decompress(compressed, prior=prior).frames
    total = time.perf_counter() - began
    calls = [seconds for stage, seconds in watch.calls if stage == "model"]
    coded = silent = 0.0
    silent_calls = len(calls) - sum(gop.num_steps for gop in compressed.gops)
    per_gop = silent_calls // len(compressed.gops)
    at = 0
    for gop in compressed.gops:
        coded += sum(calls[at : at + gop.num_steps])
        silent += sum(calls[at + gop.num_steps : at + gop.num_steps + per_gop])
        at += gop.num_steps + per_gop
    frames = watch.seconds("VAE decode")
    return (
        decoded,
        total,
        {
            "decode diffusion": coded,
            "channel decode": total - coded - silent - frames,
            "silent part": silent,
            "VAE decode": frames,
        },
    )
