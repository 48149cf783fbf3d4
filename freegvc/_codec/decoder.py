"""Decompression as a story: bytes -> seeds -> trajectory steps -> latents -> frames -> video."""

from __future__ import annotations

import time
from collections.abc import Iterator
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Never

import numpy as np
import numpy.typing as npt

from freegvc import events
from freegvc._codec.compressed import CompressedVideo
from freegvc._codec.keywords import refuse_moved
from freegvc._codec.limits import check_limits
from freegvc._codec.model import prior_to_decode, with_tiles_of
from freegvc._codec.progress import with_progress
from freegvc._trajectory import DRIFT_LIMIT_SIGMA, Seams, Silent, receive
from freegvc._video import Colour, Video
from freegvc._warn import warn
from freegvc.errors import DriftWarning

if TYPE_CHECKING:
    from torch import Tensor

    from freegvc.priors import Prior

OTHER_DEVICE = "decode on a device with more memory, such as --device cpu"
CompressedInput = CompressedVideo | bytes | str | PathLike[str]


def decompress(
    compressed: CompressedInput,
    *,
    prior: str | PathLike[str] | Prior | None = None,
    device: str | None = None,
    allow_large: bool = False,
    progress: bool = False,
    on_event: events.OnEvent = events.ignore,
    **moved: Never,
) -> Video:
    """Decompress a stream into a video in memory; `decode_frames` does it frame by frame.

    Args:
        compressed: path of a .fgvc file, its bytes, or a `CompressedVideo`.
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
        UsageError: a device for a prior that is loaded already.
    """
    refuse_moved("decompress", moved)
    stream = open_compressed(compressed)
    if not allow_large:
        check_limits(stream, in_memory=True)
    with with_progress(progress, "decompress", on_event) as listener:
        model = prior_to_decode(stream, prior, device, allow_large=allow_large)
        return video_of(stream, list(_decode_gops(stream, model, listener)))


def video_of(stream: CompressedVideo, frames: list[npt.NDArray[np.uint8]]) -> Video:
    """The video of a stream, with all its frames, uint8 [H, W, 3]."""
    header = stream.header
    return Video(
        np.stack(frames),
        frame_rate=header.frame_rate,
        timestamps=stream.timestamps,
        colour=Colour(*header.colour),
        pixel_aspect=header.pixel_aspect,
        audio=stream.audio,
        last_frame_seconds=stream.last_frame_seconds,
    )


def decode_frames(
    compressed: CompressedInput,
    *,
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
    if not allow_large:
        check_limits(stream)
    model = prior_to_decode(stream, prior, device, allow_large=allow_large)
    return _decode_gops(stream, model, on_event)


def open_compressed(compressed: CompressedInput) -> CompressedVideo:
    """A `CompressedVideo` from a path, from bytes, or as it is."""
    if isinstance(compressed, CompressedVideo):
        return compressed
    if isinstance(compressed, bytes):
        return CompressedVideo(compressed)
    return CompressedVideo.open(Path(compressed))


def _decode_gops(
    stream: CompressedVideo, prior: Prior, on_event: events.OnEvent
) -> Iterator[npt.NDArray[np.uint8]]:
    from freegvc.priors.out_of_memory import prior_out_of_memory_named

    header = stream.header
    plan, seams = header.plan, Seams(header, prior)
    tail: Tensor | None = None
    drifts: dict[int, float] = {}
    for k in range(header.num_gops):
        covered = header.gop_frames(k)
        on_event(events.GopStarted(k, header.num_gops, len(covered)))
        began = time.perf_counter()
        is_last = k == header.num_gops - 1
        shown = seams.shown(k, plan.advance(k), is_last=is_last)
        with prior_out_of_memory_named("decompress", prior, OTHER_DEVICE):
            latent, drift = latent_and_drift(stream, prior, k, tail if header.chain else None)
            walked = time.perf_counter()
            frames = seams.frames(latent, tail, shown)
            tail = None if is_last else seams.tail(latent, plan.advance(k))
        seconds = {"walk": walked - began, "frames": time.perf_counter() - walked}
        first = covered.start + shown.start
        on_event(events.GopDecoded(k, header.num_gops, first, len(shown), seconds, drift))
        drifts[k] = drift or 0.0
        if is_last:
            warn_of_drift(drifts)
        yield from frames


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
    header, prior = stream.header, with_tiles_of(stream.header, prior)
    seams, known = Seams(header, prior), None
    for k in range(gop) if header.chain else ():
        latent, _ = latent_and_drift(stream, prior, k, known)
        known = seams.tail(latent, header.plan.advance(k))
    return latent_and_drift(stream, prior, gop, known)[0]


def latent_and_drift(
    stream: CompressedVideo, prior: Prior, gop: int, known: Tensor | None
) -> tuple[Tensor, float | None]:
    """Clean latent of one GOP before fusion, and its drift in sigma.

    Args:
        stream: of the GOP.
        prior: with the stream's tiles.
        gop: its index.
        known: if GOPs are chained, `Seams.tail` of the GOP before.
    """
    from freegvc._channel.coders import make_coder

    header = stream.header
    packet = stream.packet(gop)
    shape = prior.latent.shape(len(header.gop_frames(gop)), header.height, header.width)
    coder = make_coder(header.coder, prior.device)
    received = receive(prior, packet, coder, shape, key=header.key, gop=gop, known=known)
    return received.walk.finish(received.state, Silent.of(header)), received.drift_sigma
