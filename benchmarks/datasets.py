"""The test sequences: what they are, where they lie below a folder, whether they are whole.

`datasets.json` holds names, sizes, rates and frame counts of HEVC classes B to E, UVG and MCL-JCV.
Any folder of clips is a dataset too ("folder"), and "clips" is the one beside this repository.
"""

from __future__ import annotations

import itertools
import json
import os
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.frames import Frames, open_clip, shrunk
from benchmarks.raw_files import DatasetError, check_raw_file
from freegvc.errors import VideoError

MANIFEST = Path(__file__).with_suffix(".json")
CLIPS = Path(__file__).parents[2] / "shared" / "data" / "clips"
NUM_FRAMES = 96  # of each sequence, as in the paper
_RAW = (".yuv", ".y4m")
_VIDEOS = (
    *(*_RAW, ".mp4", ".mkv", ".mov", ".webm", ".avi", ".ivf", ".obu"),
    *(".264", ".h264", ".avc", ".265", ".h265", ".hevc"),
)
_PICTURES = (".png", ".jpg", ".jpeg")
_CHROMA = {"420", "422", "444"}  # as in "yuv420p", which is not a number of lines


@dataclass(frozen=True)
class Sequence:
    """One test sequence, found or not.

    Attributes:
        dataset, name: such as "hevc-b" and "BQTerrace"; names are unique over all datasets.
        paths: the files with its name; exactly one, if all is well.
        width, height, num_frames: of the whole file; 0 if only the file states them.
        fps: frames per second; None if only the file states it.
        pix_fmt: of a headerless file; None for others.
        hint: what to look for if nothing was found.
        also: other names that it goes by.
    """

    dataset: str
    name: str
    paths: tuple[Path, ...]
    width: int = 0
    height: int = 0
    num_frames: int = 0
    fps: Fraction | None = None
    pix_fmt: str | None = None
    hint: str = ""
    also: tuple[str, ...] = ()

    @property
    def path(self) -> Path:
        """The file.

        Raises:
            DatasetError: there is none, or more than one.
        """
        if len(self.paths) == 1:
            return self.paths[0]
        if not self.paths:
            raise DatasetError(f"{self.name} of {self.dataset} is missing: {self.hint}")
        raise DatasetError(
            f"{self.name} of {self.dataset} is there {len(self.paths)} times: "
            f"{', '.join(map(str, self.paths))}; leave one of them in the folder"
        )

    @property
    def source(self) -> str | None:
        """Name and bytes, which tell one file from another; None if there is no single file."""
        if len(self.paths) != 1:
            return None
        path = self.paths[0]
        files = path.iterdir() if path.is_dir() else [path]
        return f"{path.name}, {sum(file.stat().st_size for file in files)} bytes"

    def goes_by(self, stem: str) -> bool:
        """Whether the name of a file, without its suffix, is one of this sequence."""
        return _is_called(stem, (self.name, *self.also), self.width, self.height)

    def check(self) -> None:
        """Make sure that the file is whole, without decoding it.

        Raises:
            DatasetError: it is missing, of a wrong size, or cannot be opened.
        """
        path = self.path
        if self.num_frames:
            check_raw_file(path, self.width, self.height, self.num_frames)
            return
        try:
            with open_clip(path, **self._options()):
                pass
        except VideoError as error:
            raise DatasetError(str(error)) from error

    def load(
        self, num_frames: int = NUM_FRAMES, *, max_size: tuple[int, int] | None = None
    ) -> tuple[Frames, Fraction]:
        """The first frames, uint8 [T, H, W, 3], RGB through BT.709, and their rate.

        Args:
            num_frames: at most this many; a clip may have fewer.
            max_size: height and width, to which larger frames are scaled down and cut; even sides.

        Raises:
            DatasetError: the file is missing.
            VideoError: it cannot be read.
        """
        with open_clip(self.path, **self._options()) as source:
            frames = [
                frame if max_size is None else shrunk(frame, max_size)
                for frame in itertools.islice(source, num_frames)
            ]
            return np.stack(frames), self.fps or source.frame_rate

    def _options(self) -> dict[str, Any]:
        """Arguments of `open_video` for files without a header and for folders."""
        options: dict[str, Any] = {}
        if self.path.suffix.lower() == ".yuv" and self.width:
            options |= {"size": (self.width, self.height), "pix_fmt": self.pix_fmt}
        if self.path.suffix.lower() == ".yuv" or self.path.is_dir():
            options["fps"] = self.fps
        return options


def dataset_names() -> tuple[str, ...]:
    """All names that `dataset_sequences` takes."""
    return (*_manifest()["datasets"], "clips", "folder")


def num_sequences(dataset: str) -> int:
    """How many sequences a dataset of the manifest has."""
    return len(_manifest()["datasets"][dataset]["sequences"])


def dataset_sequences(dataset: str, root: Path | None = None) -> list[Sequence]:
    """The sequences of a dataset, whether they are there or not.

    Args:
        dataset: of `dataset_names()`.
        root: where to look, at any depth; only "clips" does not need it. "folder" takes all videos
            and folders of images that lie directly in it.

    Raises:
        DatasetError: the name is unknown, or the root does not exist.
    """
    if dataset not in dataset_names():
        raise DatasetError(f"dataset {dataset!r}: the names are {', '.join(dataset_names())}")
    if root is None and dataset == "clips":
        root = CLIPS
    if root is None:
        raise DatasetError(f"dataset {dataset} needs the folder that it lies in: give it as root")
    if not root.is_dir():
        raise DatasetError(f"{root}, the root of dataset {dataset}, is not a folder")
    if dataset in ("clips", "folder"):
        return _folder_sequences(dataset, root)
    entry = _manifest()["datasets"][dataset]
    files = sorted(
        Path(folder) / file
        for folder, _, names in os.walk(root, followlinks=True)
        for file in names
        if file.lower().endswith(_RAW) and not file.startswith(".")
    )
    return [_manifest_sequence(dataset, entry, item, root, files) for item in entry["sequences"]]


def _manifest() -> Any:
    return json.loads(MANIFEST.read_text(encoding="utf-8"))


def _manifest_sequence(
    dataset: str, entry: Mapping[str, Any], item: Mapping[str, Any], root: Path, files: list[Path]
) -> Sequence:
    width, height = entry["size"]
    names = (item["name"], *item.get("also", ()))
    usual = entry["file"].format(width=width, height=height, **item)
    return Sequence(
        dataset,
        item["name"],
        tuple(file for file in files if _is_called(file.stem, names, width, height)),
        width,
        height,
        item["num_frames"],
        Fraction(item["fps"]),
        entry["pix_fmt"],
        f"no .yuv or .y4m file below {root} is called {' or '.join(names)}; {usual} is usual",
        names[1:],
    )


def _is_called(stem: str, names: tuple[str, ...], width: int, height: int) -> bool:
    """Whether a file's name contains one of the names, and no size other than this one."""
    stem = stem.lower()
    sizes = set(re.findall(r"(\d{3,4})x(\d{3,4})", stem))
    lines = set(re.findall(r"(?<![0-9a-z])(\d{3,4})p", stem)) - _CHROMA
    words = "|".join(re.escape(name.lower()) for name in names)
    is_named = re.search(rf"(?<![0-9a-z])({words})(?![0-9a-z])", stem) is not None
    return is_named and sizes <= {(str(width), str(height))} and lines <= {str(height)}


def _folder_sequences(dataset: str, root: Path) -> list[Sequence]:
    entries = [entry for entry in sorted(root.iterdir()) if _is_clip(entry)]
    if not entries:
        raise DatasetError(f"{root} holds no videos and no folders of images")
    counts, rates = Counter(entry.stem for entry in entries), _manifest()["folder_rates"]
    found = []
    for entry in entries:
        name = entry.stem if counts[entry.stem] == 1 else entry.name
        rate, size = rates.get(entry.name), (0, 0)
        # size and rate of a headerless file are in a name such as Cactus_1920x1080_50.yuv
        stated = re.search(r"(\d+)x(\d+)(?:_(\d+))?", entry.stem)
        if entry.suffix.lower() == ".yuv" and stated:
            size, rate = (int(stated[1]), int(stated[2])), stated[3] or rate
        fps = Fraction(rate) if rate else None
        found.append(Sequence(dataset, name, (entry,), *size, fps=fps))
    return found


def _is_clip(entry: Path) -> bool:
    if entry.is_dir():
        return any(file.suffix.lower() in _PICTURES for file in entry.iterdir())
    return entry.suffix.lower() in _VIDEOS and not entry.name.startswith(".")
