"""One folder that trains freegvc-small 2 on a machine with torch, NumPy and OpenCV alone."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from training.perceptual import read_weights

MAX_BYTES = 55_000_000
BACKBONES = ("alexnet_features", "squeezenet1_1_features", "lpips_lin_alex", "lpips_lin_squeeze")
FRAMES, HEIGHT, WIDTH = 48, 240, 416  # of the validation clips
VALIDATION = (
    "basketballpass",
    "bikes.mp4",
    "car_detection.mp4",
    "carphone_qcif.mp4",
    "davis_blackswan",
    "davis_car-roundabout",
    "dolphins.mp4",
    "flower_cc0.mp4",
    "foreman_cif_intra.264",
    "pancake.mkv",
    "solidWhiteRight.mp4",
    "vid4_walk",
)
CRF = "12"  # of the validation clips

# the folders of a pack
CODE, TRAIN, CLIPS, WEIGHTS, CHECKPOINT = "training", "train", "validation", "weights", "checkpoint"


def pack(out: Path, data: Path, checkpoint: Path | None) -> int:
    """Write a pack.

    Args:
        out: folder to make.
        data: with train/, clips/ and weights/.
        checkpoint: folder of weights from which training continues.

    Returns:
        Its size in bytes.

    Raises:
        FileExistsError: `out` exists.
        ValueError: the pack is larger than MAX_BYTES with a single segment of each video.
    """
    out.mkdir(parents=True)
    source = Path(__file__).parent
    shutil.copytree(source, out / CODE, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
    for folder in (TRAIN, CLIPS, WEIGHTS, CHECKPOINT):
        (out / folder).mkdir()
    for name in BACKBONES:
        state = {key: value.half() for key, value in read_weights(data / "weights" / name).items()}
        torch.save(state, out / WEIGHTS / f"{name}.pt")
    for name, video in validation_clips(data / "clips"):
        write_clip(out / CLIPS / f"{Path(name).stem}.mp4", video)
    for path in checkpoint.glob("*.pt") if checkpoint else ():
        shutil.copyfile(path, out / CHECKPOINT / path.name)
    size = sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
    for path in segments(data / "train", MAX_BYTES - size):
        shutil.copyfile(path, out / TRAIN / path.name)
        size += path.stat().st_size
    return size


def segments(folder: Path, room: int) -> list[Path]:
    """The training segments of MANIFEST.tsv, as many of each video as have room.

    Some videos have ten segments, of a camera that sees little happen: those go first.

    Args:
        folder: where they are.
        room: bytes.

    Raises:
        ValueError: not even one segment of each has room.
    """
    turns: dict[int, list[Path]] = {}
    seen: Counter[tuple[str, str]] = Counter()
    lines = (folder / "MANIFEST.tsv").read_text(encoding="utf-8").splitlines()
    for line in lines[1:]:
        file, repo, path = line.split("\t")[:3]
        turns.setdefault(seen[repo, path], []).append(folder / Path(file).name)
        seen[repo, path] += 1
    taken: list[Path] = []
    for turn in sorted(turns):
        room -= sum(path.stat().st_size for path in turns[turn])
        if room < 0:
            break
        taken += turns[turn]
    if not taken:
        raise ValueError(f"no room for one segment of each video in {folder}: {-room:,} bytes over")
    return taken


def validation_clips(folder: Path, frames: int = FRAMES) -> Iterator[tuple[str, Tensor]]:
    """Name and uint8 [T, 3, H, W] of each validation clip, at most so many frames."""
    from training.validate import read_clip

    for name in VALIDATION:
        yield name, read_clip(folder / name, frames, HEIGHT, WIDTH)


def write_clip(path: Path, video: Tensor) -> None:
    """H.264 that OpenCV reads, from uint8 [T, 3, H, W]."""
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", 25, {"crf": CRF, "preset": "medium"})
        stream.height, stream.width = video.shape[2:]
        stream.pix_fmt = "yuv420p"
        for frame in video.permute(0, 2, 3, 1).numpy():
            picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), "rgb24")
            container.mux(stream.encode(picture))
        container.mux(stream.encode())
