"""GOP after GOP into a stream, each stopped where the target says."""

from __future__ import annotations

import math
import time
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

from freegvc.bitstream import Header, Stream, Timestamps
from freegvc.codec import events
from freegvc.codec.gop_walk import GopWalk
from freegvc.codec.quality import QualityControl, Stop
from freegvc.codec.rate import RateControl
from freegvc.control import (
    FirstGopTarget,
    Path,
    Quality,
    QualityTarget,
    RateTarget,
    StepTarget,
    Target,
    default_metric,
    stop_at_step,
    stop_within_bytes,
)

if TYPE_CHECKING:
    from freegvc.channel.coders import ChannelCoder
    from freegvc.metrics.registry import Weights
    from freegvc.priors import Prior
    from freegvc.video import Gop


class GopCoder:
    """What grows while GOPs are coded.

    Args:
        prior, coder: of the stream.
        target: where GOPs stop.
        header: of the stream, with any number of frames.
        num_frames: of the whole video, as far as known; a `RateTarget` of bytes needs it.
        weights: folder of the metrics' weights, as `freegvc.metrics` takes it.
        on_event: called with each event.

    Attributes:
        stream: valid after the last GOP; before that too, unless a rate is shared between GOPs.
    """

    def __init__(
        self,
        prior: Prior,
        coder: ChannelCoder,
        target: Target,
        header: Header,
        num_frames: int | None,
        *,
        weights: Weights,
        on_event: events.OnEvent,
    ) -> None:
        self._prior, self._coder, self._target = prior, coder, target
        self._num_frames = num_frames
        self._on_event = on_event
        self.stream = Stream(header, (), prompt=prior.prompt or None)
        self._seconds: list[dict[str, float]] = []
        self._rate: RateControl | None = None
        self._quality: QualityControl | None = None
        metric = metric_of(target, header.height, header.width)
        if isinstance(target, RateTarget):
            assert metric is not None
            self._rate = RateControl(
                header, prior, metric, self._budget_bytes, weights=weights, on_event=on_event
            )
        elif isinstance(target, QualityTarget | FirstGopTarget):
            self._quality = QualityControl(
                header,
                prior,
                replace(target.quality, metric=metric),
                target.score if isinstance(target, QualityTarget) else None,
                weights=weights,
                on_event=on_event,
            )

    def add(self, gop: Gop, timestamps: tuple[Fraction, ...] | None) -> None:
        """Code one GOP.

        Args:
            gop: the next one.
            timestamps: seconds of all frames, with the last GOP of a variable frame rate.

        Raises:
            TargetError: the target cannot be reached.
        """
        header = replace(self.stream.header, num_frames=gop.first_frame + len(gop.frames))
        ticks = _ticks(timestamps) if timestamps else None
        self.stream = replace(self.stream, header=header, timestamps=ticks)
        self._on_event(events.GopStarted(gop.index, self._num_gops(), len(gop.frames)))
        began = time.perf_counter()
        latent = self._prior.encode_frames(gop.frames)
        encoded = time.perf_counter()
        walk = GopWalk(
            self._prior,
            self._coder,
            gop,
            latent,
            before=self.stream,
            share_done=self._share_done,
            on_event=self._on_event,
        )
        is_shared = self._rate is not None and not (gop.index == 0 and gop.is_last)
        stop = None if is_shared else self._stop(walk)
        path = Path(walk, self._grid()) if is_shared else None
        if path is not None:
            assert self._rate is not None
            self._rate.add(path, self.stream)
        self._seconds.append({"frames": encoded - began, "walk": time.perf_counter() - encoded})
        if stop is not None:
            self._add_packet(stop)
        elif path is not None and gop.is_last:
            self._share_rate(path)

    def _stop(self, walk: GopWalk) -> Stop:
        """Bring the walk to where its GOP ends."""
        match self._target:
            case QualityTarget():
                assert self._quality is not None
                return self._quality.stop(Path(walk, self._grid()))
            case FirstGopTarget(_, first):
                assert self._quality is not None
                if walk.gop.index:
                    return self._quality.stop(Path(walk, self._grid()))
                self._stop_plainly(walk, first)
                return self._quality.measure(walk)
            case StepTarget() | RateTarget() as plain:
                self._stop_plainly(walk, plain)
                return Stop(walk)

    def _stop_plainly(self, walk: GopWalk, target: StepTarget | RateTarget) -> None:
        match target:
            case StepTarget(stop):
                stop_at_step(walk, self._grid(stop))
            case RateTarget():
                budget = self._budget_bytes(self.stream.header.num_frames)
                stop_within_bytes(walk, self._grid(), budget, walk.num_file_bytes)

    def _add_packet(self, stop: Stop) -> None:
        packet = stop.walk.packet()
        self.stream = replace(self.stream, packets=(*self.stream.packets, packet))
        seconds = self._seconds[-1]
        if stop.num_probes:
            seconds["probes"] = stop.probe_seconds
        done = events.GopDone(
            stop.walk.gop.index,
            stop.walk.timestep,
            stop.walk.num_steps,
            len(packet),
            stop.score,
            stop.reached,
            stop.num_probes,
            seconds,
        )
        self._on_event(done)

    def _share_rate(self, path: Path[GopWalk]) -> None:
        """Cut all GOPs to the rate, once the last one is there."""
        assert self._rate is not None
        cuts = self._rate.finish(path, self._grid(), self.stream)
        self.stream = replace(self.stream, packets=tuple(cut.packet for cut in cuts))
        for gop, cut in enumerate(cuts):
            done = events.GopDone(
                gop,
                cut.stop_step,
                cut.num_steps,
                len(cut.packet),
                None,
                num_probes=cut.num_probes,
                seconds=self._seconds[gop],
            )
            self._on_event(done)

    def _grid(self, stop_step: int = 0) -> list[int]:
        from freegvc.trajectory import grid_to

        first_step, growth = self._prior.defaults.first_step, self._prior.defaults.step_growth
        return grid_to(self._prior.schedule, stop_step, first_step=first_step, growth=growth)

    def _num_gops(self) -> int | None:
        if self._num_frames is None:
            return None
        return replace(self.stream.header, num_frames=max(self._num_frames, 1)).num_gops

    def _share_done(self, walk: GopWalk) -> float:
        match self._target:
            case StepTarget(stop):
                start = self.stream.header.start_timestep
                return (start - walk.timestep) / max(start - stop, 1)
            case RateTarget():
                frames = self.stream.header.num_frames
                whole = self._budget_bytes(frames) * len(walk.gop.frames) / frames
                return walk.num_bits() / 8 / whole
        return 0.0  # nobody knows how far a score is

    def _budget_bytes(self, num_frames: int) -> float:
        """Bytes that the target grants the file up to so many frames."""
        target = self._target.first if isinstance(self._target, FirstGopTarget) else self._target
        assert isinstance(target, RateTarget)
        header = self.stream.header
        if target.bpp is not None:
            return target.bpp * header.width * header.height * num_frames / 8.0
        if target.kbps is not None:
            return target.kbps * 125.0 * num_frames / float(header.frame_rate)
        assert target.num_bytes is not None
        assert self._num_frames is not None
        return target.num_bytes * min(num_frames / self._num_frames, 1.0)


def metric_of(target: Target, height: int, width: int) -> str | None:
    """The metric that a target needs for frames of this size; None if it needs none."""
    match target:
        case QualityTarget(Quality(metric=metric)) | FirstGopTarget(Quality(metric=metric)):
            return metric or default_metric(height, width)
        case RateTarget(metric=metric):
            return metric or default_metric(height, width)
    return None


def _ticks(seconds: tuple[Fraction, ...]) -> Timestamps:
    """Seconds as integer ticks of the coarsest clock that holds them all."""
    clock = math.lcm(*(s.denominator for s in seconds))
    return Timestamps(tuple(int(s * clock) for s in seconds), Fraction(1, clock))
