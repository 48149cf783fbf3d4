"""Table III: seconds per frame by stage, and bits per pixel, at the paper's stop steps.

python -m benchmarks.table3 --dataset clips --only basketballpass --out DIR

Stop steps are timesteps of the prior's own schedule, so those of two priors are not the same noise.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import freegvc
from benchmarks.arguments import clips_of, frames_of, max_size_of, parser_of
from benchmarks.codecs.base import Frames
from benchmarks.record import provenance
from freegvc.channel.coders import make_coder
from freegvc.codec import CompressedVideo
from freegvc.metrics import METRICS as KNOWN_METRICS
from freegvc.priors import Prior, load_prior

STOP_STEPS = (50, 100, 200, 300, 400, 500)  # of the paper's Table III
STAGES = ("VAE encode", "encode diffusion", "channel encode")
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
    name: str, device: str, frames: Frames, stop_step: int, metrics: list[str]
) -> dict[str, Any]:
    """One row: compress to a stop step and decompress, every stage timed."""
    watch, prior = Stopwatch(), load_prior(name, device=device)
    coder = make_coder("trellis", prior.device)
    watch.watch(prior, "encode_frames", "VAE encode")
    watch.watch(prior, "predict_x0", "encode diffusion")
    watch.watch(coder, "encode", "channel encode")
    began = time.perf_counter()
    compressed = freegvc.compress(frames, stop_step=stop_step, prior=prior, coder=coder)
    encode_seconds = time.perf_counter() - began
    decoded, decode_seconds, stages = timed_decode(compressed, load_prior(name, device=device))
    per_frame = {stage: watch.seconds(stage) / len(frames) for stage in STAGES}
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
            metric: round(float(KNOWN_METRICS[metric](frames, decoded).mean()), 5)
            for metric in metrics
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


def main() -> int:
    """Run from the command line."""
    parser = parser_of(__doc__ or "")
    parser.add_argument("--stop-steps", nargs="+", type=int, default=list(STOP_STEPS))
    arguments = parser.parse_args()
    stops = arguments.stop_steps[::2] if arguments.quick else arguments.stop_steps
    for clip in clips_of(arguments):
        frames, _ = clip.load(frames_of(arguments), max_size=max_size_of(arguments))
        for name in arguments.prior:
            path: Path = arguments.out / "table3" / clip.name / f"{name.replace('/', '.')}.json"
            if path.exists():
                continue  # finished by an earlier run
            measure(name, arguments.device, frames[:8], max(stops), [])  # warm up
            rows = [
                measure(name, arguments.device, frames, stop, arguments.metrics) for stop in stops
            ]
            size = f"{frames.shape[2]}x{frames.shape[1]}"
            record = {**provenance(), "prior": name, "clip": clip.name, "size": size, "rows": rows}
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary = path.with_suffix(".new")
            temporary.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
            temporary.replace(path)
            print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
