"""Many videos at a time on workers, so that short and chained ones keep all of them busy."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from freegvc import events
from freegvc._codec.compressed import CompressedVideo
from freegvc._codec.journal import finished_before
from freegvc._codec.keywords import one_target
from freegvc._codec.settings import Settings, settings_of
from freegvc._control.targets import Target, TargetKeywords
from freegvc._video import open_video
from freegvc.cluster.compression import prior_choice
from freegvc.cluster.gop_driver import Job
from freegvc.cluster.workers import Call, Workers
from freegvc.errors import FreeGvcError
from freegvc.priors.loading import DEFAULT_PRIOR

if TYPE_CHECKING:
    from freegvc._video import FrameSource
    from freegvc.cluster.gop_driver import Steps
    from freegvc.cluster.worker import PriorChoice

_Ended = tuple[Path, CompressedVideo | FreeGvcError | OSError]


@dataclass(slots=True, eq=False)
class _Open:
    """A file that is being compressed.

    Attributes:
        path: of the output.
        owner: of its calls.
        steps: which compress it.
        files: what is closed when it ends.
    """

    path: Path
    owner: object
    steps: Steps[CompressedVideo]
    files: ExitStack


def compress_files(
    files: Iterable[tuple[Any, str | PathLike[str]]],
    target: Target | None = None,
    *,
    workers: Workers,
    resume: bool = False,
    overwrite: bool = False,
    settings: Settings | None = None,
    prior: str | PathLike[str] = DEFAULT_PRIOR,
    prior_options: Mapping[str, Any] | None = None,
    audio: str | None = None,
    open_source: Callable[[Any], FrameSource] = open_video,
    on_event: Callable[[Path, events.Event], None] = lambda path, event: None,
    **keywords: Unpack[TargetKeywords],
) -> Iterator[tuple[Path, CompressedVideo | FreeGvcError | OSError]]:
    """Compress videos into files, as many at a time as keep all workers busy.

    A video of few GOPs, or one whose GOPs are chained, keeps few workers busy. The next one is
    begun as soon as a worker would be idle.

    Args:
        files: each video, as for `freegvc.compress`, and its .fgvc file; read as it goes on.
        target, resume, overwrite, workers, settings, prior, prior_options, audio, **keywords: as
            for `compress_file`.
        open_source: opens a video, where `open_video` needs to be told more.
        on_event: called with the path of the output and an event.

    Yields:
        The path of each output, in the order in which they end, and its stream or what went wrong,
        which is an OSError where the system refuses, as for a name that is too long or a full disk.
        What goes wrong with one file does not stop the others.

    Raises:
        UsageError: as `compress`, for what concerns all files.
        ClusterError: no worker is left.
    """
    options = (workers, resume, overwrite)
    shared = (
        one_target(target, keywords),
        settings_of(settings),
        prior_choice(prior, prior_options, workers),
        audio,
    )
    return _Files(*options, shared, open_source, on_event).outcomes(iter(files))


@dataclass(slots=True, eq=False)
class _Files:
    """The files that are being compressed.

    Attributes:
        workers, resume, overwrite, open_source, on_event: as for `compress_files`.
        shared: what all jobs have in common.
        active: by the id of their calls' owner.
    """

    workers: Workers
    resume: bool
    overwrite: bool
    shared: tuple[Target, Settings, PriorChoice, str | None]
    open_source: Callable[[Any], FrameSource]
    on_event: Callable[[Path, events.Event], None]
    active: dict[int, _Open] = field(default_factory=dict)

    def outcomes(self, waiting: Iterator[tuple[Any, str | PathLike[str]]]) -> Iterator[_Ended]:
        """What became of each file."""
        try:
            while True:
                while self.workers.num_calls <= self.workers.num_workers:
                    video, name = next(waiting, (None, None))
                    if name is None:
                        break
                    yield from self._begin(video, Path(name))
                if not self.active:
                    return
                call, result = self.workers.take()
                asking = self.active.get(id(call.owner))
                if asking is not None:  # else its file has failed
                    yield from self._go_on(asking, (call, result))
        finally:
            self.workers.abandon()
            for file in self.active.values():
                file.steps.close()
                file.files.close()

    def _begin(self, video: Any, path: Path) -> Iterator[_Ended]:
        try:
            if finished_before(path, video, resume=self.resume, overwrite=self.overwrite):
                yield path, CompressedVideo.open(path)
                return
            file = self._opened(video, path)
        except (FreeGvcError, OSError) as error:
            yield path, error
            return
        self.active[id(file.owner)] = file
        yield from self._go_on(file, None)

    def _opened(self, video: Any, path: Path) -> _Open:
        target, settings, choice, audio = self.shared
        with ExitStack() as stack:
            source = stack.enter_context(self.open_source(video))
            job = Job(
                source, target, settings, choice, audio, lambda event: self.on_event(path, event)
            )
            steps = job.steps_to_file(
                self.workers, path, resume=self.resume, overwrite=self.overwrite
            )
            return _Open(path, job, steps, stack.pop_all())

    def _go_on(self, file: _Open, came: tuple[Call, Any] | None) -> Iterator[_Ended]:
        """Take a step; what became of the file, if it was the last."""
        outcome: CompressedVideo | FreeGvcError | OSError
        try:
            if came is None:
                next(file.steps)
            else:
                file.steps.send(came)
            return
        except StopIteration as stopped:
            outcome = stopped.value
        except (FreeGvcError, OSError) as error:
            outcome = error
            self.workers.forget(file.owner)
        del self.active[id(file.owner)]
        file.files.close()
        yield file.path, outcome
