"""freegvc with every stage timed, at chosen stop steps, as in the paper's Table III."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import torch

from benchmarks.clock import now
from benchmarks.codecs.base import Encoded, Frames
from benchmarks.codecs.freegvc_codec import FreeGvcCodec, compress, decompress
from benchmarks.peak_memory import peak_mib, restart_peak
from freegvc import CompressedVideo, Settings, StopStep
from freegvc._channel.coders import ChannelCoder
from freegvc.priors import Prior

ENCODE_STAGES = ("VAE encode", "encode diffusion", "channel encode")
DECODE_STAGES = ("decode diffusion", "channel decode", "silent part", "VAE decode")
# frames above the model's size come in tiles, each a call of `predict_tiles`
_MODEL = {"predict_x0": "model", "predict_tiles": "model"}
DEFAULT_CODER = "trellis"
_WARM_UP_FRAMES = 8


@dataclass(frozen=True)
class Call:
    """One call of a method that is watched.

    Attributes:
        stage: of the method.
        args: of the call.
        wall: seconds of the clock.
        cpu: seconds of this process on all cores; what other processes take does not count.
    """

    stage: str
    args: tuple[Any, ...]
    wall: float
    cpu: float


@dataclass
class Stopwatch:
    """Seconds spent in chosen methods of an object. Of nested calls, only the outer one counts.

    Attributes:
        device: the device whose work must end before the clock is read.
        calls: in order.
    """

    device: torch.device
    calls: list[Call] = field(default_factory=list)
    _is_running: bool = False

    @contextmanager
    def watching(self, owner: object, stages: Mapping[str, str]) -> Iterator[None]:
        """Time every call of these methods of an object; `stages` maps a method to its stage."""
        for method, stage in stages.items():
            setattr(owner, method, self._timed(getattr(owner, method), stage))
        try:
            yield
        finally:
            for method in stages:
                delattr(owner, method)

    def seconds(self, stage: str) -> float:
        """Seconds of all calls of a stage."""
        return sum(call.wall for call in self.calls if call.stage == stage)

    def cpu_seconds(self, stage: str) -> float:
        """The same of this process."""
        return sum(call.cpu for call in self.calls if call.stage == stage)

    def _timed(self, original: Callable[..., Any], stage: str) -> Callable[..., Any]:
        def timed(*args: Any, **kwargs: Any) -> Any:
            if self._is_running:
                return original(*args, **kwargs)
            self._is_running = True
            try:
                began, cpu = now(self.device), time.process_time()
                result = original(*args, **kwargs)
                wall = now(self.device) - began
                self.calls.append(Call(stage, args, wall, time.process_time() - cpu))
            finally:
                self._is_running = False
            return result

        return timed


class StageCodec(FreeGvcCodec):
    """`freegvc.compress` to several stop steps, one file for each.

    Args:
        prior: a name that `load_prior` takes; it must not be tiled yet: larger frames are cut into
            tiles as `freegvc.compress` does.
        stop_steps: timesteps of the prior's schedule.
        device: where the prior runs.
        coder: of the channel; one that is not the default becomes a part of the label.
        prior_options: as of `FreeGvcCodec`.
    """

    def __init__(
        self,
        prior: str,
        stop_steps: Sequence[int],
        device: str = "cpu",
        *,
        coder: str = DEFAULT_CODER,
        prior_options: Mapping[str, str] | None = None,
    ) -> None:
        name = prior.replace("/", ".")
        super().__init__(
            prior,
            (),
            label=name if coder == DEFAULT_CODER else f"{name}-{coder}",
            device=device,
            prior_options=prior_options,
            coder=coder,
        )
        self._stop_steps = stop_steps
        self.settings = {
            "prior": prior,
            "device": device,
            "stop_steps": list(stop_steps),
            **self._prior_options,
            "coder": coder,
        }

    def encode(self, frames: Frames, fps: Fraction, folder: Path) -> list[Encoded]:
        """Files with seconds by stage, of the clock and as details of the process ("cpu").

        Details are also the steps of each GOP and the peak of memory in MiB.
        """
        first = folder / "warm-up.fgvc"
        self.decode(self._encode(frames[:_WARM_UP_FRAMES], fps, first, max(self._stop_steps)))
        first.unlink()
        paths = {stop: folder / f"stop{stop}.fgvc" for stop in self._stop_steps}
        return [self._encode(frames, fps, path, stop) for stop, path in paths.items()]

    def decode(self, encoded: Encoded) -> Frames:
        """Frames; the stages of decoding join those of encoding."""
        prior, compressed = self.prior, CompressedVideo.open(encoded.path)
        stop_step = compressed.gops[0].stop_step
        watch = Stopwatch(prior.device)
        with watch.watching(prior, {**_MODEL, "decode_latent": "VAE decode"}):
            restart_peak(prior.device)
            began, cpu = time.perf_counter(), time.process_time()
            frames, _ = decompress(compressed, prior)
            wall, cpu = time.perf_counter() - began, time.process_time() - cpu
            encoded.details["peak_mib"]["decode"] = peak_mib(prior.device)
        encoded.stages.update(_decode_stages(watch, stop_step, wall, lambda call: call.wall))
        encoded.details["cpu"].update(_decode_stages(watch, stop_step, cpu, lambda call: call.cpu))
        return frames

    def _encode(self, frames: Frames, fps: Fraction, path: Path, stop_step: int) -> Encoded:
        prior = self.prior
        watch, coder = Stopwatch(prior.device), self._coder(prior)
        stages = {"encode_frames": "VAE encode"} | dict.fromkeys(_MODEL, "encode diffusion")
        with watch.watching(prior, stages), watch.watching(coder, {"encode": "channel encode"}):
            restart_peak(prior.device)
            began = time.perf_counter()
            compressed, _ = compress(frames, prior, StopStep(stop_step), {"coder": coder}, fps)
            seconds = time.perf_counter() - began
            mib = peak_mib(prior.device)
        compressed.save(path, overwrite=True)
        return Encoded(
            f"stop step {stop_step}",
            path,
            seconds,
            {stage: watch.seconds(stage) for stage in ENCODE_STAGES},
            {
                "steps": [gop.num_steps for gop in compressed.gops],
                "peak_mib": {"encode": mib},
                "cpu": {stage: watch.cpu_seconds(stage) for stage in ENCODE_STAGES},
            },
        )

    def _coder(self, prior: Prior) -> ChannelCoder:
        return Settings(**self._options).channel_coder(prior.device)


def _decode_stages(
    watch: Stopwatch, stop_step: int, total: float, seconds: Callable[[Call], float]
) -> dict[str, float]:
    """Seconds of each stage of decoding; what is neither model nor VAE is the channel."""
    model = [call for call in watch.calls if call.stage == "model"]
    stages = {
        "decode diffusion": sum(seconds(call) for call in model if call.args[1] > stop_step),
        "silent part": sum(seconds(call) for call in model if call.args[1] <= stop_step),
        "VAE decode": sum(seconds(call) for call in watch.calls if call.stage == "VAE decode"),
    }
    return stages | {"channel decode": total - sum(stages.values())}
