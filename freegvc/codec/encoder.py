"""Compression as a story: video -> GOPs -> latents -> trajectory steps -> seeds -> bytes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from os import PathLike
from typing import TYPE_CHECKING, Any

from freegvc.bitstream import write_stream
from freegvc.codec import events
from freegvc.codec.compressed import CompressedVideo
from freegvc.codec.first_header import first_header, silent_part
from freegvc.codec.gop_coder import GopCoder, metric_of
from freegvc.codec.model import prior_to_encode
from freegvc.control import make_target
from freegvc.control.targets import DEFAULT_MAX_PROBES
from freegvc.errors import UsageError
from freegvc.metrics import check_metric
from freegvc.video import cut_gops, open_video

if TYPE_CHECKING:
    from freegvc.channel.coders import ChannelCoder
    from freegvc.priors import Prior


def compress(
    video: Any,
    *,
    stop_step: int | None = None,
    target_bpp: float | None = None,
    target_kbps: float | None = None,
    target_bytes: int | None = None,
    target_psnr: float | None = None,
    target_ms_ssim: float | None = None,
    target_lpips: float | None = None,
    target_dists: float | None = None,
    target: str | None = None,
    metric: str | None = None,
    pooling: str = "mean",
    tolerance: float | None = None,
    max_probes: int = DEFAULT_MAX_PROBES,
    probe_frames: int | None = None,
    strict: bool = False,
    metric_weights: str | PathLike[str] | None = None,
    prior: str | PathLike[str] | Prior = "freegvc-small",
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

    At most one target; without one, 0.02 bits per pixel. A rate is shared between the GOPs so that
    their scores are even; a score is met by every GOP, from either side, or missed with a
    TargetWarning. Scores are of the frames that a GOP shows in the decoded video.

    Args:
        video: path of anything PyAV reads, a .y4m, a raw .yuv (with `size`, `fps`, `pix_fmt`), a
            folder of images, a `Video`, or a uint8 array or tensor [T, H, W, 3].
        stop_step: timestep of the prior's schedule at which every GOP stops; larger is noisier.
        target_bpp: upper bound in bits per pixel of all frames, header and all, audio aside.
        target_kbps: upper bound in thousands of bits per second, at the nominal frame rate.
        target_bytes: upper bound for the bytes of the file, audio aside.
        target_psnr: RGB PSNR in dB of every GOP.
        target_ms_ssim, target_lpips, target_dists: MS-SSIM, LPIPS (AlexNet) or DISTS of every GOP.
        target: "first-gop": the score that the first GOP has at `stop_step`, or within a rate,
            is the target of all others.
        metric: a metric of single frames in `freegvc.metrics.METRICS`: what "first-gop" looks at,
            or what a rate keeps even; by default MS-SSIM, or PSNR for small frames.
        pooling: "mean", "p95" or "max" of the frames' scores in a GOP; the latter two are on the
            bad side of the metric.
        tolerance: largest difference between a GOP's score and its target; by default 0.1 dB for
            PSNR, 0.005 for all others.
        max_probes: decodes that may be spent on a GOP to find its stop.
        probe_frames: how many frames of a GOP a probe scores; by default all. The score that counts
            is always of all.
        strict: raise TargetError where TargetWarning would be given.
        metric_weights: folder of the metrics' safetensors; by default as `freegvc.metrics` says.
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
        MetricUnavailableError: what a metric needs is not here.
        TargetError: the target cannot be reached.
    """
    from freegvc.channel.coders import make_coder

    wanted = make_target(
        stop_step=stop_step,
        target_bpp=target_bpp,
        target_kbps=target_kbps,
        target_bytes=target_bytes,
        target_psnr=target_psnr,
        target_ms_ssim=target_ms_ssim,
        target_lpips=target_lpips,
        target_dists=target_dists,
        target=target,
        metric=metric,
        pooling=pooling,
        tolerance=tolerance,
        max_probes=max_probes,
        probe_frames=probe_frames,
        strict=strict,
    )
    if audio not in ("copy", "drop"):
        raise UsageError(f'audio is {audio!r}, but must be "copy" or "drop"')
    options = {
        "device": device,
        "dtype": dtype,
        "attention": attention,
        "prompt": prompt,
        "offload": offload,
        "compiled": compiled,
    }
    with open_video(video, size=size, fps=fps, pix_fmt=pix_fmt) as source:
        size_of_frames = source.height, source.width
        scored = metric_of(wanted, *size_of_frames)
        if scored is not None:
            check_metric(scored, size=size_of_frames, weights=metric_weights)
        model = prior_to_encode(prior, options, height=source.height, width=source.width)
        _check_stop_step(stop_step, model)
        channel = make_coder(coder, model.device) if isinstance(coder, str) else coder
        gop_length = model.gop_length if gop_length is None else gop_length
        overlap = model.overlap if overlap is None else overlap
        silent = silent_part(model, sampler, silent_steps, refine)
        header = first_header(
            source, model, silent, coder=channel.name, gops=(gop_length, overlap), gamma=gamma
        )
        num_frames = source.num_frames
        if target_bytes is not None and num_frames is None:
            num_frames = source.count_frames()
        encoder = GopCoder(
            model, channel, wanted, header, num_frames, weights=metric_weights, on_event=on_event
        )
        for gop in cut_gops(source, gop_length, overlap):
            encoder.add(gop, gop.timestamps)
        carried = source.audio() if audio == "copy" else None
    return CompressedVideo(write_stream(replace(encoder.stream, audio=carried)))


def _check_stop_step(stop_step: int | None, prior: Prior) -> None:
    if stop_step is not None and stop_step > prior.schedule.start:
        raise UsageError(
            f"stop_step is {stop_step}, but the schedule of prior {prior.name!r} starts at "
            f"{prior.schedule.start}; choose 0 .. {prior.schedule.start}"
        )
