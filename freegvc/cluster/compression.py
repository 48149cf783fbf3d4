"""Compression on workers: GOPs go out as they are read, and come back into the journal in order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack
from uuid import uuid4

import numpy as np

from freegvc import events
from freegvc._atomic import check_output
from freegvc._codec.coding import Coding, kept_gop, prepare
from freegvc._codec.encoder import stream_of
from freegvc._codec.input_digest import InputDigest
from freegvc._codec.journal import Journal, check_journal, journal_path
from freegvc._codec.keywords import one_target
from freegvc._codec.progress import with_progress
from freegvc._codec.settings import Settings
from freegvc._control.rate import RateController
from freegvc._control.targets import LikeFirstGop, Target, TargetKeywords
from freegvc._video import open_video
from freegvc._warn import warn
from freegvc.cluster.facts import on_driver
from freegvc.cluster.worker import Coded, PriorChoice, Run
from freegvc.cluster.workers import Call, Workers
from freegvc.errors import UsageError

if TYPE_CHECKING:
    from freegvc._codec.compressed import CompressedVideo
    from freegvc._control.finished_gop import FinishedGop
    from freegvc._video import FrameSource, Gop

DEFAULT_PRIOR = "freegvc-small"


def compress(
    video: Any,
    target: Target | None = None,
    *,
    workers: Workers,
    settings: Settings | None = None,
    prior: str | PathLike[str] = DEFAULT_PRIOR,
    prior_options: Mapping[str, Any] | None = None,
    audio: str | None = None,
    progress: bool = False,
    on_event: events.OnEvent = events.ignore,
    **keywords: Unpack[TargetKeywords],
) -> CompressedVideo:
    """Compress a video on workers, each of which codes a GOP at a time.

    With a stop step or a rate the stream is, byte for byte, that of `freegvc.compress` with as many
    threads as a worker has, and so it is for chained GOPs, which are coded one after the other. A
    score is met by every GOP, but where a walk stops depends on what the worker's last GOP has
    taught it, and a rate with `even` on what was known when a GOP was coded. Their scores are of
    GOPs before they are fused with the one before (docs/cluster.md).

    Args:
        video, target, settings, audio, progress, **keywords: as for `freegvc.compress`.
        workers: on which to run.
        prior: what `load_prior` takes; each worker loads it.
        prior_options: keywords of `load_prior` other than the device.
        on_event: as for `freegvc.compress`; the events of a GOP come when it and all before it are
            done.

    Returns:
        The stream.

    Raises:
        ClusterError: a GOP was lost too often, or the workers are gone.
        FreeGvcError: as `freegvc.compress`; the GOP is named.
    """
    wanted, choice = one_target(target, keywords), _choice(prior, prior_options, workers)
    with open_video(video) as source, with_progress(progress, "compress", on_event) as listener:
        coding, run = _prepare(
            workers, source, wanted, settings or Settings(), choice, audio, listener
        )
        return stream_of(coding, _code_gops(workers, coding, run, None))


def compress_file(
    video: Any,
    path: str | PathLike[str],
    target: Target | None = None,
    *,
    workers: Workers,
    resume: bool = False,
    overwrite: bool = False,
    settings: Settings | None = None,
    prior: str | PathLike[str] = DEFAULT_PRIOR,
    prior_options: Mapping[str, Any] | None = None,
    audio: str | None = None,
    progress: bool = False,
    on_event: events.OnEvent = events.ignore,
    **keywords: Unpack[TargetKeywords],
) -> CompressedVideo:
    """Compress a video into a file, on workers; what is finished survives if the run does not end.

    The journal is that of `freegvc.compress_file`: either goes on with what the other has begun.

    Args:
        video, path, target, resume, overwrite: as for `freegvc.compress_file`.
        workers, settings, prior, prior_options, audio, progress, on_event, **keywords: as for
            `freegvc.cluster.compress`.

    Returns:
        The stream, which is saved already.

    Raises:
        FreeGvcError: as `freegvc.cluster.compress` and `freegvc.compress_file`.
    """
    wanted, choice = one_target(target, keywords), _choice(prior, prior_options, workers)
    path = Path(path)
    journal = journal_path(path)
    check_output(path, overwrite=overwrite)
    check_journal(journal, resume=resume)
    with open_video(video) as source, with_progress(progress, "compress", on_event) as listener:
        coding, run = _prepare(
            workers, source, wanted, settings or Settings(), choice, audio, listener
        )
        with Journal.open(journal, coding.plan, resume=resume) as kept:
            compressed = stream_of(coding, _code_gops(workers, coding, run, kept))
            compressed.save(path, overwrite=overwrite)
            kept.remove()
    return compressed


def _choice(prior: object, options: Mapping[str, Any] | None, workers: Workers) -> PriorChoice:
    if not isinstance(prior, str | PathLike):
        raise UsageError(
            f"prior is {prior!r}, but workers load it themselves: give its name and prior_options"
        )
    return PriorChoice(prior, {"device": workers.device, **(options or {})})


def _prepare(
    workers: Workers,
    source: FrameSource,
    target: Target,
    settings: Settings,
    choice: PriorChoice,
    audio: str | None,
    on_event: events.OnEvent,
) -> tuple[Coding, Run]:
    target.check(source.height, source.width)
    size = source.height, source.width, settings.gop_length
    prior = on_driver(*workers.call("the prior", "load", choice, *size))
    coding = prepare(source, target, settings, prior, None, audio, on_event)
    gops = coding.gops
    run = Run(
        key=uuid4().hex,
        prior=choice,
        target=target,
        settings=settings,
        parameters=gops.parameters,
        num_frames=gops.num_frames,
        frame_seconds=gops.frame_seconds,
    )
    return coding, run


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
    run_at_workers: Any = None
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

    def send(self, gop: Gop, digest: str | None) -> None:
        """Send one GOP, as soon as there is room."""
        alone = self.drafts is not None and gop.is_last  # it takes what all others leave
        while self.sent and (alone or len(self.sent) >= self.most_sent):
            self.take()
        before, self.last_first_frame = self.last_first_frame, gop.first_frame
        self.sent[gop.index] = _Sent(without_pixels(gop), self.workers.put(gop), before, digest)
        self.call(gop.index)

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
        self.workers.submit(Call(f"GOP {index}", "code", arguments, index))

    def take(self) -> None:
        """Wait for a GOP, and accept those whose turn it is."""
        call, coded = self.workers.take()
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


def _code_gops(workers: Workers, coding: Coding, run: Run, journal: Journal | None) -> list[bytes]:
    """Code all GOPs but those that a journal holds, and add them to it; the packets of all."""
    driver = _Driver(workers, coding, run, journal, workers.put(run))
    inputs = InputDigest()
    try:
        for gop in coding.cut():
            digest = None if journal is None else inputs.add(gop)
            finished = kept_gop(journal, gop, digest)
            if finished is None:
                driver.send(gop, digest)
            else:
                driver.restore(without_pixels(gop), finished)
                driver.last_first_frame = gop.first_frame
        while driver.sent:
            driver.take()
    except BaseException:
        workers.abandon()
        raise
    return coding.controller.finish()


def without_pixels(gop: Gop) -> Gop:
    """The same GOP, with as many frames of no size."""
    return replace(gop, frames=np.empty((len(gop.frames), 0, 0, 3), np.uint8))
