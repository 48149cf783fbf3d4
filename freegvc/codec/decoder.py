"""Decompression as a story: bytes -> seeds -> trajectory steps -> latents -> frames -> video."""

from __future__ import annotations

import time
from collections.abc import Iterator
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from freegvc.bitstream import decode_packet
from freegvc.codec import events
from freegvc.codec.compressed import CompressedVideo
from freegvc.codec.encoder import FUSION_ONE
from freegvc.errors import PriorMismatchError
from freegvc.video import Colour, Video

if TYPE_CHECKING:
    from torch import Tensor

    from freegvc.bitstream import Header
    from freegvc.priors import Prior

CompressedInput = CompressedVideo | bytes | str | PathLike[str]


def decompress(
    compressed: CompressedInput,
    *,
    prior: Prior | None = None,
    device: str = "cpu",
    dtype: str | None = None,
    on_event: events.OnEvent = events.ignore,
) -> Video:
    """Decompress a stream into a video in memory; `decode_frames` does it frame by frame.

    Args:
        compressed: path of a .fgvc file, its bytes, or a `CompressedVideo`.
        prior: a loaded prior; by default the one that the stream names.
        device: where the prior runs, unless `prior` is given.
        dtype: arithmetic of the prior; by default the encoder's. Another one lets the picture
            drift a little and never breaks the parse.
        on_event: called with each `freegvc.codec.events` event.

    Raises:
        StreamError: the stream is damaged or not a freegvc stream.
        PriorError: the prior cannot be loaded, or is not the encoder's.
    """
    stream = open_compressed(compressed)
    frames = decode_frames(stream, prior=prior, device=device, dtype=dtype, on_event=on_event)
    header = stream.header
    return Video(
        np.stack(list(frames)),
        frame_rate=header.frame_rate,
        timestamps=stream.timestamps,
        colour=Colour(*header.colour),
        pixel_aspect=header.pixel_aspect,
        audio=stream.audio,
    )


def decode_frames(
    compressed: CompressedInput,
    *,
    prior: Prior | None = None,
    device: str = "cpu",
    dtype: str | None = None,
    on_event: events.OnEvent = events.ignore,
) -> Iterator[npt.NDArray[np.uint8]]:
    """Frames of a stream in order, uint8 [H, W, 3]; holds one GOP and its neighbour's overlap.

    Arguments and errors as for `decompress`; errors of stream and prior are raised at the call.
    """
    stream = open_compressed(compressed)
    model = prior or _load_prior(stream.header, device, dtype)
    if (model.name, model.fingerprint) != (stream.header.prior, stream.header.fingerprint):
        raise PriorMismatchError(
            f"the stream was written with prior {stream.header.prior!r}, fingerprint "
            f"{stream.header.fingerprint.hex()}, but {model.name!r} here has fingerprint "
            f"{model.fingerprint.hex()}; decode with the encoder's weights and release"
        )
    return _decode_gops(stream, model, on_event)


def open_compressed(compressed: CompressedInput) -> CompressedVideo:
    """A `CompressedVideo` from a path, from bytes, or as it is."""
    if isinstance(compressed, CompressedVideo):
        return compressed
    if isinstance(compressed, bytes):
        return CompressedVideo(compressed)
    return CompressedVideo.open(Path(compressed))


def _load_prior(header: Header, device: str, dtype: str | None) -> Prior:
    from freegvc.priors import load_prior

    return load_prior(header.prior, device=device, dtype=dtype or header.numerics)


def _decode_gops(
    stream: CompressedVideo, prior: Prior, on_event: events.OnEvent
) -> Iterator[npt.NDArray[np.uint8]]:
    from freegvc.trajectory import fuse

    header = stream.header
    advance = header.gop_length - header.overlap
    shared = prior.latent.overlap(header.overlap)
    first_shared = advance // prior.latent.temporal_stride
    weights = [w / FUSION_ONE for w in header.fusion_weights]
    if len(weights) == 1:
        weights *= shared
    tail: Tensor | None = None
    for k in range(header.num_gops):
        num_frames = len(header.gop_frames(k))
        on_event(events.GopStarted(k, header.num_gops, num_frames))
        began = time.perf_counter()
        latent = decode_gop(stream, prior, k)
        walked = time.perf_counter()
        next_tail = latent[:, first_shared : first_shared + shared]
        if tail is not None and shared:
            latent = fuse(tail, latent, weights)
        tail = next_tail
        frames = prior.decode_latent(latent, header.height, header.width)[:num_frames]
        seconds = {"walk": walked - began, "frames": time.perf_counter() - walked}
        on_event(events.GopDecoded(k, header.num_gops, seconds))
        yield from frames if k == header.num_gops - 1 else frames[:advance]


def decode_gop(stream: CompressedVideo, prior: Prior, gop: int) -> Tensor:
    """Clean latent of one GOP before fusion, float32 [C, T', h', w']; needs no other GOP."""
    from freegvc.channel.coders import make_coder
    from freegvc.trajectory import receive

    header = stream.header
    packet = decode_packet(
        stream.stream.packets[gop],
        start_timestep=header.start_timestep,
        coder=header.coder,
        gop=gop,
    )
    shape = prior.latent.shape(len(header.gop_frames(gop)), header.height, header.width)
    coder = make_coder(header.coder, prior.device)
    walk, state = receive(prior, packet, coder, shape, key=header.key, gop=gop)
    return walk.finish(state, sampler=header.sampler, silent_steps=header.silent_steps)
