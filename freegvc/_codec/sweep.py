"""A rate-quality curve from one walk: a video is encoded once, and every rate is cut from that."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from os import PathLike
from typing import TYPE_CHECKING, Any

from freegvc import events
from freegvc._codec.compressed import CompressedVideo
from freegvc._codec.decoder import open_compressed
from freegvc._codec.encoder import compress
from freegvc._codec.limits import check_limits
from freegvc._codec.model import prior_to_decode, prior_to_encode
from freegvc._codec.progress import with_progress
from freegvc._codec.score import is_stream, score
from freegvc._codec.settings import settings_of
from freegvc._control.targets import Rate
from freegvc._numbers import real_number
from freegvc._video import open_video
from freegvc._warn import warn
from freegvc.errors import TargetError, TargetWarning, UsageError
from freegvc.metrics.scoring import DEFAULT_METRICS, check_metrics
from freegvc.priors.loading import DEFAULT_PRIOR

if TYPE_CHECKING:
    from freegvc._codec.settings import Settings
    from freegvc._video import FrameSource
    from freegvc.metrics import Metric
    from freegvc.metrics.metric import Weights
    from freegvc.metrics.registry import Distance
    from freegvc.metrics.scoring import Scores
    from freegvc.priors import Prior

FILLED = 0.9  # a stream that ends below this part of a rate does not reach it

# A listener for the events of one piece of work, such as "encode", while its `with` block lasts.
Show = Callable[[str], AbstractContextManager[events.OnEvent]]


@dataclass(frozen=True, slots=True)
class SweepPoint:
    """One rate of a sweep.

    Attributes:
        target_bpp: the rate that was asked for.
        stream: the one stream of the sweep, cut to that rate.
        scores: of its decode; None where nothing was scored.
    """

    target_bpp: float
    stream: CompressedVideo
    scores: Scores | None

    @property
    def bpp(self) -> float:
        """Bits per pixel of the stream, at most `target_bpp`."""
        return self.stream.bpp


def sweep(
    video: Any,
    *,
    rates: Sequence[float],
    metrics: str | Sequence[str | Metric | Distance] | None = None,
    reference: Any = None,
    weights: Weights = None,
    settings: Settings | None = None,
    prior: str | PathLike[str] | Prior | None = None,
    device: str | None = None,
    allow_large: bool = False,
    progress: bool = False,
    on_event: events.OnEvent = events.ignore,
) -> list[SweepPoint]:
    """Score a video at several rates, which takes one walk.

    The video is encoded once, at the highest rate. The lower ones are cut from that stream, each is
    decoded, and the decoded frames are compared with the original. A point equals what
    `CompressedVideo.truncate`, `decompress` and `score` give.

    Args:
        video: what `compress` takes. Or a stream that is cut as it is: the path of a .fgvc file,
            its bytes, or a `CompressedVideo`.
        rates: in bits per pixel of all frames, audio aside, in any order.
        metrics: as for `score`; by default PSNR and MS-SSIM. An empty sequence scores nothing, and
            then nothing is decoded.
        reference: the original of a stream, as for `score`. Without it, nothing is scored.
        weights: folder of the metrics' safetensors; by default as `freegvc.metrics` says.
        settings: as for `compress`; not for a stream.
        prior: as for `compress`, or of a stream as for `decompress`.
        device: where a prior that is not loaded yet runs; by default the CPU. The metrics' networks
            run where the prior runs.
        allow_large: as for `decompress`.
        progress: show bars, on a terminal or in a notebook.
        on_event: called with each event of encoding and decoding.

    Returns:
        A point for each rate, in ascending order. Rates too low for a single step are left out, and
        a `TargetWarning` names them, and those above what the stream can have.

    Raises:
        UsageError: arguments conflict or are out of range.
        TargetError: no rate can be reached.
        VideoError, StreamError, PriorError, MetricUnavailableError: as `compress`, `decompress` and
            `score` raise them.
    """

    def show(what: str) -> AbstractContextManager[events.OnEvent]:
        return with_progress(progress, what, on_event)

    return list(
        sweep_points(
            video,
            show,
            rates=rates,
            metrics=metrics,
            reference=reference,
            weights=weights,
            settings=settings,
            prior=prior,
            device=device,
            allow_large=allow_large,
        )
    )


def sweep_points(
    video: Any,
    show: Show,
    *,
    rates: Sequence[float],
    metrics: str | Sequence[str | Metric | Distance] | None = None,
    reference: Any = None,
    weights: Weights = None,
    settings: Settings | None = None,
    prior: str | PathLike[str] | Prior | None = None,
    device: str | None = None,
    allow_large: bool = False,
) -> Iterator[SweepPoint]:
    """The points of `sweep` one by one, each as soon as it is scored."""
    wanted = ascending(rates)
    if metrics is None:
        metrics = () if is_stream(video) and reference is None else DEFAULT_METRICS
    metrics = (metrics,) if isinstance(metrics, str) else tuple(metrics)
    check_metrics(metrics, weights=weights, device=_place(prior, device))
    model: Prior | None = None
    if is_stream(video):
        _check_stream_arguments(metrics, reference, settings)
        whole = open_compressed(video)
        if metrics:
            with open_video(reference) as original:
                _check_passes(original)
            if not allow_large:
                check_limits(whole)
            model = prior_to_decode(whole, prior, device, allow_large=allow_large)
    else:
        if reference is not None:
            raise UsageError("a video is its own reference: leave reference out, or give a stream")
        with open_video(video) as original:
            if metrics:
                _check_passes(original)
            model = prior_to_encode(
                DEFAULT_PRIOR if prior is None else prior,
                device,
                height=original.height,
                width=original.width,
                gop_length=settings_of(settings).gop_length,
            )
            with show("encode") as on_event:
                whole = compress(
                    original,
                    Rate(bpp=wanted[-1]),
                    settings=settings,
                    prior=model,
                    audio="drop",
                    on_event=on_event,
                )
    done: dict[bytes, Scores] = {}  # two rates may give the same stream
    for rate, cut in cut_to_rates(whole, wanted):
        if metrics and cut.data not in done:
            with show(f"score {rate:g} bpp") as on_event:
                done[cut.data] = score(
                    original.reopen(),
                    cut,
                    metrics=metrics,
                    weights=weights,
                    device=_place(model, None),
                    prior=model,
                    allow_large=True,  # the whole stream was checked, or made here
                    on_event=on_event,
                )
        yield SweepPoint(rate, cut, done.get(cut.data))


def ascending(rates: Sequence[float]) -> list[float]:
    """Each rate once.

    Raises:
        UsageError: there is none, or one is not above 0 and finite.
    """
    if not isinstance(rates, Iterable):
        raise UsageError(
            f"rates is {rates!r}, but must be numbers in bits per pixel, such as [0.1]"
        )
    wanted = sorted({real_number("a rate", rate) for rate in rates})
    if not wanted:
        raise UsageError("rates is empty: give at least one, in bits per pixel")
    for rate in wanted:
        if not 0.0 < rate < math.inf:
            raise UsageError(f"a rate is {rate:g} bpp, but must be above 0 and finite")
    return wanted


def _check_stream_arguments(
    metrics: Sequence[object], reference: object, settings: Settings | None
) -> None:
    if settings is not None:
        raise UsageError("settings say how to encode, but the input is a stream: leave them out")
    if metrics and reference is None:
        raise UsageError("scores of a stream need the original: give it as the reference")


def _check_passes(original: FrameSource) -> None:
    """Make sure, before any work, that the original can be read once for each rate."""
    original.reopen().close()


def _place(prior: str | PathLike[str] | Prior | None, device: str | None) -> str:
    """Where the metrics' networks run."""
    if prior is None or isinstance(prior, str | PathLike):
        return device or "cpu"
    return str(prior.device)


def cut_to_rates(
    whole: CompressedVideo, rates: Sequence[float]
) -> list[tuple[float, CompressedVideo]]:
    """The stream at each rate that it can be cut to.

    Raises:
        TargetError: there is none.
    """
    cuts, too_low = [], []
    for rate in rates:
        try:
            cut = whole.truncate(bpp=rate)
        except TargetError:
            cut = None
        if cut is None or not any(gop.num_steps for gop in cut.gops):
            too_low.append(rate)
        else:
            cuts.append((rate, cut))
    if not cuts:
        raise TargetError(
            f"{_named(rates)}: too low for a single step of this stream, which has "
            f"{whole.bpp:.4g} bpp: name higher rates"
        )
    if too_low:
        left_out = f"{_named(too_low)}: too low for a single step of this stream, and left out"
        warn(left_out, TargetWarning)
    too_high = [rate for rate in rates if FILLED * rate > whole.bpp]
    if too_high:
        beyond = f"{_named(too_high)}: more than this stream has, which ends at {whole.bpp:.4g} bpp"
        warn(beyond, TargetWarning)
    return cuts


def _named(rates: Sequence[float]) -> str:
    return f"{', '.join(f'{rate:g}' for rate in rates)} bpp"
