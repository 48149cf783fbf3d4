"""What GOPs on workers gain and cost: speed-up, overhead, memory of the driver, and its limits."""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import torch

from benchmarks.experiments.base import Measurement
from benchmarks.experiments.cluster_scale import Costs, busy_share
from benchmarks.record import RESULTS
from freegvc import Event, GopDone, Settings, Video, cluster, compress
from freegvc._codec.input_digest import InputDigest
from freegvc._codec.journal import Journal
from freegvc._control.finished_gop import FinishedGop
from freegvc._video import cut_gops, open_video
from freegvc.cluster.workers import Workers

ABOUT = """What GOPs on workers gain and cost: speed-up, overhead, memory of the driver, its limits.

python -m benchmarks cluster

Run it with OMP_NUM_THREADS=1 on a machine with two free cores. Where others use them too, look at
the speed-up of the CPU seconds: those of one worker over those of the busier one of two.
"""
PRIOR = "analytic"  # of the memory's runs
NUM_GOPS = {PRIOR: 20, "freegvc-small": 6}  # of the speed-up, by prior
GOP_LENGTH, OVERLAP = 24, 4
STOP_STEP = 800
SIZE = (240, 416)
MEMORY_GOPS = (10, 200, 1000)
SMALL = (48, 80)  # of frames of the memory's runs
SMALL_LENGTH = 8
READ_SIZE = (480, 720)  # of the GOPs whose reading is timed
GPU_COUNTS = (8, 32, 64, 128, 256, 1000)
Row = dict[str, Any]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument(
        "--gops", type=int, help=f"of the speed-up, with each prior (default: {NUM_GOPS})"
    )
    parser.add_argument(
        "--memory-gops",
        type=int,
        nargs="+",
        default=list(MEMORY_GOPS),
        help="(default: %(default)s)",
    )


def records(options: argparse.Namespace) -> Iterator[Row]:
    """The record after each part; the last one holds all."""
    torch.set_num_threads(1)
    record: Row = {
        "settings": {
            "prior": PRIOR,
            "gop": [GOP_LENGTH, *SIZE],
            "stop_step": STOP_STEP,
            "small_gop": [SMALL_LENGTH, *SMALL],
        },
        "speed": [],
        "memory": [],
    }
    with tempfile.TemporaryDirectory() as scratch:
        for prior, usual in NUM_GOPS.items():
            num_gops = options.gops or usual
            first, clip = (_speed_clip(Path(scratch), count) for count in (2, num_gops))
            for num_workers in (0, 1, 2):
                record["speed"].append(_speed(prior, first, clip, num_workers, num_gops))
                print(record["speed"][-1], flush=True)
        yield record
        for num_gops in options.memory_gops:
            small = _clip(Path(scratch) / "small.y4m", num_gops * (SMALL_LENGTH - 1) + 1, SMALL)
            record["memory"].append(_memory(small, num_gops))
            print(record["memory"][-1], flush=True)
            yield record
        record["driver"] = _driver_seconds(Path(scratch))
    record["scale"] = _scale(sum(record["driver"].values()))
    yield record


def _scale(driver_seconds: float) -> list[Row]:
    """How busy GPUs would be with the GOPs of CogVideoX-2B that gpu.json has the times of."""
    runs = json.loads((RESULTS / "gpu.json").read_text(encoding="utf-8"))["runs"]
    return [
        {"num_workers": n, **asdict(costs), "busy": busy_share(costs, n)}
        for run in runs
        if run["model"] == "cogvideox-2b"
        for costs in [Costs(run["encode_seconds"], driver_seconds)]
        for n in GPU_COUNTS
    ]


def _clip(path: Path, num_frames: int, size: tuple[int, int]) -> Path:
    """A moving picture in a file, so that it is read piece by piece."""
    y, x = np.mgrid[0 : size[0], 0 : size[1]]
    waves = [np.sin((x * (c + 1) + 2 * y) / 23 + c) for c in range(3)]
    picture = (128 + 90 * np.stack(waves, -1)).round().astype(np.uint8)
    frames = np.lib.stride_tricks.as_strided(
        np.concatenate([picture, picture], 1),
        (num_frames, *picture.shape),
        (0, 2 * picture.strides[0], *picture.strides[1:]),
    )
    moved = np.stack([np.roll(frame, 2 * t, 1) for t, frame in enumerate(frames[:, :, : size[1]])])
    Video.from_array(moved, 25).save(path, overwrite=True)
    return path


def _speed_clip(scratch: Path, num_gops: int) -> Path:
    num_frames = num_gops * (GOP_LENGTH - OVERLAP) + OVERLAP
    return _clip(scratch / f"{num_gops}.y4m", num_frames, SIZE)


def _speed(prior: str, first: Path, clip: Path, num_workers: int, num_gops: int) -> Row:
    """Coding a clip on so many workers after a short first one; 0: in this process."""
    settings = Settings(gop_length=GOP_LENGTH, overlap=OVERLAP)
    kind: dict[str, Any] = {"prior": prior, "settings": settings, "stop_step": STOP_STEP}
    if num_workers == 0:
        compress(first, **kind)  # what is compiled at first use is compiled
        began, cpu = time.perf_counter(), time.process_time()
        made = compress(clip, **kind)
        times = [time.process_time() - cpu]
        row = {"seconds": time.perf_counter() - began, "driver_cpu_seconds": times[0]}
    else:
        with Workers(num_workers=num_workers) as workers:
            cluster.compress(first, workers=workers, **kind)
            processes = [psutil.Process(pid) for pid in workers.pids()]
            before = [sum(process.cpu_times()[:2]) for process in processes]
            began, cpu = time.perf_counter(), time.process_time()
            made = cluster.compress(clip, workers=workers, **kind)
            row = {
                "seconds": time.perf_counter() - began,
                "driver_cpu_seconds": time.process_time() - cpu,
            }
            after = [sum(process.cpu_times()[:2]) for process in processes]
            times = [b - a for a, b in zip(before, after, strict=True)]
    assert made.header.num_gops == num_gops, made.header.num_gops
    return {
        "prior": prior,
        "num_workers": num_workers,
        "num_gops": num_gops,
        **row,
        "worker_cpu_seconds": times,
        "num_bytes": made.num_bytes,
    }


def _memory(clip: Path, num_gops: int) -> Row:
    """The driver's own memory while it has many GOPs coded: what it shares with Ray is left out."""
    held: list[int] = []

    def listen(event: Event) -> None:
        if isinstance(event, GopDone):
            held.append(_own_kib())

    settings = Settings(gop_length=SMALL_LENGTH, overlap=1, coder="pfr", effort="fast")
    with Workers(num_workers=2) as workers:
        began = time.perf_counter()
        made = cluster.compress(
            clip,
            workers=workers,
            prior=PRIOR,
            settings=settings,
            stop_step=950,
            on_event=listen,
        )
        seconds = time.perf_counter() - began
    assert made.header.num_gops == num_gops, made.header.num_gops
    return {
        "num_gops": num_gops,
        "peak_mib": max(held) / 1024,
        "median_mib": statistics.median(held) / 1024,
        "seconds": seconds,
    }


def _own_kib() -> int:
    """Memory of this process that no other shares; Linux only."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("RssAnon"):
            return int(line.split()[1])
    raise RuntimeError("/proc/self/status has no RssAnon")


def _driver_seconds(scratch: Path, num_gops: int = 4) -> dict[str, float]:
    """CPU seconds that the driver spends on a GOP of 480 lines, by what it does."""
    clip = _clip(scratch / "read.y4m", 44 * num_gops + 4, READ_SIZE)
    packed = scratch / "read.mp4"
    with open_video(clip) as source:
        Video.from_array(np.stack(list(source)), 25).save(packed)
    with Workers(num_workers=1) as workers:
        began = time.process_time()
        with open_video(packed) as source:
            gops = list(cut_gops(source, 48, 4))
        read = (time.process_time() - began) / len(gops)
        began = time.process_time()
        inputs = InputDigest()
        digests = [inputs.add(gop) for gop in gops]
        digest = (time.process_time() - began) / len(gops)
        workers.put(gops[0])
        began = time.process_time()
        for gop in gops:
            workers.put(gop)
        put = (time.process_time() - began) / len(gops)
        began = time.process_time()
        for _ in range(100):
            workers.call("nothing", "ready")
        call = (time.process_time() - began) / 100
    done = GopDone(0, 500, 5, 20_000, None)
    began = time.perf_counter()  # a wait for the disk is the driver's too
    with Journal.open(scratch / "journal", {}, resume=False) as journal:
        journal.add(FinishedGop(packet=bytes(20_000), done=done), digests[0])
        keep = time.perf_counter() - began
    return {"read": read, "digest": digest, "put": put, "call": call, "journal": keep}


EXPERIMENT = Measurement(ABOUT, add_arguments, records)
