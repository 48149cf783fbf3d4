"""Seconds and peaks of memory: of each stage alone, and of whole runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch

from benchmarks.clock import now
from benchmarks.codecs.stages import Stopwatch
from benchmarks.frames import Frames
from benchmarks.peak_memory import peak_mib, restart_peak
from freegvc import CompressedVideo, Rate, Settings, compress, decompress
from freegvc._codec.model import prior_to_encode
from freegvc.priors import Prior

Row = dict[str, Any]
_MODEL = {"predict_x0": "model", "predict_tiles": "model"}
_REPEATS = 3


def moving_frames(num_frames: int, height: int, width: int) -> Frames:
    """A pattern that moves over the picture, with some detail: uint8 [T, H, W, 3]."""
    rng = np.random.default_rng(0)
    size = ((height + num_frames) // 16 + 1, (width + 2 * num_frames) // 16 + 1, 3)
    coarse = rng.integers(40, 216, size, np.uint8)
    still = coarse.repeat(16, 0).repeat(16, 1)
    return np.stack([still[t : t + height, 2 * t : 2 * t + width] for t in range(num_frames)])


def stages(prior: Prior, num_frames: int, height: int, width: int) -> Row:
    """Encoder, one prediction and decoder of a GOP, each alone.

    Args:
        prior: not tiled; it runs as its options say.
        num_frames, height, width: of the GOP.

    Returns:
        For each stage `seconds`, the median of three calls after a first one, and `peak_mib`.
    """
    model = prior_to_encode(prior, None, height=height, width=width, gop_length=num_frames)
    frames = moving_frames(num_frames, height, width)
    latent = model.encode_frames(frames)
    timestep = prior.schedule.start // 2
    calls: dict[str, Callable[[], Any]] = {
        "encode": lambda: model.encode_frames(frames),
        "forward": lambda: model.predict_x0(latent, timestep, ()),
        "decode": lambda: model.decode_latent(latent, height, width),
    }
    return {name: _timed(call, prior.device) for name, call in calls.items()}


def whole_run(prior: Prior, num_frames: int, height: int, width: int, bits: int) -> Row:
    """A GOP at a number of bits through the whole codec, as in the paper's Table III.

    Args:
        prior: not tiled.
        num_frames, height, width: of the video.
        bits: of its file, at most.

    Returns:
        Seconds by stage, peaks, model calls, and frames per second of both directions, of a second
        run; `first_encode_seconds` and `first_decode_seconds` of the first.
    """
    frames = moving_frames(num_frames, height, width)
    target = Rate(bpp=bits / frames[..., 0].size)
    device = prior.device
    first, _ = _encode_and_decode(frames, prior, target, Stopwatch(device), Stopwatch(device))
    encoding, decoding = Stopwatch(device), Stopwatch(device)
    row, stream = _encode_and_decode(frames, prior, target, encoding, decoding)
    encode = {stage: encoding.seconds(stage) for stage in ("VAE encode", "model", "coder")}
    decode = {stage: decoding.seconds(stage) for stage in ("model", "VAE decode")}
    return {
        "size": [num_frames, height, width],
        "bits": 8 * stream.num_bytes,
        "steps": [gop.num_steps for gop in stream.gops],
        "encode_stages": {name: round(value, 4) for name, value in encode.items()},
        "decode_stages": {name: round(value, 4) for name, value in decode.items()},
        "encode_calls": _num_calls(encoding),
        "decode_calls": _num_calls(decoding),
        **{f"first_{name}": first[name] for name in ("encode_seconds", "decode_seconds")},
        **row,
    }


def _encode_and_decode(
    frames: Frames, prior: Prior, target: Rate, encoding: Stopwatch, decoding: Stopwatch
) -> tuple[Row, CompressedVideo]:
    device, coder = prior.device, Settings().channel_coder(prior.device)
    row: Row = {}
    with (
        encoding.watching(prior, {**_MODEL, "encode_frames": "VAE encode"}),
        encoding.watching(coder, {"encode": "coder"}),
        _counted(row, "encode", device),
    ):
        stream = compress(frames, target, prior=prior, settings=Settings(coder=coder))
    with (
        decoding.watching(prior, {**_MODEL, "decode_latent": "VAE decode"}),
        _counted(row, "decode", device),
    ):
        decoded = decompress(stream, prior=prior)
    if decoded.frames.shape != frames.shape:
        raise RuntimeError(f"{frames.shape} came back as {decoded.frames.shape}")
    for way in ("encode", "decode"):
        row[f"{way}_fps"] = round(len(frames) / row[f"{way}_seconds"], 2)
    return row, stream


def _counted(row: Row, way: str, device: torch.device) -> Any:
    """Context that adds seconds and peak of its block to a row."""
    from contextlib import contextmanager

    @contextmanager
    def block() -> Iterator[None]:
        restart_peak(device)
        began = now(device)
        yield
        row[f"{way}_seconds"] = round(now(device) - began, 4)
        row[f"{way}_peak_mib"] = peak_mib(device)

    return block()


def _timed(call: Callable[[], Any], device: torch.device) -> Row:
    call()
    restart_peak(device)
    seconds = []
    for _ in range(_REPEATS):
        began = now(device)
        call()
        seconds.append(now(device) - began)
    return {"seconds": round(sorted(seconds)[_REPEATS // 2], 5), "peak_mib": peak_mib(device)}


def _num_calls(watch: Stopwatch) -> int:
    return sum(call.stage == "model" for call in watch.calls)
