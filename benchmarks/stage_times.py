"""Seconds of each stage of one compress and one decompress, as in the paper's Table III."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch

import freegvc
from benchmarks.codecs.base import Frames
from benchmarks.peak_memory import peak_mib, restart_peak
from freegvc.channel.coders import make_coder
from freegvc.metrics.scoring import score_frames
from freegvc.priors import Prior

ENCODE_STAGES = ("VAE encode", "encode diffusion", "channel encode")
DECODE_STAGES = ("decode diffusion", "channel decode", "silent part", "VAE decode")
# frames above the model's size come in tiles, each a call of `predict_tiles`
_MODEL = {"predict_x0": "model", "predict_tiles": "model"}


@dataclass
class Stopwatch:
    """Seconds spent inside chosen methods of an object; of calls in calls only the outer.

    Attributes:
        device: whose work a call waits for.
        calls: stage, arguments and seconds of each call.
    """

    device: torch.device
    calls: list[tuple[str, tuple[Any, ...], float]] = field(default_factory=list)
    _is_running: bool = False

    @contextmanager
    def watching(self, owner: object, stages: Mapping[str, str]) -> Iterator[None]:
        """Time every call of methods of one object, named with their stages."""
        for method, stage in stages.items():
            setattr(owner, method, self._timed(getattr(owner, method), stage))
        try:
            yield
        finally:
            for method in stages:
                delattr(owner, method)

    def seconds(self, stage: str) -> float:
        """Of all calls of a stage."""
        return sum(seconds for name, _, seconds in self.calls if name == stage)

    def _timed(self, original: Callable[..., Any], stage: str) -> Callable[..., Any]:
        def timed(*args: Any, **kwargs: Any) -> Any:
            if self._is_running:
                return original(*args, **kwargs)
            self._is_running = True
            try:
                began = self._now()
                result = original(*args, **kwargs)
                self.calls.append((stage, args, self._now() - began))
            finally:
                self._is_running = False
            return result

        return timed

    def _now(self) -> float:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        return time.perf_counter()


def measure(prior: Prior, frames: Frames, stop_step: int, metrics: Sequence[str]) -> dict[str, Any]:
    """Compress to a stop step and decompress, every stage timed.

    Args:
        prior: not tiled; larger frames are cut into tiles as `freegvc.compress` does.
        frames: uint8 [T, H, W, 3].
        stop_step: timestep of the prior's schedule.
        metrics: of which to give the mean over frames.

    Returns:
        A row: rate, steps of each GOP, seconds per frame by stage, frames per second, peak memory
        of the process or the GPU, scores, None where frames are too small for one.
    """
    watch, coder = Stopwatch(prior.device), make_coder("trellis", prior.device)
    stages = {"encode_frames": "VAE encode"} | dict.fromkeys(_MODEL, "encode diffusion")
    with watch.watching(prior, stages), watch.watching(coder, {"encode": "channel encode"}):
        restart_peak(prior.device)
        began = time.perf_counter()
        compressed = freegvc.compress(frames, stop_step=stop_step, prior=prior, coder=coder)
        encode_seconds = time.perf_counter() - began
        encode_mib = peak_mib(prior.device)
    per_stage = {stage: watch.seconds(stage) for stage in ENCODE_STAGES}

    watch = Stopwatch(prior.device)
    with watch.watching(prior, {**_MODEL, "decode_latent": "VAE decode"}):
        restart_peak(prior.device)
        began = time.perf_counter()
        decoded = freegvc.decompress(compressed, prior=prior).frames
        decode_seconds = time.perf_counter() - began
        decode_mib = peak_mib(prior.device)
    model = [(args[1], seconds) for stage, args, seconds in watch.calls if stage == "model"]
    per_stage |= {
        "decode diffusion": sum(seconds for timestep, seconds in model if timestep > stop_step),
        "silent part": sum(seconds for timestep, seconds in model if timestep <= stop_step),
        "VAE decode": watch.seconds("VAE decode"),
    }
    # what is neither model nor VAE is the channel
    known = sum(per_stage[stage] for stage in DECODE_STAGES if stage in per_stage)
    per_stage["channel decode"] = decode_seconds - known
    scores = score_frames(frames, decoded, metrics=metrics, device=str(prior.device))
    means = {metric: scores.mean(metric) for metric in metrics}
    return {
        "stop_step": stop_step,
        "bpp": round(compressed.bpp, 5),
        "bytes": compressed.num_bytes,
        "steps": [gop.num_steps for gop in compressed.gops],
        "seconds_per_frame": {
            stage: round(seconds / len(frames), 5) for stage, seconds in per_stage.items()
        },
        "encode_fps": round(len(frames) / encode_seconds, 3),
        "decode_fps": round(len(frames) / decode_seconds, 3),
        "peak_mib": {"encode": encode_mib, "decode": decode_mib},
        "scores": {name: mean if mean is None else round(mean, 5) for name, mean in means.items()},
    }
