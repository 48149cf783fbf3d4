"""Compression as a story: video -> GOPs -> latents -> trajectory steps -> seeds -> bytes."""

from __future__ import annotations

import warnings
from dataclasses import replace
from os import PathLike
from typing import TYPE_CHECKING, Any, Unpack

from freegvc import events
from freegvc._bitstream import write_stream
from freegvc._codec.compressed import CompressedVideo
from freegvc._codec.keywords import one_target
from freegvc._codec.limits import check_limits
from freegvc._codec.model import check_tiled_work, prior_to_encode
from freegvc._codec.progress import with_progress
from freegvc._codec.settings import Settings
from freegvc._control.controllers import make_controller
from freegvc._control.gop_encoder import GopEncoder
from freegvc._control.targets import Target, TargetKeywords
from freegvc._video import FrameSource, cut_gops, open_video
from freegvc.errors import AudioWarning, LargeStreamError, LargeStreamWarning, UsageError

if TYPE_CHECKING:
    from freegvc.priors import Prior

FEWER_FRAMES = "make GOPs shorter (--gop-length), or frames smaller"


def compress(
    video: Any,
    target: Target | None = None,
    *,
    settings: Settings | None = None,
    prior: str | PathLike[str] | Prior = "freegvc-small",
    device: str | None = None,
    audio: str | None = None,
    progress: bool = False,
    on_event: events.OnEvent = events.ignore,
    **keywords: Unpack[TargetKeywords],
) -> CompressedVideo:
    """Compress a video.

    At most one target: a value, or one of eight keywords for the usual ones. Without a target the
    file gets the prior's own rate, `prior.defaults.bpp`. A rate is an upper bound for the whole
    file, and its GOPs get one noise level. A score is met by every GOP, from either side, or missed
    with a TargetWarning.

    Args:
        video: path of anything PyAV reads, a .y4m, a folder of images, a `Video`, a uint8 array or
            tensor [T, H, W, 3], or what `freegvc.open_video` opened, such as raw .yuv.
        target: a `StopStep`, `Rate`, `Score` or `LikeFirstGop`.
        settings: GOPs, channel coder and silent part; by default those of the prior.
        prior: what `load_prior` takes, or a prior that it has loaded. Frames larger than the
            model's native size are cut into tiles.
        device: where a prior that is not loaded yet runs, such as "cuda"; by default the CPU.
        audio: "copy" carries the input's audio tracks in the file, untouched; "drop" does not; None
            does not either, and gives an AudioWarning if there are any.
        progress: show a bar, on a terminal or in a notebook.
        on_event: called with each event of `freegvc.events`.
        stop_step: timestep of the prior's schedule at which every GOP stops; larger is noisier.
        target_bpp: bits per pixel of all frames, header and all, audio aside.
        target_kbps: thousands of bits per second.
        target_bytes: bytes of the file, audio aside.
        target_psnr: RGB PSNR in dB of every GOP.
        target_ms_ssim, target_lpips, target_dists: MS-SSIM, LPIPS (AlexNet) or DISTS of every GOP.

    Returns:
        The stream, with `.save(path)`, `.num_bytes`, `.bpp` and `.gops`.

    Raises:
        UsageError: arguments conflict or are out of range.
        VideoError: the video cannot be read, or is outside what is supported.
        PriorError: the prior cannot be used.
        MetricUnavailableError: what a metric needs is not here.
        TargetError: the target cannot be reached.
    """
    wanted = one_target(target, keywords)
    settings = settings or Settings()
    if audio not in (None, "copy", "drop"):
        raise UsageError(f'audio is {audio!r}, but must be "copy" or "drop"')
    with open_video(video) as source, with_progress(progress, "compress", on_event) as listener:
        wanted.check(source.height, source.width)
        sound = _sound(source, audio)
        from freegvc.priors.out_of_memory import prior_out_of_memory_named

        model = prior_to_encode(
            prior,
            device,
            height=source.height,
            width=source.width,
            gop_length=settings.gop_length,
        )
        coder = settings.channel_coder(model.device)
        parameters = settings.parameters(source, model, coder.name)
        num_frames, frame_seconds = source.num_frames, None
        if wanted.needs_num_frames:  # what containers state is often wrong
            num_frames = source.count_frames()
            frame_seconds = float(source.duration_seconds() / num_frames)
        gops = GopEncoder(
            model,
            coder,
            parameters,
            num_frames,
            listener,
            settings.pace(model),
            settings.chosen_effort.max_probes,
            frame_seconds,
        )
        controller = make_controller(wanted, gops)
        with prior_out_of_memory_named("compress", model, FEWER_FRAMES):
            for gop in cut_gops(
                source,
                parameters.gop_length,
                parameters.overlap,
                longest=model.defaults.max_gop_length,
                stride=model.latent.temporal_stride,
            ):
                controller.add(gop)
            packets = controller.finish()
        stream = replace(gops.stream(packets), audio=sound)
    compressed = CompressedVideo(write_stream(stream))
    _warn_if_large(compressed, model)
    return compressed


def _warn_if_large(compressed: CompressedVideo, prior: Prior) -> None:
    """Say now what a decoder would say later."""
    try:
        check_limits(compressed)
        check_tiled_work(compressed, prior)
    except LargeStreamError as error:
        warnings.warn(
            f"decoders refuse this stream by default, as they would a hostile one: {error}",
            LargeStreamWarning,
            stacklevel=3,
        )


def _sound(source: FrameSource, audio: str | None) -> bytes | None:
    """The audio to carry, read before the first GOP: what cannot be carried is said early."""
    if audio == "copy":
        return source.audio()
    if audio is None and source.has_audio:
        warnings.warn(
            'the video has sound, which is left out: --audio copy (audio="copy") carries it, '
            '--audio drop (audio="drop") leaves it out without this warning',
            AudioWarning,
            stacklevel=3,
        )
    return None
