"""An experiment: what it measures, and the record that is written of it."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.codecs.freegvc_codec import loaded_prior
from benchmarks.datasets import CLIPS
from benchmarks.frames import first_frames, middle
from benchmarks.record import provenance
from freegvc._cli.model_options import height_and_width

Row = dict[str, Any]
UNFINISHED = "unfinished"  # in a record that a run goes on with


@dataclass(frozen=True)
class Measurement:
    """An experiment that needs no clips.

    Attributes:
        about: the question it answers, and how it is run.
        add_arguments: options of the command.
        records: the record after each part; the last one holds all.
    """

    about: str
    add_arguments: Callable[[argparse.ArgumentParser], None]
    records: Callable[[argparse.Namespace], Iterator[Row]]


@dataclass(frozen=True)
class Experiment:
    """An experiment on clips with one prior.

    Attributes:
        about: the question it answers, and how it is run.
        measure: rows of one clip, from its name, its frames (uint8 [T, H, W, 3]) and the prior.
        clips: names in the folder of clips, for a run that names no videos.
        num_frames: of each clip.
        settings: what holds for all rows.
        max_size: height and width to which larger frames are cut; None never cuts.
        summarise: makes the summary above the rows from all of them.
        prior: for a run that names none.
        options: name to what `add_argument` takes of options of its own, which `measure` gets as
            keywords and the record's settings hold.
    """

    about: str
    measure: Callable[..., Iterator[Row]]
    clips: tuple[str, ...]
    num_frames: int
    settings: Mapping[str, Any] = field(default_factory=dict)
    max_size: tuple[int, int] | None = None
    summarise: Callable[[list[Row]], Any] | None = None
    prior: str = "analytic"
    options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Options of the command."""
        parser.add_argument(
            "videos",
            type=Path,
            nargs="*",
            default=[CLIPS / name for name in self.clips],
            help=f"videos and folders of images (default: {', '.join(self.clips)})",
        )
        parser.add_argument(
            "--frames", type=int, default=self.num_frames, help="frames of each clip"
        )
        if self.max_size is not None:
            parser.add_argument(
                "--size",
                type=height_and_width,
                default=self.max_size,
                metavar="WxH",
                help="the middle of larger frames is taken (default: "
                f"{self.max_size[1]}x{self.max_size[0]})",
            )
        for name, option in self.options.items():
            parser.add_argument(f"--{name.replace('_', '-')}", **option)
        parser.add_argument("--prior", default=self.prior, help="(default: %(default)s)")
        parser.add_argument("--device", default="cpu", help="(default: %(default)s)")

    def records(self, options: argparse.Namespace) -> Iterator[Row]:
        """The record after each clip; the last one holds all.

        Clips that a run did not finish are measured by the next one, and no others.
        """
        prior = loaded_prior(options.prior, options.device)
        own = {name: getattr(options, name) for name in self.options}
        settings = {
            "prior": options.prior,
            "fingerprint": prior.fingerprint.hex(),
            "frames": options.frames,
            **({} if self.max_size is None else {"max_size": list(options.size)}),
            **self.settings,
            **own,
        }
        names = [video.name for video in options.videos]
        if len(set(names)) < len(names):
            sys.exit(f"{', '.join(names)}: rows are told apart by these names; rename one of them")
        kept = unfinished_rows(record_path(options), settings)
        rows = [row for row in kept if row["clip"] in names]
        done = {row["clip"] for row in rows}
        left = [video for video in options.videos if video.name not in done]

        def record(*, is_last: bool) -> Row:
            summary = {"summary": self.summarise(rows)} if self.summarise else {}
            unfinished = {} if is_last else {UNFINISHED: True}
            return {"settings": settings, **unfinished, **summary, "rows": rows}

        for video in left:
            frames = first_frames(video, options.frames)
            if self.max_size is not None:
                frames = middle(frames, options.size)
            for row in self.measure(video.name, frames, prior, **own):
                rows.append({"clip": video.name, **row})
                print(rows[-1], flush=True)
            yield record(is_last=video is left[-1])
        if not left:
            yield record(is_last=True)


def record_path(options: argparse.Namespace) -> Path:
    """The file of a command's record."""
    path: Path = options.out / f"{options.command}.json"
    return path


def unfinished_rows(path: Path, settings: Row) -> list[Row]:
    """Rows of a run that was stopped, if it had these settings, this code and this machine."""
    if not path.exists():
        return []
    record = json.loads(path.read_text(encoding="utf-8"))
    now = {**provenance(), "settings": json.loads(json.dumps(settings)), UNFINISHED: True}
    same = (UNFINISHED, "settings", "commit", "hardware", "versions")
    rows: list[Row] = record["rows"] if all(record.get(k) == now[k] for k in same) else []
    if rows:
        print(f"{path}: {len(rows)} rows of a run that did not end are kept", flush=True)
    return rows
