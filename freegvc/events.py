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

    `progress` is the part of the way to the target that the GOP has gone, 0 .. 1, as far as known.
    """

    gop: int
    num_steps: int
    timestep: int
    kl_bits: float
    progress: float


@dataclass(frozen=True, slots=True)
class ProbeStarted(Event):
    """A state of the walk is about to be decoded and scored.

    `bits` are those of the GOP's packet if it stopped there; None where the latent itself is
    decoded, whose score is the limit of what the prior can reach.
    """

    gop: int
    num_steps: int
    bits: int | None


@dataclass(frozen=True, slots=True)
class ProbeDone(Event):
    """The state of the last `ProbeStarted` was scored; `score` is of the frames looked at."""

    gop: int
    num_steps: int
    bits: int | None
    metric: str
    score: float


@dataclass(frozen=True, slots=True)
class GopDone(Event):
    """A GOP is coded.

    Attributes:
        stop_step, num_steps, num_bytes: where it stopped, and the bytes of its packet.
        score: of the frames that it shows, decoded as the decoder will; None if none was asked for.
        reached: whether the score is within the tolerance of the target; None without a target.
        num_probes: how many states were decoded and scored to get there.
        seconds: by stage: "frames" (frame encoder), "walk" (model, channel and probes), and
            "probes", the part of "walk" that probes took.
        model_calls: predictions for this GOP, probes included. With tiles each is one of all tiles.
    """

    gop: int
    stop_step: int
    num_steps: int
    num_bytes: int
    score: float | None
    reached: bool | None = None
    num_probes: int = 0
    seconds: dict[str, float] = field(default_factory=dict)
    model_calls: int = 0


@dataclass(frozen=True, slots=True)
class GopDecoded(Event):
    """A GOP is decoded, and its frames are about to be shown.

    Attributes:
        first_frame, num_frames: the frames of the video that it shows, fused ones included.
        seconds: by stage: "walk" (model and channel), "frames" (frame decoder).
        drift_sigma: how far the walk ended from the encoder's, in units of the noise that is left
            there, 0 .. 8; None if the packet does not say.
    """

    gop: int
    num_gops: int
    first_frame: int
    num_frames: int
    seconds: dict[str, float] = field(default_factory=dict)
    drift_sigma: float | None = None


@dataclass(frozen=True, slots=True)
class CommandStarted(Event):
    """A command has begun; the first line of `--events ndjson`, and of each file of a batch.

    Attributes:
        command: "compress" or "decompress".
        input, output: as they were given.
    """

    command: str
    input: str
    output: str


@dataclass(frozen=True, slots=True)
class CommandDone(Event):
    """A command has written its output; the last line of `--events ndjson`, or of a file.

    Attributes:
        command, output: as in `CommandStarted`.
        num_bytes, bpp: of the .fgvc file; bpp without audio. Of a part file (`--gops`) bpp is None.
        num_frames, num_gops: of the video. Of a part file num_gops is its own, and num_frames None.
        metric, score: what was asked for, and its mean over the GOPs; None without a score, and
            where an earlier run had written the output.
        seconds: since the start.
    """

    command: str
    output: str
    num_bytes: int
    bpp: float | None
    num_frames: int | None
    num_gops: int
    metric: str | None
    score: float | None
    seconds: float


@dataclass(frozen=True, slots=True)
class CommandFailed(Event):
    """A command has failed; the last line of `--events ndjson`, or of a file.

    Attributes:
        error: name of the exception, "interrupted" (Ctrl-C), or "ended" (SIGTERM or SIGHUP).
        message: one line.
        exit_code: of the process.
    """

    error: str
    message: str
    exit_code: int


@dataclass(frozen=True, slots=True)
class FileSkipped(Event):
    """A file of a batch has an output that is whole already.

    Attributes:
        input, output: as in `CommandStarted`.
    """

    input: str
    output: str


@dataclass(frozen=True, slots=True)
class BatchDone(Event):
    """All files of a batch have been tried; the last line of `--events ndjson` with `--out-dir`.

    Attributes:
        command: as in `CommandStarted`.
        num_done: files whose output was written.
        skipped: inputs whose output was whole already.
        failed: inputs that failed; each has a `CommandFailed`.
        exit_code: of the process.
        seconds: since the start.
    """

    command: str
    num_done: int
    skipped: list[str]
    failed: list[str]
    exit_code: int
    seconds: float


OnEvent = Callable[[Event], None]


def ignore(event: Event) -> None:
    """The listener that does nothing."""
    del event
