"""Compression as a story: video -> GOPs -> latents -> trajectory steps -> seeds -> bytes."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from os import PathLike
from typing import TYPE_CHECKING, Any

from freegvc.bitstream import Header, Stream, Timestamps, write_stream
from freegvc.codec import events
from freegvc.codec.compressed import CompressedVideo
from freegvc.codec.first_header import first_header, silent_part
from freegvc.codec.gop_walk import GopWalk
from freegvc.codec.model import prior_to_encode
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
    from freegvc.video import Gop


def compress(
    video: Any,
    *,
    stop_step: int | None = None,
    target_bpp: float | None = None,
    target_bytes: int | None = None,
    target_psnr: float | None = None,
    target_ms_ssim: float | None = None,
    prior: str | PathLike[str] | Prior = "analytic",
    coder: str | ChannelCoder = "trellis",
    gop_length: int | None = None,
    overlap: int | None = None,
    gamma: float | Callable[[int], float] = 0.5,
    sampler: str = "ddim",
    silent_steps: int | None = None,
    refine: str | int | None = None,
    audio: str = "drop",
    device: str = "cpu",
    dtype: str | None = None,
    attention: str | None = None,
    prompt: str = "",
    offload: str = "none",
    compiled: bool = False,
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
        prior: what `load_prior` takes, or a prior. Frames larger than the model's native size are
            cut into tiles.
        coder: "trellis", "pfr" (the paper's), or a coder on the prior's device.
        gop_length: l, frames per GOP; by default the prior's.
        overlap: m, frames shared by neighbouring GOPs; by default the prior's.
        gamma: fusion weight of the newer GOP, a number or a function of the overlapping latent's
            index, in 0 .. 1 (paper, eq. 17).
        sampler: "ddim" or "dpmpp2m", for the silent part from the stop step to the clean latent.
        silent_steps: model calls of that part; by default the prior's, or L = 5 of "gnvc-vd".
        refine: partial-noise refinement: GOPs that stop at a less noisy timestep than this are
            noised to it again, and the silent part starts there. "gnvc-vd" is the noise of that
            paper, sigma = 0.3 of a flow-matching path.
        audio: "copy" carries the input's audio streams in the file, untouched; "drop" does not.
        device, dtype, attention, prompt, offload, compiled: as for `load_prior`, unless `prior` is
            loaded already.
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

    target = make_target(
        stop_step=stop_step,
        target_bpp=target_bpp,
        target_bytes=target_bytes,
        target_psnr=target_psnr,
        target_ms_ssim=target_ms_ssim,
    )
    if audio not in ("copy", "drop"):
        raise UsageError(f'audio is {audio!r}, but must be "copy" or "drop"')
    raw: dict[str, Any] = {"size": size, "fps": fps, "pix_fmt": pix_fmt}
    options = {
        "device": device,
        "dtype": dtype,
        "attention": attention,
        "prompt": prompt,
        "offload": offload,
        "compiled": compiled,
    }
    with open_video(video, **raw) as source:
        model = prior_to_encode(prior, options, height=source.height, width=source.width)
        if isinstance(target, StepTarget) and target.stop_step > model.schedule.start:
            raise UsageError(
                f"stop_step is {target.stop_step}, but the schedule of prior {model.name!r} starts "
                f"at {model.schedule.start}; choose 0 .. {model.schedule.start}"
            )
        channel = make_coder(coder, model.device) if isinstance(coder, str) else coder
        gop_length = model.gop_length if gop_length is None else gop_length
        overlap = model.overlap if overlap is None else overlap
        silent = silent_part(model, sampler, silent_steps, refine)
        header = first_header(
            source, model, silent, coder=channel.name, gops=(gop_length, overlap), gamma=gamma
        )
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
        prompt = self.prior.prompt or None
        return Stream(self.header, self.packets, timestamps=self.timestamps, prompt=prompt)

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
