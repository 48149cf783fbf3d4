"""Compression on workers: GOPs go out as they are read, and come back into the journal in order."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any, Unpack

from freegvc import events
from freegvc._codec.compressed import CompressedVideo
from freegvc._codec.journal import finished_before
from freegvc._codec.keywords import one_target
from freegvc._codec.progress import with_progress
from freegvc._codec.settings import Settings, settings_of
from freegvc._control.targets import Target, TargetKeywords
from freegvc._video import open_video
from freegvc.cluster.gop_driver import Job, finished_by
from freegvc.cluster.worker import PriorChoice
from freegvc.cluster.workers import Workers
from freegvc.errors import UsageError
from freegvc.priors.loading import DEFAULT_PRIOR


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
    wanted, choice = one_target(target, keywords), prior_choice(prior, prior_options, workers)
    with open_video(video) as source, with_progress(progress, "compress", on_event) as listener:
        job = Job(source, wanted, settings_of(settings), choice, audio, listener)
        return finished_by(workers, job.steps(workers))


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
    wanted, choice = one_target(target, keywords), prior_choice(prior, prior_options, workers)
    path = Path(path)
    if finished_before(path, video, resume=resume, overwrite=overwrite):
        return CompressedVideo.open(path)
    with open_video(video) as source, with_progress(progress, "compress", on_event) as listener:
        job = Job(source, wanted, settings_of(settings), choice, audio, listener)
        steps = job.steps_to_file(workers, path, resume=resume, overwrite=overwrite)
        return finished_by(workers, steps)


def prior_choice(prior: object, options: Mapping[str, Any] | None, workers: Workers) -> PriorChoice:
    """The prior that workers load.

    Raises:
        UsageError: it is loaded already.
    """
    if not isinstance(prior, str | PathLike):
        raise UsageError(
            f"prior is {prior!r}, but workers load it themselves: give its name and prior_options"
        )
    return PriorChoice(prior, {"device": workers.device, **(options or {})})
