"""An experiment: what it measures, and the record that is written of it."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.codecs.freegvc_codec import loaded_prior
from benchmarks.datasets import CLIPS
from benchmarks.frames import Frames, first_frames, middle
from freegvc.priors import Prior

Row = dict[str, Any]


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
    """

    about: str
    measure: Callable[[str, Frames, Prior], Iterator[Row]]
    clips: tuple[str, ...]
    num_frames: int
    settings: Mapping[str, Any] = field(default_factory=dict)
    max_size: tuple[int, int] | None = None
    summarise: Callable[[list[Row]], Any] | None = None
    prior: str = "analytic"

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
        parser.add_argument("--prior", default=self.prior, help="(default: %(default)s)")
        parser.add_argument("--device", default="cpu", help="(default: %(default)s)")

    def records(self, options: argparse.Namespace) -> Iterator[Row]:
        """The record after each clip; the last one holds all."""
        prior = loaded_prior(options.prior, options.device)
        settings = {
            "prior": options.prior,
            "fingerprint": prior.fingerprint.hex(),
            "frames": options.frames,
            **self.settings,
        }
        rows: list[Row] = []
        for video in options.videos:
            frames = first_frames(video, options.frames)
            if self.max_size is not None:
                frames = middle(frames, self.max_size)
            for row in self.measure(video.name, frames, prior):
                rows.append({"clip": video.name, **row})
                print(rows[-1], flush=True)
            summary = {"summary": self.summarise(rows)} if self.summarise else {}
            yield {"settings": settings, **summary, "rows": rows}
