"""Rendering of events: a bar on a terminal, occasional lines elsewhere, or NDJSON."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from freegvc._cli.paths import STANDARD, printable, say
from freegvc._codec.progress import Tally, progress_bar
from freegvc.errors import UsageError
from freegvc.events import CommandDone, CommandFailed, Event, GopDone, OnEvent

if TYPE_CHECKING:
    from freegvc._codec.compressed import CompressedVideo

LINE_INTERVAL_SECONDS = 10.0  # between two lines, without a terminal


def add_events(parser: argparse.ArgumentParser | argparse._ArgumentGroup) -> None:
    """--events, for every command that can take long."""
    parser.add_argument(
        "--events",
        choices=("ndjson",),
        help="print one JSON object per event on stdout instead of showing progress",
    )


def refuse_events_with_data(arguments: argparse.Namespace) -> None:
    """Refuse events on standard output if the result goes there.

    Raises:
        UsageError: `--events` and the output `-`.
    """
    if arguments.events is not None and arguments.output == STANDARD:
        raise UsageError(
            "--events prints on standard output, which is the output here: name a file, or leave "
            "--events out"
        )


@contextmanager
def show_progress(
    what: str, events: str | None, about: str | None = None, *, is_alone: bool = True
) -> Iterator[OnEvent]:
    """A listener for the codec's events, valid within the `with` block.

    Args:
        what: the work, such as "compress".
        events: "ndjson" to print events on stdout; None to render them on stderr.
        about: the input, in a batch of several.
        is_alone: nothing else is shown at the same time, so a bar may be.
    """
    what = what if about is None else f"{what} {printable(about)}"
    if events == "ndjson":
        yield lambda event: _print_ndjson(event, about)
    elif is_alone and sys.stderr.isatty():
        with progress_bar(what) as show:
            yield show
    else:
        yield _Lines(what)


def tell(arguments: argparse.Namespace, event: Event) -> None:
    """Print an event of the command itself, if events are wanted."""
    if getattr(arguments, "events", None) == "ndjson":
        _print_ndjson(event, getattr(arguments, "about", None))


def scores_of(heard: Sequence[Event]) -> list[float]:
    """The scores of the GOPs that are done, as far as they were asked for."""
    scores = [event.score for event in heard if isinstance(event, GopDone)]
    return [score for score in scores if score is not None]


def tell_done(
    arguments: argparse.Namespace,
    command: str,
    compressed: CompressedVideo,
    seconds: float,
    *,
    metric: str | None = None,
    score: float | None = None,
) -> None:
    """Print the last event of a command that has written its output, if events are wanted."""
    header = compressed.header
    done = CommandDone(
        command=command,
        output=str(arguments.output),
        num_bytes=compressed.num_bytes,
        bpp=compressed.bpp,
        num_frames=header.num_frames,
        num_gops=header.num_gops,
        metric=metric,
        score=score,
        seconds=seconds,
    )
    tell(arguments, done)


def tell_failed(arguments: argparse.Namespace, error: str, message: str, code: int) -> None:
    """Print the last event of a command that fails, if events are wanted.

    Args:
        arguments: of the command, as far as they were parsed.
        error, message, code: as for `CommandFailed`.
    """
    if getattr(arguments, "output", None) == STANDARD:  # which then holds data alone
        return
    # a reader that has gone away does not matter any more, nor an output that is full or closed
    with suppress(OSError):
        tell(arguments, CommandFailed(error, " ".join(message.split()), code))


def _print_ndjson(event: Event, about: str | None) -> None:
    """One line; in a batch it names the input."""
    document = event.as_dict() if about is None else {"file": about, **event.as_dict()}
    print(json.dumps(document, allow_nan=False), flush=True)


class _Lines:
    """Prints the progress from time to time."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._tally = Tally()
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


class FrameCount:
    """Prints from time to time how many frames are done, where there are no GOPs to count.

    Args:
        what: the work, such as "score".
        items: what is counted, if not frames.
    """

    def __init__(self, what: str, items: str = "frames") -> None:
        self._what = what
        self._items = items
        self._last = time.monotonic()

    def __call__(self, index: int) -> None:
        """Note that the frame of this index comes next, so that as many are done."""
        now = time.monotonic()
        if now - self._last >= LINE_INTERVAL_SECONDS:
            self._last = now
            say(f"{self._what}: {index} {self._items} done")
