"""What runs at a worker: it holds a prior, and does to a GOP what one process would do."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from os import PathLike
from typing import TYPE_CHECKING, Any

from freegvc import events
from freegvc._codec.coding import FEWER_FRAMES
from freegvc._codec.kept_prior import KeptPrior
from freegvc._control.controllers import Controller, make_controller
from freegvc._control.finished_gop import FinishedGop
from freegvc._control.gop_encoder import GopEncoder
from freegvc._control.rate import RateController
from freegvc._control.targets import LikeFirstGop, Score, Target
from freegvc.errors import FreeGvcWarning

if TYPE_CHECKING:
    from freegvc._bitstream.header import StreamParameters
    from freegvc._codec.settings import Settings
    from freegvc._control.drafts import Foresight
    from freegvc._control.finished_gop import Tail
    from freegvc._video import Gop
    from freegvc.cluster.facts import PriorFacts
    from freegvc.cluster.stream_worker import Shown, StreamWorker, Walked
    from freegvc.priors import Prior
    from freegvc.priors.tiles import Tile


@dataclass(frozen=True, slots=True)
class PriorChoice:
    """Which prior a worker loads.

    Attributes:
        name: what `load_prior` takes.
        options: its keywords.
    """

    name: str | PathLike[str]
    options: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class StreamChoice:
    """A stream that workers decode, and the prior for it.

    Attributes:
        data: the stream.
        name: what `load_prior` takes; None for the prior that the stream names.
        options: keywords of `load_prior`.
        allow_large: as for `decompress`.
    """

    data: bytes
    name: str | PathLike[str] | None
    options: Mapping[str, Any]
    allow_large: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What workers must know to code the GOPs of one stream.

    Attributes:
        key: tells it from all other runs.
        prior: which codes it.
        target, settings: of the run.
        parameters: of the stream.
        num_frames, frame_seconds: as for `GopEncoder`.
    """

    key: str
    prior: PriorChoice
    target: Target
    settings: Settings
    parameters: StreamParameters
    num_frames: int | None
    frame_seconds: float

    @property
    def is_sequential(self) -> bool:
        """Whether a GOP needs the ones before it in their final form."""
        return self.parameters.chain

    @property
    def has_history(self) -> bool:
        """Whether a worker uses what its own last GOP has taught."""
        return isinstance(self.target, Score | LikeFirstGop)


@dataclass(frozen=True, slots=True)
class Coded:
    """What comes back of a GOP.

    Attributes:
        finished: the GOP.
        heard: what was said of it on the way.
        warned: warnings, to be given once more.
    """

    finished: FinishedGop
    heard: list[events.Event]
    warned: list[FreeGvcWarning]


Before = Sequence[tuple["Gop", FinishedGop]]


@dataclass(slots=True)
class _Live:
    """A controller that goes on from GOP to GOP of a run.

    Attributes:
        run: its key.
        gops, controller: of the run.
        next_gop: index of the GOP after the last that it has coded.
    """

    run: str
    gops: GopEncoder
    controller: Controller
    next_gop: int


class Worker:
    """Holds one prior at a time, and codes and decodes GOPs with it.

    Args:
        num_threads: that torch computes with.
    """

    def __init__(self, num_threads: int) -> None:
        import torch

        torch.set_num_threads(num_threads)
        self._prior = KeptPrior(self._forget)
        self._stream: tuple[StreamChoice, StreamWorker] | None = None
        self._live: _Live | None = None

    def ready(self) -> int:
        """The process id, once the worker is there."""
        return os.getpid()

    def load(
        self, choice: PriorChoice, height: int, width: int, gop_length: int | None
    ) -> tuple[PriorFacts, Tile | None, Tile | None]:
        """Load a prior, and tell what it is like for frames of this size.

        Raises:
            PriorError: it cannot be loaded.
            UsageError: it has not such an option.
        """
        from freegvc._codec.model import prior_to_encode
        from freegvc.cluster.facts import facts_of

        prior = self._prior_of(choice)
        return facts_of(
            prior_to_encode(prior, None, height=height, width=width, gop_length=gop_length)
        )

    def code(
        self,
        run: Run,
        gop: Gop,
        first_frame_before: int,
        before: Before = (),
        foresight: Foresight | None = None,
    ) -> Coded:
        """Code one GOP.

        Args:
            run: which it belongs to.
            gop: the frames.
            first_frame_before: of the GOP before it.
            before: the GOPs before it, of which only the last needs its tail, as far as the target
                asks for them.
            foresight: under a rate, what is known instead of `before`.

        Raises:
            FreeGvcError: as `compress`.
        """
        from freegvc.priors.out_of_memory import prior_out_of_memory_named

        gop = replace(gop, frames=gop.frames.copy())  # Ray's arrays are read-only
        live = self._live_for(run, gop, before)
        heard: list[events.Event] = []
        live.gops.on_event = heard.append
        live.gops.follow(first_frame_before)
        with (
            warnings.catch_warnings(record=True) as caught,
            prior_out_of_memory_named("compress", live.gops.prior, FEWER_FRAMES),
        ):
            warnings.simplefilter("always", FreeGvcWarning)
            if foresight is None:
                finished = live.controller.add(gop)
            else:
                finished = _rate(live.controller).add_early(gop, foresight)
        live.next_gop = gop.index + 1
        said = [w.message for w in caught if isinstance(w.message, FreeGvcWarning)]
        return Coded(finished, heard, said)

    def open(self, choice: StreamChoice) -> None:
        """Load the prior of a stream, and check all that can be checked before decoding.

        Raises:
            StreamError, PriorError, UsageError: as `decompress`.
        """
        self._opened(choice)

    def walk(self, choice: StreamChoice, gop: int, known: Tail | None) -> Walked:
        """As `StreamWorker.walk`."""
        return self._opened(choice).walk(gop, known)

    def frames(self, choice: StreamChoice, gop: int, walked: Walked, tail: Tail | None) -> Shown:
        """As `StreamWorker.frames`."""
        return self._opened(choice).frames(gop, walked, tail)

    def _opened(self, choice: StreamChoice) -> StreamWorker:
        """The decoder of a stream; the prior of the last one is kept if it will do."""
        from freegvc._codec.compressed import CompressedVideo
        from freegvc.cluster.stream_worker import StreamWorker

        if self._stream is None or self._stream[0] != choice:
            stream = CompressedVideo(choice.data)
            prior = self._prior.of_stream(stream, choice.name, **choice.options)
            opened = StreamWorker(choice.data, prior, allow_large=choice.allow_large)
            self._stream = choice, opened
        return self._stream[1]

    def _prior_of(self, choice: PriorChoice) -> Prior:
        return self._prior.of_name(choice.name, **choice.options)

    def _forget(self) -> None:
        """Let go of what holds the last prior."""
        self._live = self._stream = None

    def _live_for(self, run: Run, gop: Gop, before: Before) -> _Live:
        """A controller that stands before a GOP."""
        live = self._live
        goes_on = live is not None and live.run == run.key
        if live is not None and goes_on:
            if run.is_sequential and live.next_gop == gop.index:
                return live
            if run.has_history and not run.is_sequential:
                return live
        gops = self._encoder(run)
        controller = make_controller(run.target, gops)
        for each, finished in before:
            controller.restore(each, finished)
        self._live = _Live(run.key, gops, controller, gop.index)
        return self._live

    def _encoder(self, run: Run) -> GopEncoder:
        from freegvc.cluster.facts import with_tiles

        parameters, settings = run.parameters, run.settings
        prior = with_tiles(self._prior_of(run.prior), parameters)
        return GopEncoder(
            prior,
            settings.channel_coder(prior.device),
            parameters,
            run.num_frames,
            events.ignore,
            settings.pace(prior),
            settings.chosen_effort.max_probes,
            run.frame_seconds,
            settings.tuning,
        )


def _rate(controller: Controller) -> RateController:
    if not isinstance(controller, RateController):
        raise TypeError(f"{type(controller).__name__} drafts no GOP early")
    return controller
