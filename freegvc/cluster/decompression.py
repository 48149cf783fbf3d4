"""Decompression on workers: walks and frames go out, and frames come back in order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from freegvc import events
from freegvc._codec.decoder import (
    CompressedInput,
    open_compressed,
    video_of,
    warn_of_drift,
)
from freegvc._codec.limits import check_limits
from freegvc._codec.progress import with_progress
from freegvc._codec.score import is_stream
from freegvc._video import open_video
from freegvc.cluster.worker import StreamChoice
from freegvc.cluster.workers import Call, Workers
from freegvc.errors import FreeGvcError, UsageError
from freegvc.metrics.scoring import DEFAULT_METRICS, Scores, check_metrics, score_frames

if TYPE_CHECKING:
    from freegvc._codec.compressed import CompressedVideo
    from freegvc._video import Video
    from freegvc.cluster.stream_worker import Shown, Walked
    from freegvc.metrics import Metric
    from freegvc.metrics.metric import Weights
    from freegvc.metrics.registry import Distance

Frames = Iterator[npt.NDArray[np.uint8]]


def decompress(
    compressed: CompressedInput,
    *,
    workers: Workers,
    prior: str | PathLike[str] | None = None,
    prior_options: Mapping[str, Any] | None = None,
    allow_large: bool = False,
    progress: bool = False,
    on_event: events.OnEvent = events.ignore,
) -> Video:
    """Decompress a stream into a video in memory, on workers, a GOP at a time each.

    The frames are those of `freegvc.decompress` with as many threads as a worker has.

    Args:
        compressed, allow_large, progress, on_event: as for `freegvc.decompress`.
        workers: on which to run.
        prior: what `load_prior` takes; by default the one that the stream names. Each worker loads
            it.
        prior_options: keywords of `load_prior` other than the device.

    Raises:
        ClusterError: a GOP was lost too often, or the workers are gone.
        FreeGvcError: as `freegvc.decompress`.
    """
    stream = open_compressed(compressed)
    if not allow_large:
        check_limits(stream, in_memory=True)
    with with_progress(progress, "decompress", on_event) as listener:
        frames = decode_frames(
            stream,
            workers=workers,
            prior=prior,
            prior_options=prior_options,
            allow_large=allow_large,
            on_event=listener,
        )
        return video_of(stream, frames)


def decode_frames(
    compressed: CompressedInput,
    *,
    workers: Workers,
    prior: str | PathLike[str] | None = None,
    prior_options: Mapping[str, Any] | None = None,
    allow_large: bool = False,
    on_event: events.OnEvent = events.ignore,
) -> Frames:
    """Frames of a stream in order, uint8 [H, W, 3], decoded on workers.

    Arguments and errors as for `decompress`; errors of stream and prior are raised at the call.
    """
    stream = open_compressed(compressed)
    if not allow_large:
        check_limits(stream)
    if not (prior is None or isinstance(prior, str | PathLike)):
        raise UsageError(
            f"prior is {prior!r}, but workers load it themselves: give its name and prior_options"
        )
    options = {"device": workers.device, **(prior_options or {})}
    choice = workers.put(StreamChoice(stream.data, prior, options, allow_large))
    workers.call("the stream", "open", choice)
    return _in_order(workers, stream, choice, on_event)


def score(
    reference: Any,
    distorted: Any,
    *,
    workers: Workers,
    metrics: str | Sequence[str | Metric | Distance] = DEFAULT_METRICS,
    weights: Weights = None,
    device: str = "cpu",
    prior: str | PathLike[str] | None = None,
    prior_options: Mapping[str, Any] | None = None,
    allow_large: bool = False,
    on_event: events.OnEvent = events.ignore,
) -> Scores:
    """Compare a stream with its original: it is decoded on workers, and scored here.

    Args:
        reference: the original, as for `freegvc.score`.
        distorted: the stream: the path of a .fgvc file, its bytes, or a `CompressedVideo`.
        workers, prior, prior_options, allow_large, on_event: as for `decompress`.
        metrics, weights: as for `freegvc.score`.
        device: where the metrics' networks run.

    Raises:
        UsageError: `distorted` is no stream, and as `freegvc.score` raises it.
        FreeGvcError: as `decompress` and `freegvc.score`.
    """
    metrics = [metrics] if isinstance(metrics, str) else metrics
    if not is_stream(distorted):
        raise UsageError(f"{distorted} is no .fgvc stream, and workers decode streams only")
    check_metrics(metrics, weights=weights, device=device)
    with open_video(reference) as source:
        frames = decode_frames(
            distorted,
            workers=workers,
            prior=prior,
            prior_options=prior_options,
            allow_large=allow_large,
            on_event=on_event,
        )
        return score_frames(source, frames, metrics=metrics, weights=weights, device=device)


@dataclass(slots=True)
class _Decoding:
    """The GOPs of a stream on their way: first their walks, then their frames.

    Attributes:
        next_walk: the GOP whose walk is to be asked for.
        walked, shown: what came back, by GOP, until nobody needs it.
    """

    workers: Workers
    stream: CompressedVideo
    choice: Any
    next_walk: int = 0
    walked: dict[int, Walked] = field(default_factory=dict)
    asked: set[int] = field(default_factory=set)
    shown: dict[int, Shown] = field(default_factory=dict)

    def ask(self, next_gop: int) -> None:
        """Ask for all that can be asked for by now, at most a few GOPs ahead."""
        num_gops, ahead = self.stream.header.num_gops, self.workers.num_ahead
        while self.next_walk < min(num_gops, next_gop + ahead):
            before = self.walked.get(self.next_walk - 1)
            known = None
            if self.stream.header.chain and self.next_walk:
                if before is None:
                    break
                known = before.tail
            self._submit("walk", self.next_walk, known)
            self.next_walk += 1
        for gop in sorted(self.walked):
            if gop not in self.asked and (gop == 0 or gop - 1 in self.walked):
                tail = self.walked[gop - 1].tail if gop else None
                self._submit("frames", gop, self.walked[gop], tail)
                self.asked.add(gop)

    def _submit(self, method: str, gop: int, *arguments: Any) -> None:
        call = Call(f"GOP {gop}", method, (self.choice, gop, *arguments), (method, gop))
        self.workers.submit(call)

    def take(self) -> None:
        """Wait for anything to come back."""
        call, result = self.workers.take()
        if isinstance(result, FreeGvcError):
            raise result
        method, gop = call.tag
        if method == "walk":
            self.walked[gop] = result
        else:
            self.shown[gop] = result


def _in_order(
    workers: Workers, stream: CompressedVideo, choice: Any, on_event: events.OnEvent
) -> Frames:
    header, drifts = stream.header, dict[int, float]()
    decoding = _Decoding(workers, stream, choice)
    try:
        for gop in range(header.num_gops):
            on_event(events.GopStarted(gop, header.num_gops, len(header.gop_frames(gop))))
            decoding.ask(gop)
            while gop not in decoding.shown:
                decoding.take()
                decoding.ask(gop)
            shown, walked = decoding.shown.pop(gop), decoding.walked[gop]
            decoding.walked.pop(gop - 1, None)
            drifts[gop] = walked.drift_sigma or 0.0
            seconds = {"walk": walked.seconds, "frames": shown.seconds}
            count = len(shown.frames)
            on_event(
                events.GopDecoded(
                    gop, header.num_gops, shown.first_frame, count, seconds, walked.drift_sigma
                )
            )
            if gop == header.num_gops - 1:
                warn_of_drift(drifts)
            yield from shown.frames
    finally:
        workers.abandon()  # of a reader that has stopped early, or after an error
