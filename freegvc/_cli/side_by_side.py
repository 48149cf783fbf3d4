"""compress with --out-dir and --ray: files side by side, and what is said of each."""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from freegvc._cli.model_options import prior_options
from freegvc._cli.pages import count
from freegvc._cli.parser import input_options
from freegvc._cli.paths import say
from freegvc._cli.progress import scores_of, show_progress, tell, tell_done
from freegvc._cli.ray_options import without_device
from freegvc._cli.settings_options import settings_from
from freegvc._cli.target_options import target_from
from freegvc.errors import FreeGvcError
from freegvc.events import CommandStarted, Event, OnEvent

if TYPE_CHECKING:
    from freegvc._cli.batch import FileEnded, ManyFiles
    from freegvc._codec.compressed import CompressedVideo
    from freegvc._control.targets import Target
    from freegvc._video import FrameSource
    from freegvc.cluster import Workers
    from freegvc.metrics import Metric


def side_by_side(arguments: argparse.Namespace, workers: Workers) -> ManyFiles:
    """What compresses the files of a batch, as many at a time as keep all workers busy."""
    from freegvc._video import open_video
    from freegvc.cluster import compress_files

    target, reading = target_from(arguments), input_options(arguments)

    def run(
        files: Sequence[argparse.Namespace],
    ) -> Iterator[FileEnded]:
        by_output = {Path(file.output): file for file in files}
        heard: dict[Path, list[Event]] = defaultdict(list)
        began: dict[Path, float] = {}
        listeners: dict[Path, OnEvent] = {}
        shown = ExitStack()

        def listen(path: Path, event: Event) -> None:
            heard[path].append(event)
            if path not in listeners:
                file = by_output[path]
                showing = show_progress("compress", file.events, file.about, is_alone=False)
                listeners[path] = shown.enter_context(showing)
            listeners[path](event)

        def pairs() -> Iterator[tuple[Any, Path]]:
            for path, file in by_output.items():
                began[path] = time.perf_counter()
                tell(file, CommandStarted("compress", file.input, file.output))
                yield file.input, path

        def open_source(video: Any) -> FrameSource:
            return open_video(video, **reading)

        with shown:
            for path, outcome in compress_files(
                pairs(),
                target,
                workers=workers,
                resume=arguments.resume,
                overwrite=True,  # what is whole or not ours was left out before
                settings=settings_from(arguments),
                prior=arguments.prior,
                prior_options=without_device(prior_options(arguments)),
                audio=arguments.audio,
                open_source=open_source,
                on_event=listen,
            ):
                file = by_output[path]
                if isinstance(outcome, (FreeGvcError, OSError)):
                    yield file, outcome
                    continue
                seconds = time.perf_counter() - began[path]
                say_compressed(file, target, outcome, heard.pop(path, []), seconds)
                yield file, None

    return run


def say_compressed(
    arguments: argparse.Namespace,
    target: Target,
    compressed: CompressedVideo,
    heard: Sequence[Event],
    seconds: float,
) -> None:
    """The last line and the last event of a file."""
    audio = f", of which audio {compressed.audio_bytes}" if compressed.audio_bytes else ""
    header = compressed.header
    metric = target.metric_for(header.height, header.width)
    scores = scores_of(heard)
    mean = sum(scores) / len(scores) if scores else None
    say(
        f"{arguments.output}: {compressed.num_bytes} bytes{audio}, {compressed.bpp:.4g} bpp, "
        f"{_scored(metric, scores)}{count(header.num_gops, 'GOP')}, {seconds:.1f} s"
    )
    tell_done(
        arguments,
        "compress",
        compressed,
        seconds,
        metric=None if mean is None else metric.name,
        score=mean,
    )


def _scored(metric: Metric, scores: list[float]) -> str:
    """The scores of the GOPs, for the summary; empty where none was asked for."""
    if not scores:
        return ""
    low, high = metric.format(min(scores)), metric.format(max(scores))
    spread = "" if low == high else f" ({low} .. {high})"
    return f"{metric.label} {metric.format(sum(scores) / len(scores))}{spread}, "
