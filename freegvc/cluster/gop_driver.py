"""The GOPs of one video on workers, as steps between which the results of others may come.

A video is a generator: it submits calls, yields where it needs a result, and is sent each result of
its own calls. So one thread serves many videos.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import uuid4

import numpy as np

from freegvc import events
from freegvc._codec.coding import Coding, kept_gop, prepare
from freegvc._codec.encoder import save_and_remove, stream_of
from freegvc._codec.input_digest import InputDigest
from freegvc._codec.journal import Journal, journal_path
from freegvc._control.rate import RateController
from freegvc._control.targets import LikeFirstGop, Target
from freegvc._warn import warn
from freegvc.cluster.facts import on_driver
from freegvc.cluster.worker import Coded, PriorChoice, Run
from freegvc.cluster.workers import Call, Workers
from freegvc.errors import FreeGvcError

if TYPE_CHECKING:
    from freegvc._codec.compressed import CompressedVideo
    from freegvc._codec.settings import Settings
    from freegvc._control.finished_gop import FinishedGop
    from freegvc._video import FrameSource, Gop

Result = TypeVar("Result")
# is sent each of its calls with what came back
Steps = Generator[None, tuple[Call, Any], Result]


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """A video to be compressed.

    Attributes:
        source: the video, of which no frame was read.
        target, settings, audio, on_event: as for `compress`.
        choice: the prior.
    """

    source: FrameSource
    target: Target
    settings: Settings
    choice: PriorChoice
    audio: str | None
    on_event: events.OnEvent

    def steps(self, workers: Workers) -> Steps[CompressedVideo]:
        """Compress it."""
        coding, run = yield from self._prepare(workers)
        return stream_of(coding, (yield from self._code(workers, coding, run, None)))

    def steps_to_file(
        self, workers: Workers, path: Path, *, resume: bool, overwrite: bool
    ) -> Steps[CompressedVideo]:
        """Compress it into a file, with a journal beside it."""
        coding, run = yield from self._prepare(workers)
        with Journal.open(journal_path(path), coding.plan, resume=resume) as kept:
            compressed = stream_of(coding, (yield from self._code(workers, coding, run, kept)))
            save_and_remove(compressed, path, kept, overwrite=overwrite)
        return compressed

    def _prepare(self, workers: Workers) -> Steps[tuple[Coding, Run]]:
        """Have a worker load the prior, and check all that can be checked before the first GOP."""
        self.target.check(self.source.height, self.source.width)
        size = self.source.height, self.source.width, self.settings.gop_length
        workers.submit(Call("the prior", "load", (self.choice, *size), owner=self))
        _, facts = yield
        if isinstance(facts, FreeGvcError):
            raise facts
        coding = prepare(
            self.source,
            self.target,
            self.settings,
            on_driver(*facts),
            None,
            self.audio,
            self.on_event,
        )
        run = Run(
            key=uuid4().hex,
            prior=self.choice,
            target=self.target,
            settings=self.settings,
            parameters=coding.gops.parameters,
            num_frames=coding.gops.num_frames,
            frame_seconds=coding.gops.frame_seconds,
        )
        return coding, run

    def _code(
        self, workers: Workers, coding: Coding, run: Run, journal: Journal | None
    ) -> Steps[list[bytes]]:
        return _Driver(workers, coding, run, journal, self, workers.put(run)).steps()


def finished_by(workers: Workers, steps: Steps[Result]) -> Result:
    """Take all steps of one video."""
    try:
        next(steps)
        while True:
            steps.send(workers.take())
    except StopIteration as stopped:
        result: Result = stopped.value
        return result
    except BaseException:
        workers.abandon()
        raise


@dataclass(slots=True)
class _Sent:
    """A GOP that is at the workers.

    Attributes:
        gop: without its pixels.
        frames: reference to the GOP with its pixels, for as long as it may be needed again.
        first_frame_before: of the GOP before it.
        digest: of the input up to its end.
        is_exact: whether it is, or will be, coded with all before it known.
        coded: what came back.
    """

    gop: Gop
    frames: Any
    first_frame_before: int
    digest: str | None
    is_exact: bool = False
    coded: Coded | None = None


@dataclass(slots=True)
class _Driver:
    """Sends the GOPs of one video out and takes them back in order."""

    workers: Workers
    coding: Coding
    run: Run
    journal: Journal | None
    owner: object
    run_at_workers: Any
    accepted: list[tuple[Gop, FinishedGop]] = field(default_factory=list)
    sent: dict[int, _Sent] = field(default_factory=dict)
    next_gop: int = 0  # whose turn it is
    last_first_frame: int = 0  # of the last GOP that was read

    @property
    def drafts(self) -> RateController | None:
        """The controller, if GOPs are drafts that are cut in the end."""
        controller = self.coding.controller
        return controller if isinstance(controller, RateController) else None

    @property
    def most_sent(self) -> int:
        """How many GOPs may be at the workers, or done out of turn."""
        is_first_of_like = isinstance(self.run.target, LikeFirstGop) and self.next_gop == 0
        return 1 if self.run.is_sequential or is_first_of_like else self.workers.num_ahead

    def steps(self) -> Steps[list[bytes]]:
        """Code all GOPs but those that the journal holds; the packets of all."""
        inputs = InputDigest()
        for gop in self.coding.cut():
            digest = None if self.journal is None else inputs.add(gop)
            finished = kept_gop(self.journal, gop, digest)
            if finished is not None:
                self.restore(without_pixels(gop), finished)
                self.last_first_frame = gop.first_frame
                continue
            alone = self.drafts is not None and gop.is_last  # it takes what all others leave
            while self.sent and (alone or len(self.sent) >= self.most_sent):
                self.took(*(yield))
            before, self.last_first_frame = self.last_first_frame, gop.first_frame
            frames = self.workers.put(gop)
            self.sent[gop.index] = _Sent(without_pixels(gop), frames, before, digest)
            self.call(gop.index)
        while self.sent:
            self.took(*(yield))
        return self.coding.controller.finish()

    def call(self, index: int) -> None:
        """Have a GOP coded, knowing all that is known before it and that its target asks for."""
        sent, foresight = self.sent[index], None
        before: tuple[tuple[Gop, FinishedGop], ...] = ()
        sent.is_exact = self.drafts is None or index == self.next_gop
        if self.drafts is not None and not sent.is_exact:
            foresight = self.drafts.foresight()
        elif self.drafts is not None or self.run.is_sequential:
            before = tuple(self.accepted)
        elif isinstance(self.run.target, LikeFirstGop):
            before = tuple(self.accepted[:1])
        known = (sent.first_frame_before, before, foresight)
        arguments = (self.run_at_workers, sent.frames, *known)
        self.workers.submit(Call(f"GOP {index}", "code", arguments, index, self.owner))

    def took(self, call: Call, coded: Any) -> None:
        """Take what came back of a GOP, and accept those whose turn it is."""
        if isinstance(coded, FreeGvcError):
            raise coded
        self.sent[call.tag].coded = coded
        while (sent := self.sent.get(self.next_gop)) is not None and sent.coded is not None:
            finished: FinishedGop | None = sent.coded.finished
            if self.drafts is not None and not sent.is_exact:
                finished = self.drafts.settle(sent.gop, sent.coded.finished)
            if finished is None:  # its walk was too short, which is known only now
                sent.coded = None
                self.call(self.next_gop)
                return
            self._accept(sent, sent.coded, finished)

    def _accept(self, sent: _Sent, coded: Coded, finished: FinishedGop) -> None:
        for warning in coded.warned:
            warn(str(warning), type(warning))
        for event in coded.heard:
            if not isinstance(event, events.GopDone):
                self.coding.gops.on_event(event)
        if self.journal is not None and sent.digest is not None:
            self.journal.add(finished, sent.digest)
        self.restore(sent.gop, finished)
        del self.sent[sent.gop.index]

    def restore(self, gop: Gop, finished: FinishedGop) -> None:
        """Take a GOP that is finished, by this run or an earlier one."""
        self.coding.controller.restore(gop, finished)
        self.next_gop = gop.index + 1
        if self.drafts is not None or self.run.is_sequential or gop.index == 0:
            if self.accepted:  # no tail but the last is needed
                self.accepted[-1] = (self.accepted[-1][0], replace(self.accepted[-1][1], tail=None))
            self.accepted.append((gop, finished))


def without_pixels(gop: Gop) -> Gop:
    """The same GOP, with as many frames of no size."""
    return replace(gop, frames=np.empty((len(gop.frames), 0, 0, 3), np.uint8))
