"""view: a page that plays a source and versions of it in step."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from freegvc._cli.page_file import check_page, save_page, viewed_gops
from freegvc._cli.parser import add_allow_large, add_force, add_input_options
from freegvc._cli.part_options import add_part, chosen_frames, chosen_frames_of_video
from freegvc._cli.paths import STANDARD, file_bytes, printable, readable_video, say
from freegvc._cli.progress import FrameCount, show_progress
from freegvc._cli.reading import is_raw, reading_of
from freegvc._cli.score import add_metric_options, metrics_of
from freegvc._page.clip import ClipEncoder, decode_clip
from freegvc._page.fitting import check_page_bytes
from freegvc._page.view import Version, ViewedGop
from freegvc.errors import UsageError

if TYPE_CHECKING:
    from freegvc._codec.compressed import CompressedVideo
    from freegvc._codec.kept_prior import KeptPrior
    from freegvc._page.clip import Frame, PageClip, Pixels
    from freegvc._video import FrameSource
    from freegvc.events import Event

NO_METRIC = "none"


def declare_view(parser: argparse.ArgumentParser) -> None:
    """The videos, the page, and what it shows."""
    parser.add_argument("source", help="the original: any video that compress takes")
    parser.add_argument(
        "versions",
        nargs="+",
        metavar="version",
        help="any video, or a .fgvc file, which is decoded",
    )
    output = parser.add_argument_group("the page")
    output.add_argument(
        "--out",
        type=Path,
        default=Path("view.html"),
        metavar="FILE.html",
        help="the page to write (default: %(default)s)",
    )
    output.add_argument("--title", help="of the page (default: the names of the videos)")
    output.add_argument(
        "--pixels",
        choices=("exact", "close"),
        help="exact: every sample of the decoded frames; close: no visible difference, a third of "
        "the bytes (default: exact where the page stays below 15 MB)",
    )
    add_force(output)
    add_metric_options(parser, NO_METRIC)
    streams = parser.add_argument_group("decoding .fgvc files")
    streams.add_argument(
        "--prior",
        metavar="NAME",
        help="a prior's name, or the folder of a model (default: their own)",
    )
    add_allow_large(streams)
    add_part(parser)
    add_input_options(parser, "a video")
    parser.set_defaults(run=_view)


@dataclass(frozen=True, slots=True)
class _Input:
    """A video of the command line: the name that the page shows, its path, how to read it.

    A stream is decoded with the prior that is kept of the one before, if it will do.
    """

    label: str
    path: str
    reading: dict[str, Any]
    kept: KeptPrior

    @contextmanager
    def open(self) -> Iterator[FrameSource | CompressedVideo]:
        """The video, or the stream if it is one."""
        from freegvc._codec.compressed import CompressedVideo
        from freegvc._codec.score import is_stream
        from freegvc._video import open_video

        if is_stream(self.path):
            yield CompressedVideo.open(self.path)
        else:
            with open_video(self.path, **self.reading) as video:
                yield video


def _view(arguments: argparse.Namespace) -> int:
    from freegvc._codec.kept_prior import KeptPrior
    from freegvc.metrics import METRICS

    names = [arguments.source, *arguments.versions]
    check_page(arguments.out, "--out", names, overwrite=arguments.force)
    if names.count(STANDARD) > 1:
        raise UsageError("standard input is read once: only one of the videos can be -")
    metrics = _frame_metrics(arguments)
    raw_pipe = arguments.size is not None and not any(map(is_raw, names))
    with ExitStack() as stack:
        paths = [stack.enter_context(readable_video(name, is_raw=raw_pipe)) for name in names]
        labels, readings, kept = _labels(names), reading_of(arguments, paths), KeptPrior()
        inputs = [_Input(*each, kept) for each in zip(labels, paths, readings, strict=True)]
        _check_alike(inputs)
        with inputs[0].open() as video:
            part = _part(arguments, video)
            source, frame_rate = _source(arguments, inputs[0], video, part, len(inputs))
        others = [_version(arguments, each, source.clip, part, metrics) for each in inputs[1:]]
    for name in metrics:
        if name not in others[0].scores:
            say(f"view: without {name}: {METRICS[name].label} is not defined for these frames")
    save_page(
        arguments.out,
        [source, *others],
        title=arguments.title or " · ".join(labels),
        frame_rate=frame_rate,
        metrics=[METRICS[name] for name in metrics if name in others[0].scores],
        first_frame=part.start if part else 0,
        pixels=arguments.pixels,
        overwrite=arguments.force,
    )
    return 0


def _frame_metrics(arguments: argparse.Namespace) -> tuple[str, ...]:
    """The metrics to compute: those that score frames.

    Raises:
        UsageError: one that does not, such as FID, is named.
    """
    from freegvc.metrics import FID, METRICS

    if arguments.metrics == NO_METRIC:
        return ()
    single = {FID, *(name for name, metric in METRICS.items() if metric.is_single)}
    for name in [name.strip() for name in arguments.metrics.split(",")]:
        if name in single:
            raise UsageError(f"{name} scores a whole video, but a page shows frames: leave it out")
    metrics = metrics_of(arguments.metrics, arguments.metric_weights, arguments.device)
    return tuple(name for name in metrics if name not in single)


def _labels(names: list[str]) -> list[str]:
    """The last parts of the paths, or all of them where two are equal; copies are numbered."""
    labels = [printable(Path(name).name or name) for name in names]
    if len(set(labels)) < len(set(names)):
        labels = [printable(name) for name in names]
    return [
        f"{label} ({labels[: k + 1].count(label)})" if labels.count(label) > 1 else label
        for k, label in enumerate(labels)
    ]


def _check_alike(inputs: list[_Input]) -> None:
    """Refuse, before anything is decoded, videos that cannot be opened or differ in size.

    Raises:
        UsageError: two sizes differ.
        VideoReadError, StreamError: one cannot be read.
    """
    from freegvc._codec.compressed import CompressedVideo

    sizes = []
    for entry in inputs:
        with entry.open() as video:
            shape = video.header if isinstance(video, CompressedVideo) else video
            sizes.append((shape.width, shape.height))
    for entry, size in zip(inputs, sizes, strict=True):
        if size != sizes[0]:
            raise UsageError(
                f"{entry.label} measures {size[0]}x{size[1]}, but {inputs[0].label} "
                f"{sizes[0][0]}x{sizes[0][1]}: compare videos of one size"
            )


def _part(arguments: argparse.Namespace, video: FrameSource | CompressedVideo) -> range | None:
    """The frames that the options name, of the source; None for all."""
    from freegvc._codec.compressed import CompressedVideo

    if isinstance(video, CompressedVideo):
        return chosen_frames(arguments, video)
    return chosen_frames_of_video(arguments, video)


def _source(
    arguments: argparse.Namespace,
    entry: _Input,
    video: FrameSource | CompressedVideo,
    part: range | None,
    num_videos: int,
) -> tuple[Version, Fraction]:
    """The source, and its frame rate."""
    encoder, gops = ClipEncoder(), list[ViewedGop]()
    pixels: Pixels = arguments.pixels or "close"
    for index, frame in enumerate(_frames(arguments, entry, video, part, gops)):
        encoder.write(frame)
        check_page_bytes(num_videos * encoder.num_bytes, index + 1, pixels, are_exact=True)
    clip = encoder.finish()
    return _described(entry, video, clip, gops, {}), _frame_rate(video)


def _version(
    arguments: argparse.Namespace,
    entry: _Input,
    source: PageClip,
    part: range | None,
    metrics: tuple[str, ...],
) -> Version:
    """A version, scored against the source as the page embeds it, which is exact."""
    from freegvc.metrics.scoring import score_frames

    encoder, gops = ClipEncoder(), list[ViewedGop]()

    def on_pair(index: int, a: Frame, b: Frame) -> None:
        encoder.write(b)

    with entry.open() as video:
        frames = _frames(arguments, entry, video, part, gops)
        try:
            scores = score_frames(
                decode_clip(source),
                frames,
                on_pair,
                metrics=metrics,
                weights=arguments.metric_weights,
                device=arguments.device,
            )
        except UsageError as error:
            raise UsageError(f"{entry.label}: {error}") from error
        known = {name: values for name, values in scores.per_frame.items() if values is not None}
        return _described(entry, video, encoder.finish(), gops, known)


def _frames(
    arguments: argparse.Namespace,
    entry: _Input,
    video: FrameSource | CompressedVideo,
    part: range | None,
    gops: list[ViewedGop],
) -> Iterator[Frame]:
    """The frames of a part, with progress on stderr; `gops` takes those of a stream."""
    from freegvc._codec.compressed import CompressedVideo
    from freegvc._codec.decoder import decode_frames
    from freegvc._codec.limits import check_limits
    from freegvc.events import GopDecoded

    if not isinstance(video, CompressedVideo):
        counted = FrameCount(f"view {entry.label}")
        start, stop = (part.start, part.stop) if part else (0, None)
        for index, frame in enumerate(islice(video, start, stop)):
            counted(index)
            yield frame
        return
    with show_progress("view", None, entry.label) as show:

        def on_event(event: Event) -> None:
            if isinstance(event, GopDecoded):
                shown = range(event.first_frame, event.first_frame + event.num_frames)
                gops.extend(viewed_gops(video, event.gop, shown, part))
            show(event)

        if not arguments.allow_large:
            check_limits(video, frames=part)  # before the model is loaded
        yield from decode_frames(
            video,
            frames=part,
            prior=entry.kept.of_stream(video, arguments.prior, device=arguments.device),
            allow_large=arguments.allow_large,
            on_event=on_event,
        )


def _described(
    entry: _Input,
    video: FrameSource | CompressedVideo,
    clip: PageClip,
    gops: list[ViewedGop],
    scores: dict[str, list[float]],
) -> Version:
    from freegvc._codec.compressed import CompressedVideo

    num_bytes = file_bytes(entry.path)
    if isinstance(video, CompressedVideo):
        bpp: float | None = video.bpp
    elif video.num_frames is None:  # only a part of it was read
        bpp = None
    else:
        bpp = 8.0 * num_bytes / (video.num_frames * video.width * video.height)
    return Version(entry.label, clip, num_bytes, bpp, tuple(gops), scores)


def _frame_rate(video: FrameSource | CompressedVideo) -> Fraction:
    from freegvc._codec.compressed import CompressedVideo

    return video.header.frame_rate if isinstance(video, CompressedVideo) else video.frame_rate
