"""A progress bar for the codec's events, on a terminal or in a notebook."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from freegvc.errors import UsageError
from freegvc.events import (
    Event,
    GopDecoded,
    GopDone,
    GopStarted,
    OnEvent,
    ProbeDone,
    ProbeStarted,
    StepSent,
)

_FORMAT = "{desc}: {percentage:3.0f}%|{bar}| {elapsed}<{remaining}{postfix}"
_FORMAT_OF_UNKNOWN_LENGTH = "{desc}: {elapsed}{postfix}"


@dataclass
class Tally:
    """What the events so far add up to.

    Attributes:
        done: GOPs that are finished.
        progress: of the current GOP, 0 .. 1.
        num_gops: of the video, as far as known.
        doing: what happens now, as text.
    """

    done: int = 0
    progress: float = 0.0
    num_gops: int | None = None
    doing: str = ""

    def add(self, event: Event) -> None:
        """Count one event."""
        match event:
            case GopStarted(gop, num_gops, num_frames):
                self.num_gops = num_gops or self.num_gops
                self.done, self.progress = gop, 0.0  # GOPs under one rate end together
                self.doing = f"GOP {gop}, {num_frames} frames"
            case StepSent(gop, num_steps, timestep, _, progress):
                self.progress = progress
                self.doing = f"GOP {gop}, {num_steps} steps, at {timestep}"
            case ProbeStarted(gop, num_steps):
                self.doing = f"GOP {gop}, {num_steps} steps, decoding to score"
            case ProbeDone(gop, num_steps, _, metric, score):
                self.doing = f"GOP {gop}, {num_steps} steps, {metric} {score:.4g}"
            case GopDone(gop, stop_step, _, num_bytes, score):
                self.done, self.progress = max(self.done, gop + 1), 0.0
                scored = "" if score is None else f", score {score:.4g}"
                self.doing = f"GOP {gop}, stopped at {stop_step}, {num_bytes} bytes{scored}"
            case GopDecoded(gop, num_gops):
                self.done = gop + 1
                self.num_gops = num_gops
                self.doing = f"GOP {gop} decoded"


@contextmanager
def progress_bar(what: str) -> Iterator[OnEvent]:
    """A listener that moves a bar on stderr, or in a notebook, within the `with` block.

    Args:
        what: the work, such as "compress".
    """
    from tqdm.auto import tqdm

    tally = Tally()
    with tqdm(
        desc=what, bar_format=_FORMAT_OF_UNKNOWN_LENGTH, leave=False, dynamic_ncols=True
    ) as bar:

        def listen(event: Event) -> None:
            tally.add(event)
            gops = f"{tally.done}/{tally.num_gops or '?'} GOPs"
            bar.set_postfix_str(f"{gops}, {tally.doing}", refresh=False)
            if tally.num_gops is not None and bar.total != tally.num_gops:
                bar.bar_format = _FORMAT
                bar.reset(total=tally.num_gops)  # a widget takes a new total in no other way
            bar.n = tally.done + tally.progress
            bar.refresh()

        yield listen


@contextmanager
def with_progress(wanted: bool, what: str, on_event: OnEvent) -> Iterator[OnEvent]:
    """`on_event`, and a bar beside it if one is wanted.

    Raises:
        UsageError: `on_event` cannot be called.
    """
    if not callable(on_event):
        raise UsageError(f"on_event is {on_event!r}, but must be a function of one event")
    if not wanted:
        yield on_event
        return
    with progress_bar(what) as show:

        def listen(event: Event) -> None:
            show(event)
            on_event(event)

        yield listen
