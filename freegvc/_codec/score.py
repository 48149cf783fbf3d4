"""Scores of a video or a stream against its original."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from freegvc import events
from freegvc._codec.compressed import CompressedVideo
from freegvc._codec.decoder import decode_frames
from freegvc._video import open_video
from freegvc.metrics.scoring import DEFAULT_METRICS, Scores, check_metrics, score_frames

if TYPE_CHECKING:
    from freegvc.metrics import Metric
    from freegvc.metrics.metric import Weights
    from freegvc.metrics.registry import Distance
    from freegvc.metrics.scoring import Frame, OnPair
    from freegvc.priors import Prior


def score(
    reference: Any,
    distorted: Any,
    *,
    metrics: str | Sequence[str | Metric | Distance] = DEFAULT_METRICS,
    weights: Weights = None,
    device: str = "cpu",
    prior: str | PathLike[str] | Prior | None = None,
    allow_large: bool = False,
    on_event: events.OnEvent = events.ignore,
    on_pair: OnPair = lambda index, a, b: None,
) -> Scores:
    """Compare a video with its original, frame by frame; memory does not grow with their length.

    Args:
        reference, distorted: the original and the other video. Each is anything that `open_video`
            takes, including an opened source for raw video, or a stream, which is decoded: the path
            of a .fgvc file, its bytes, or a `CompressedVideo`.
        metrics: a name in `freegvc.metrics.METRIC_NAMES`, or a sequence of names, `Metric` objects,
            and functions as `freegvc.metrics.as_metric` takes them.
        weights: folder of the metrics' safetensors; by default as `freegvc.metrics` says.
        device: where the metrics' networks and the prior of a stream run.
        prior: of a stream, as for `decompress`; by default the one that it names.
        allow_large: of a stream, as for `decompress`.
        on_event: called with each event of decoding.
        on_pair: called with the index of each frame and its two versions, uint8 [H, W, 3].

    Returns:
        The scores of each frame, with `.mean(metric)`, `.worst(metric)` and `.per_frame`.

    Raises:
        UsageError: a metric does not exist, or the videos differ in size or number of frames.
        MetricUnavailableError: weights or a package of a metric are missing.
        VideoError, StreamError, PriorError: as reading and decoding raise them.
    """
    metrics = [metrics] if isinstance(metrics, str) else metrics
    check_metrics(metrics, weights=weights, device=device)
    with (
        frames_of(reference, prior, device, allow_large, on_event) as references,
        frames_of(distorted, prior, device, allow_large, on_event) as frames,
    ):
        return score_frames(
            references, frames, on_pair, metrics=metrics, weights=weights, device=device
        )


@contextmanager
def frames_of(
    video: Any,
    prior: str | PathLike[str] | Prior | None,
    device: str,
    allow_large: bool,
    on_event: events.OnEvent = events.ignore,
) -> Iterator[Iterable[Frame]]:
    """The frames of a video or of a decoded stream, uint8 [H, W, 3]; arguments as for `score`."""
    if is_stream(video):
        is_loaded = not (prior is None or isinstance(prior, str | PathLike))
        where = None if is_loaded else device
        yield decode_frames(
            video, prior=prior, device=where, allow_large=allow_large, on_event=on_event
        )
    else:
        with open_video(video) as source:
            yield source


def is_stream(video: Any) -> bool:
    """Whether a video is a .fgvc file, its bytes, or a `CompressedVideo`."""
    if isinstance(video, str | PathLike):
        path = Path(video)
        return path.suffix.lower() == ".fgvc" and not path.is_dir()
    return isinstance(video, CompressedVideo | bytes | bytearray)
