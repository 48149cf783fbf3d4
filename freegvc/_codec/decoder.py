"""Decompression as a story: bytes -> seeds -> trajectory steps -> latents -> frames -> video."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from os import PathLike
from typing import TYPE_CHECKING, BinaryIO, Never

import numpy as np
import numpy.typing as npt

from freegvc import events
from freegvc._codec.clock import clock_of, span_of
from freegvc._codec.compressed import CompressedVideo
from freegvc._codec.gop_decoder import GopDecoder
from freegvc._codec.keywords import refuse_moved
from freegvc._codec.limits import check_limits
from freegvc._codec.model import prior_to_decode, with_tiles_of
from freegvc._codec.progress import with_progress
from freegvc._trajectory import DRIFT_LIMIT_SIGMA
from freegvc._video import Colour, Video
from freegvc._warn import warn
from freegvc.errors import AudioWarning, DriftWarning, UsageError

if TYPE_CHECKING:
    from torch import Tensor

    from freegvc.priors import Prior

CompressedInput = CompressedVideo | bytes | bytearray | BinaryIO | str | PathLike[str]


def decompress(
    compressed: CompressedInput,
    *,
    frames: range | None = None,
    prior: str | PathLike[str] | Prior | None = None,
    device: str | None = None,
    allow_large: bool = False,
    progress: bool = False,
    on_event: events.OnEvent = events.ignore,
    **moved: Never,
) -> Video:
    """Decompress a stream into a video in memory; `decode_frames` does it frame by frame.

    Args:
        compressed: path of a .fgvc file, its bytes, a file that is open for reading bytes, or a
            `CompressedVideo`.
        frames: which ones, such as range(100, 200), with their sound; by default all. Only the GOPs
            that show them are decoded, and of the GOP before them the latents that they share, or
            of all GOPs before them if they are chained. `FrameReader` takes single frames.
        prior: what `load_prior` takes, such as the folder of a model, or a prior that it has
            loaded; by default the one that the stream names, in the encoder's arithmetic.
        device: where a prior that is not loaded yet runs, such as "cuda"; by default the CPU.
            Another device, arithmetic or attention kernel than the encoder's lets the picture
            drift a little and never breaks the parse; a DriftWarning says when it is more.
        allow_large: decode a stream even if it asks for far more memory or model calls than its
            bytes justify, as a hostile one may (docs/format.md).
        progress: show a bar, on a terminal or in a notebook.
        on_event: called with each event of `freegvc.events`.

    Raises:
        StreamError: the stream is damaged or not a freegvc stream.
        LargeStreamError: the stream asks for too much, and `allow_large` is false.
        PriorError: the prior cannot be loaded, or is not the encoder's.
        UsageError: a device for a prior that is loaded already, or frames that the video does not
            have.
    """
    refuse_moved("decompress", moved)
    stream = open_compressed(compressed)
    part = part_of(stream, frames)
    if not allow_large:
        check_limits(stream, in_memory=True, frames=part)
    with with_progress(progress, "decompress", on_event) as listener:
        model = prior_to_decode(stream, prior, device, allow_large=allow_large, frames=part)
        return video_of(stream, _decode_part(stream, model, part, listener), part)


def video_of(
    stream: CompressedVideo, frames: Iterable[npt.NDArray[np.uint8]], part: range | None = None
) -> Video:
    """The video of decoded frames, uint8 [H, W, 3]: those of a part, or all of a stream."""
    part = range(stream.header.num_frames) if part is None else part
    header = stream.header
    timestamps, last_frame_seconds = clock_of(stream, part)
    video = np.empty((len(part), header.height, header.width, 3), np.uint8)
    for place, frame in zip(video, frames, strict=True):
        place[:] = frame
    return Video(
        video,
        frame_rate=header.frame_rate,
        timestamps=timestamps,
        colour=Colour(*header.colour),
        pixel_aspect=header.pixel_aspect,
        audio=sound_of(stream, part),
        last_frame_seconds=last_frame_seconds,
    )


def decode_frames(
    compressed: CompressedInput,
    *,
    frames: range | None = None,
    prior: str | PathLike[str] | Prior | None = None,
    device: str | None = None,
    allow_large: bool = False,
    on_event: events.OnEvent = events.ignore,
    **moved: Never,
) -> Iterator[npt.NDArray[np.uint8]]:
    """Frames of a stream in order, uint8 [H, W, 3]; holds one GOP and its neighbour's overlap.

    Arguments and errors as for `decompress`; errors of stream and prior are raised at the call.
    """
    refuse_moved("decode_frames", moved)
    stream = open_compressed(compressed)
    part = part_of(stream, frames)
    if not allow_large:
        check_limits(stream, frames=part)
    model = prior_to_decode(stream, prior, device, allow_large=allow_large, frames=part)
    return _decode_part(stream, model, part, on_event)


def open_compressed(compressed: CompressedInput) -> CompressedVideo:
    """A `CompressedVideo` from a path, from bytes, from an open file, or as it is.

    Raises:
        UsageError: it is none of these.
        StreamError: it is no valid stream, or cannot be read.
    """
    if isinstance(compressed, CompressedVideo):
        return compressed
    if isinstance(compressed, str | PathLike):
        return CompressedVideo.open(compressed)
    read = getattr(compressed, "read", None)
    data = read() if callable(read) else compressed
    if not isinstance(data, bytes | bytearray | memoryview):
        raise UsageError(
            f"the stream is {type(compressed).__name__!r}, but must be a path, bytes, a file that "
            "is open for reading bytes, or a CompressedVideo"
        )
    return CompressedVideo(bytes(data))


def part_of(stream: CompressedVideo, frames: range | None) -> range:
    """The frames to decode, checked; all if none are named.

    Raises:
        UsageError: they are none, not one after the other, or outside of the video.
    """
    num_frames = stream.header.num_frames
    if frames is None:
        return range(num_frames)
    if not isinstance(frames, range) or frames.step != 1:
        raise UsageError(
            f"frames is {frames!r}, but must be a range of frames one after the other, such as "
            "range(100, 200); index a FrameReader for others"
        )
    if not 0 <= frames.start < frames.stop <= num_frames:
        raise UsageError(
            f"frames are {frames.start} up to {frames.stop}, but must be one or more of the "
            f"{num_frames} of the video, 0 up to {num_frames}"
        )
    return frames


def sound_of(stream: CompressedVideo, part: range) -> bytes | None:
    """The audio to write with the frames of a part; damaged audio is left out with a warning."""
    if stream.audio is None or len(part) == stream.header.num_frames:
        return stream.audio
    from freegvc._video.audio_cut import cut_audio

    try:
        return cut_audio(stream.audio, *span_of(stream, part))
    except UsageError as error:
        warn(f"the sound of these frames is left out: {error}", AudioWarning)
        return None


def _decode_part(
    stream: CompressedVideo, prior: Prior, part: range, on_event: events.OnEvent
) -> Iterator[npt.NDArray[np.uint8]]:
    header, decoder = stream.header, GopDecoder(stream, prior)
    drifts: dict[int, float] = {}
    gops = decoder.gops_of(part)
    for k in gops:
        on_event(events.GopStarted(k, header.num_gops, len(header.gop_frames(k))))
        gop = decoder.decode(k)
        shown = range(gop.first_frame, gop.first_frame + len(gop.frames))
        wanted = range(max(shown.start, part.start), min(shown.stop, part.stop))
        drift = gop.drift_sigma
        on_event(
            events.GopDecoded(
                k, header.num_gops, wanted.start, len(wanted), dict(gop.seconds), drift
            )
        )
        drifts[k] = drift or 0.0
        if k == gops[-1]:
            warn_of_drift(drifts)
        yield from gop.frames[wanted.start - shown.start : wanted.stop - shown.start]


def warn_of_drift(drifts: dict[int, float]) -> None:
    """One warning for the worst GOP of a stream, if it is bad."""
    worst = max(drifts, key=lambda gop: drifts[gop])
    if drifts[worst] > DRIFT_LIMIT_SIGMA:
        warn(
            f"GOP {worst} has drifted {drifts[worst]:.2f} sigma from the encoder's walk, more than "
            f"{DRIFT_LIMIT_SIGMA}: the picture is worse than the one that was coded; decode with "
            "the encoder's dtype, attention kernel and device",
            DriftWarning,
        )


def decode_gop(stream: CompressedVideo, prior: Prior, gop: int) -> Tensor:
    """Clean latent of one GOP before fusion, float32 [C, T', h', w'].

    It needs no other GOP, or all those before it if they are chained.
    """
    return GopDecoder(stream, with_tiles_of(stream.header, prior)).latent(gop)
