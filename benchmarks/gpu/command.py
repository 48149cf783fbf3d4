"""Speed and memory on a GPU: CogVideoX-2B and Wan 2.1 1.3B at full size, and freegvc-small.

python -m benchmarks gpu --device cuda

The models have random weights, which the command writes to a temporary folder: 8 GB of disk and
10 GB of RAM. It needs torch, diffusers and transformers beside freegvc, no PyAV and no network.
--tiny takes tiny models and frames instead, to try the command on a CPU.
"""

from __future__ import annotations

import argparse
import gc
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from benchmarks.experiments.base import Measurement
from benchmarks.gpu.channel import channel_rows
from benchmarks.gpu.measure import stages, whole_run
from benchmarks.gpu.random_models import FULL, TINY, write_model
from freegvc.errors import OutOfMemoryError
from freegvc.priors import load_prior

Row = dict[str, Any]
BITS = (40_000, 160_000)  # of a GOP: 0.0025 and 0.01 bits per pixel at 480p
OPTIONS: tuple[dict[str, str], ...] = (
    {},
    {"vae_tiles": "on"},
    {"offload": "model", "vae_tiles": "off"},
    {"offload": "model", "vae_tiles": "on"},
    {"offload": "group", "vae_tiles": "on"},
    {"dtype": "fp8", "vae_tiles": "on"},
)
SIZES = {"cogvideox-2b": (48, 480, 720), "wan2.1-t2v-1.3b": (49, 480, 832)}
SPEED_SIZES = ((48, 240, 416), (48, 480, 848), (24, 1080, 1920))
SPEED_BPP = 0.02
TINY_SIZES = {"cogvideox-2b": (8, 32, 48), "wan2.1-t2v-1.3b": (9, 32, 48)}
TINY_DIMS = 100_000
TINY_SPEED_SIZES = ((4, 32, 48),)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument("--device", default="cuda", help="(default: %(default)s)")
    parser.add_argument(
        "--bits", nargs="+", type=int, default=list(BITS), help="of a GOP (default: %(default)s)"
    )
    parser.add_argument("--tiny", action="store_true", help="tiny models and frames")


def records(options: argparse.Namespace) -> Iterator[Row]:
    """The record after each model; the last one holds all."""
    device = torch.device(options.device)
    record: Row = {
        "settings": {"weights": "random", "tiny": options.tiny, "device": device_name(device)},
        "channel": channel_rows(device, *([TINY_DIMS] if options.tiny else [])),
        "memory": [],
        "runs": [],
        "speed": [],
    }
    sizes = TINY_SIZES if options.tiny else SIZES
    for name, size in sizes.items():
        with tempfile.TemporaryDirectory() as folder:
            model = write_model(Path(folder), name, TINY if options.tiny else FULL)
            for chosen in OPTIONS:
                record["memory"].append(_memory(name, model, device, size, chosen))
            record["runs"] += _runs(name, model, device, size, options.bits)
        yield record
    prior = load_prior("freegvc-small", device=device)
    for size in TINY_SPEED_SIZES if options.tiny else SPEED_SIZES:
        frames, height, width = size
        bits = max(round(SPEED_BPP * frames * height * width), 2_000)
        record["speed"].append({"prior": prior.name, **whole_run(prior, *size, bits)})
    yield record


def device_name(device: torch.device) -> str:
    """The card's name, or "cpu"."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type


def _memory(
    name: str, model: Path, device: torch.device, size: tuple[int, int, int], chosen: dict[str, str]
) -> Row:
    """Stages of a model that is loaded with some options; the message if memory runs out."""
    row: Row = {"model": name, "options": chosen, "size": list(size)}
    options = dict(chosen)
    if options.get("dtype") == "fp8":
        half = "float16" if name.startswith("cogvideox") else "bfloat16"
        options["dtype"] = f"{half}-fp8"
    try:
        prior = load_prior(model, device=device, **options)  # type: ignore[arg-type]
        row |= {"numerics": prior.numerics, "stages": stages(prior, *size)}
        del prior  # before the memory is given back
    except OutOfMemoryError as error:
        row["out_of_memory"] = str(error)
    _release(device)
    print(row, flush=True)
    return row


def _runs(
    name: str, model: Path, device: torch.device, size: tuple[int, int, int], bits: list[int]
) -> list[Row]:
    prior = load_prior(model, device=device)
    rows = [
        {"model": name, "numerics": prior.numerics, **whole_run(prior, *size, each)}
        for each in bits
    ]
    del prior
    _release(device)
    return rows


def _release(device: torch.device) -> None:
    """Give back what the last model held."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()


EXPERIMENT = Measurement(__doc__, add_arguments, records)
