"""Rendering of events: a bar on a terminal, occasional lines elsewhere, or NDJSON."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from freegvc.codec.events import (
    Event,
    GopDecoded,
    GopDone,
    GopStarted,
    OnEvent,
    ProbeDone,
    ProbeStarted,
    StepSent,
)

if TYPE_CHECKING:
    from rich.progress import Progress

LINE_INTERVAL_SECONDS = 10.0  # between two lines, without a terminal


def add_events(parser: argparse.ArgumentParser) -> None:
    """--events, for every command that can take long."""
    parser.add_argument(
        "--events",
        choices=("ndjson",),
        help="print one JSON object per event on stdout instead of showing progress",
    )


@contextmanager
def show_progress(what: str, events: str | None) -> Iterator[OnEvent]:
    """A listener for the codec's events, valid within the `with` block.

    Args:
        what: the work, such as "compress".
        events: "ndjson" to print events on stdout; None to render them on stderr.
    """
    if events == "ndjson":
        yield _print_ndjson
    elif sys.stderr.isatty():
        with _bar() as bar:
            yield _Bar(bar, what)
    else:
        yield _Lines(what)


def _print_ndjson(event: Event) -> None:
    print(json.dumps(event.as_dict(), allow_nan=False), flush=True)


@dataclass
class _Tally:
    """The progress that the events so far amount to."""

    done: int = 0
    done_of_gop: float = 0.0  # 0 .. 1, of the current GOP
    num_gops: int | None = None
    doing: str = ""

    def add(self, event: Event) -> None:
        match event:
            case GopStarted(gop, num_gops, num_frames):
                self.num_gops = num_gops or self.num_gops
                self.done, self.done_of_gop = gop, 0.0  # under a rate, all GOPs end together
                self.doing = f"GOP {gop}, {num_frames} frames"
            case StepSent(gop, num_steps, timestep, _, done_of_gop):
                self.done_of_gop = done_of_gop
                self.doing = f"GOP {gop}, {num_steps} steps, at {timestep}"
            case ProbeStarted(gop, num_steps):
                self.doing = f"GOP {gop}, {num_steps} steps, decoding to score"
            case ProbeDone(gop, num_steps, _, metric, score):
                self.doing = f"GOP {gop}, {num_steps} steps, {metric} {score:.4g}"
            case GopDone(gop, stop_step, _, num_bytes, score):
                self.done, self.done_of_gop = max(self.done, gop + 1), 0.0
                scored = "" if score is None else f", score {score:.4g}"
                self.doing = f"GOP {gop}, stopped at {stop_step}, {num_bytes} bytes{scored}"
            case GopDecoded(gop, num_gops):
                self.done = gop + 1
                self.num_gops = num_gops
                self.doing = f"GOP {gop} decoded"


class _Lines:
    """Prints the progress from time to time."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._tally = _Tally()
        self._last = time.monotonic()

    def __call__(self, event: Event) -> None:
        self._tally.add(event)
        now = time.monotonic()
        if now - self._last < LINE_INTERVAL_SECONDS:
            return
        self._last = now
        total = "" if self._tally.num_gops is None else f" of {self._tally.num_gops}"
        print(
            f"freegvc: {self._what}: {self._tally.done}{total} GOPs done; {self._tally.doing}",
            file=sys.stderr,
            flush=True,
        )


class _Bar:
    """Moves a bar by GOPs and parts of them; it pulses while the total is unknown."""

    def __init__(self, bar: Progress, what: str) -> None:
        self._bar = bar
        self._tally = _Tally()
        self._task = bar.add_task(what, total=None, doing="", gops="")

    def __call__(self, event: Event) -> None:
        tally = self._tally
        tally.add(event)
        gops = f"{tally.done}/{tally.num_gops or '?'} GOPs"
        fields: dict[str, Any] = {"doing": tally.doing, "gops": gops}
        self._bar.update(
            self._task, completed=tally.done + tally.done_of_gop, total=tally.num_gops, **fields
        )


def _bar() -> Progress:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=30),
        TextColumn("{task.fields[gops]}"),
        TimeElapsedColumn(),
        TextColumn("ETA"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[doing]}", style="dim", markup=False),
        console=Console(stderr=True),
        transient=True,
        redirect_stdout=False,  # stdout is data
    )
