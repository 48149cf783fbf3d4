"""What long work reports while it runs: typed events, rendered elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field


@dataclass(frozen=True, slots=True)
class Event:
    """Base of all events."""

    def as_dict(self) -> dict[str, object]:
        """The event with its name, for one line of NDJSON."""
        return {"event": type(self).__name__, **asdict(self)}


@dataclass(frozen=True, slots=True)
class GopStarted(Event):
    """A GOP is about to be coded or decoded."""

    gop: int
    num_gops: int | None
    num_frames: int


@dataclass(frozen=True, slots=True)
class StepSent(Event):
    """One step of the walk was sent; `num_steps` is how many the GOP has now.

    `share` is the part of the way to the target that the GOP has gone, 0 .. 1, as far as known.
    """

    gop: int
    num_steps: int
    timestep: int
    kl_bits: float
    share: float


@dataclass(frozen=True, slots=True)
class ProbeDone(Event):
    """A kept state was decoded and scored."""

    gop: int
    num_steps: int
    metric: str
    score: float


@dataclass(frozen=True, slots=True)
class GopDone(Event):
    """A GOP is coded; seconds per stage: "frames" (frame encoder), "walk" (model and channel)."""

    gop: int
    stop_step: int
    num_steps: int
    num_bytes: int
    score: float | None
    seconds: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class GopDecoded(Event):
    """A GOP is decoded; seconds per stage: "walk" (model and channel), "frames" (frame decoder).

    `drift_sigma` is how far the walk ended from the encoder's, in units of the noise that is left
    there, 0 .. 8; None if the packet does not say.
    """

    gop: int
    num_gops: int
    seconds: dict[str, float] = field(default_factory=dict)
    drift_sigma: float | None = None


OnEvent = Callable[[Event], None]


def ignore(event: Event) -> None:
    """The listener that does not listen."""
    del event
