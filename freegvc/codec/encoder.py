"""Compression as a story: video -> GOPs -> latents -> trajectory steps -> seeds -> bytes."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import astuple, dataclass, replace
from fractions import Fraction
from functools import partial
from os import PathLike
from typing import TYPE_CHECKING, Any

from freegvc.bitstream import Header, Stream, Timestamps, write_stream
from freegvc.codec import events
from freegvc.codec.compressed import CompressedVideo
from freegvc.codec.gop_walk import GopWalk
from freegvc.control import (
    QualityTarget,
    RateTarget,
    StepTarget,
    Target,
    make_target,
    stop_at_quality,
    stop_at_step,
    stop_within_bytes,
)
from freegvc.errors import UsageError
from freegvc.video import Video, cut_gops, open_video, read_audio

if TYPE_CHECKING:
    from freegvc.channel.coders import ChannelCoder
    from freegvc.priors import Prior
    from freegvc.video import FrameSource, Gop

DEFAULT_GOP_LENGTH, DEFAULT_OVERLAP = 48, 4
FUSION_ONE = 128  # fusion weights travel as integers over 128


def compress(
    video: Any,
    *,
    stop_step: int | None = None,
    target_bpp: float | None = None,
    target_bytes: int | None = None,
    target_psnr: float | None = None,
    target_ms_ssim: float | None = None,
    prior: str | Prior = "analytic",
    coder: str | ChannelCoder = "trellis",
    gop_length: int = DEFAULT_GOP_LENGTH,
    overlap: int = DEFAULT_OVERLAP,
    gamma: float | Callable[[int], float] = 0.5,
    audio: str = "drop",
    device: str = "cpu",
    size: str | None = None,
    fps: float | str | Fraction | None = None,
    pix_fmt: str | None = None,
    on_event: events.OnEvent = events.ignore,
) -> CompressedVideo:
    """Compress a video.

    At most one target; without one, 0.02 bits per pixel.

    Args:
        video: path of anything PyAV reads, a .y4m, a raw .yuv (with `size`, `fps`, `pix_fmt`), a
            folder of images, a `Video`, or a uint8 array or tensor [T, H, W, 3].
        stop_step: timestep of the prior's schedule at which every GOP stops; larger is noisier.
        target_bpp: upper bound in bits per pixel of all frames, header and all, audio aside.
        target_bytes: upper bound for the bytes of the file, audio aside.
        target_psnr: mean RGB PSNR in dB that every GOP reaches.
        target_ms_ssim: mean MS-SSIM that every GOP reaches.
        prior: name for `load_prior`, or a prior.
        coder: "trellis", "pfr" (the paper's), or a coder on the prior's device.
        gop_length: l, frames per GOP.
        overlap: m, frames shared by neighbouring GOPs.
        gamma: fusion weight of the newer GOP, a number or a function of the overlapping latent's
            index, in 0 .. 1 (paper, eq. 17).
        audio: "copy" carries the input's audio streams in the file, untouched; "drop" does not.
        device: where the prior runs, if `prior` is a name.
        size, fps, pix_fmt: for raw .yuv; `fps` also for a folder of images or an array.
        on_event: called with each `freegvc.codec.events` event.

    Returns:
        The stream, with `.save(path)`, `.num_bytes`, `.bpp` and `.gops`.

    Raises:
        UsageError: arguments conflict or are out of range.
        VideoError: the video cannot be read, or is outside what is supported.
        PriorError: the prior cannot be used.
        TargetError: the target cannot be reached.
    """
    from freegvc.channel.coders import make_coder
    from freegvc.priors import load_prior

    target = make_target(
        stop_step=stop_step,
        target_bpp=target_bpp,
        target_bytes=target_bytes,
        target_psnr=target_psnr,
        target_ms_ssim=target_ms_ssim,
    )
    if audio not in ("copy", "drop"):
        raise UsageError(f'audio is {audio!r}, but must be "copy" or "drop"')
    model = load_prior(prior, device=device) if isinstance(prior, str) else prior
    channel = make_coder(coder, model.device) if isinstance(coder, str) else coder
    if isinstance(target, StepTarget) and target.stop_step > model.schedule.start:
        raise UsageError(
            f"stop_step is {target.stop_step}, but the schedule of prior {model.name!r} starts at "
            f"{model.schedule.start}; choose 0 .. {model.schedule.start}"
        )
    raw: dict[str, Any] = {"size": size, "fps": fps, "pix_fmt": pix_fmt}
    with open_video(video, **raw) as source:
        header = _first_header(source, model, channel.name, gop_length, overlap, gamma)
        num_frames = source.num_frames
        if isinstance(target, RateTarget) and target.num_bytes and num_frames is None:
            num_frames = _count_frames(video, raw)
        encoder = _Encoder(model, channel, target, header, num_frames, on_event)
        for gop in cut_gops(source, gop_length, overlap):
            encoder.add(gop, source.timestamps() if gop.is_last else None)
    carried = _audio_of(video) if audio == "copy" else None
    return CompressedVideo(write_stream(replace(encoder.stream, audio=carried)))


@dataclass
class _Encoder:
    """What grows while GOPs are coded: a stream that is valid after each of them."""

    prior: Prior
    coder: ChannelCoder
    target: Target
    header: Header
    num_frames: int | None  # of the whole video, as far as known
    on_event: events.OnEvent
    packets: tuple[bytes, ...] = ()
    timestamps: Timestamps | None = None

    @property
    def stream(self) -> Stream:
        return Stream(self.header, self.packets, timestamps=self.timestamps, audio=None)

    def add(self, gop: Gop, timestamps: tuple[Fraction, ...] | None) -> None:
        """Code one GOP."""
        from freegvc.trajectory import grid_to

        num_frames = gop.first_frame + len(gop.frames)
        self.header = replace(self.header, num_frames=num_frames)
        self.timestamps = _ticks(timestamps) if timestamps else None
        self.on_event(events.GopStarted(gop.index, self._num_gops(), len(gop.frames)))
        began = time.perf_counter()
        latent = self.prior.encode_frames(gop.frames)
        encoded = time.perf_counter()
        walk = GopWalk(
            self.prior,
            self.coder,
            gop,
            latent,
            before=self.stream,
            share_done=self._share_done,
            on_event=self.on_event,
        )
        schedule = self.prior.schedule
        score = None
        match self.target:
            case StepTarget(stop):
                stop_at_step(walk, grid_to(schedule, stop))
            case RateTarget():
                budget = self._budget_bytes(self.target)
                stop_within_bytes(walk, grid_to(schedule, 0), budget, walk.num_file_bytes)
            case QualityTarget(metric, wanted):
                score_of = partial(walk.score, metric=metric)
                score = stop_at_quality(walk, grid_to(schedule, 0), wanted, score_of)
        packet = walk.packet()
        self.packets += (packet,)
        seconds = {"frames": encoded - began, "walk": time.perf_counter() - encoded}
        self.on_event(
            events.GopDone(gop.index, walk.timestep, walk.num_steps, len(packet), score, seconds)
        )

    def _num_gops(self) -> int | None:
        if self.num_frames is None:
            return None
        return replace(self.header, num_frames=max(self.num_frames, 1)).num_gops

    def _share_done(self, walk: GopWalk) -> float:
        match self.target:
            case StepTarget(stop):
                start = self.header.start_timestep
                return (start - walk.timestep) / max(start - stop, 1)
            case RateTarget():
                before = sum(map(len, self.packets))
                return (walk.num_file_bytes() - before) / (self._budget_bytes(self.target) - before)
        return 0.0  # nobody knows how far a score is

    def _budget_bytes(self, target: RateTarget) -> float:
        """Bytes that the target grants the file up to the frames of the header."""
        num_frames = self.header.num_frames
        if target.bpp is not None:
            return target.bpp * self.header.width * self.header.height * num_frames / 8.0
        assert target.num_bytes is not None
        assert self.num_frames is not None
        return target.num_bytes * min(num_frames / self.num_frames, 1.0)


def _first_header(
    source: FrameSource,
    prior: Prior,
    coder: str,
    gop_length: int,
    overlap: int,
    gamma: float | Callable[[int], float],
) -> Header:
    """The header with all that is known before the last frame was read."""
    stride = prior.latent.temporal_stride
    if (gop_length - overlap) % stride:
        raise UsageError(
            f"gop_length - overlap is {gop_length} - {overlap}, but prior {prior.name!r} has one "
            f"latent for {stride} frames; choose a difference that is a multiple of {stride}"
        )
    header = Header(
        width=source.width,
        height=source.height,
        num_frames=1,
        frame_rate=source.frame_rate,
        pixel_aspect=source.pixel_aspect,
        colour=astuple(source.colour),
        gop_length=gop_length,
        overlap=overlap,
        fusion_weights=_fusion_weights(gamma, overlap, prior.latent.overlap(overlap)),
        tile=(0, 0, 0),
        prior=prior.name,
        fingerprint=prior.fingerprint,
        numerics=str(prior.dtype).removeprefix("torch."),
        start_timestep=prior.schedule.start,
        sampler="ddim",
        silent_steps=prior.silent_steps,
        coder=coder,
        key=0,
    )
    header.validate()
    return header


def _fusion_weights(
    gamma: float | Callable[[int], float], overlap: int, shared_latents: int
) -> tuple[int, ...]:
    """One integer for each shared latent; a single one where they are all the same."""
    if overlap == 0:
        return ()
    values = [gamma(i) if callable(gamma) else gamma for i in range(max(shared_latents, 1))]
    if not all(0.0 <= value <= 1.0 for value in values):
        raise UsageError(f"gamma gave {values}, but fusion weights lie in 0 .. 1")
    weights = tuple(round(value * FUSION_ONE) for value in values)
    return weights[:1] if len(set(weights)) == 1 else weights


def _ticks(seconds: tuple[Fraction, ...]) -> Timestamps:
    """Seconds as integer ticks of the coarsest clock that holds them all."""
    clock = math.lcm(*(s.denominator for s in seconds))
    return Timestamps(tuple(int(s * clock) for s in seconds), Fraction(1, clock))


def _count_frames(video: Any, raw: dict[str, Any]) -> int:
    """Frames of a video that does not say: one pass of reading."""
    with open_video(video, **raw) as source:
        return sum(1 for _ in source)


def _audio_of(video: Any) -> bytes | None:
    if isinstance(video, Video):
        return video.audio
    return read_audio(video) if isinstance(video, str | PathLike) else None
