"""Compression as a story: video -> GOPs -> latents -> trajectory steps -> seeds -> bytes."""

from __future__ import annotations

from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from freegvc import events
from freegvc._bitstream import write_stream
from freegvc._codec.coding import Coding, code_gops, prepare
from freegvc._codec.compressed import CompressedVideo
from freegvc._codec.journal import Journal, finished_before, journal_path
from freegvc._codec.keywords import one_target
from freegvc._codec.limits import check_limits, refusal_as_warning
from freegvc._codec.model import check_tiled_work
from freegvc._codec.progress import with_progress
from freegvc._codec.settings import Settings, settings_of
from freegvc._control.targets import Target, TargetKeywords
from freegvc._video import open_video
from freegvc.priors.loading import DEFAULT_PRIOR

if TYPE_CHECKING:
    from freegvc.priors import Prior


def compress(
    video: Any,
    target: Target | None = None,
    *,
    settings: Settings | None = None,
    prior: str | PathLike[str] | Prior = DEFAULT_PRIOR,
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
    with open_video(video) as source, with_progress(progress, "compress", on_event) as listener:
        coding = prepare(source, wanted, settings_of(settings), prior, device, audio, listener)
        return stream_of(coding, code_gops(coding))


def compress_file(
    video: Any,
    path: str | PathLike[str],
    target: Target | None = None,
    *,
    resume: bool = False,
    overwrite: bool = False,
    settings: Settings | None = None,
    prior: str | PathLike[str] | Prior = DEFAULT_PRIOR,
    device: str | None = None,
    audio: str | None = None,
    progress: bool = False,
    on_event: events.OnEvent = events.ignore,
    **keywords: Unpack[TargetKeywords],
) -> CompressedVideo:
    """Compress a video into a file; what is finished survives if the run does not end.

    Each finished GOP goes into a journal beside the file, `path` with ".journal" after it, and is
    on the disk before the next one is begun. The journal goes away once the file is there.

    Args:
        video: as for `compress`.
        path: the .fgvc file to write.
        target: as for `compress`.
        resume: go on with the journal of a run that was killed or has failed, if there is one. The
            input is read again. The file is, byte for byte, that of a run without interruption.
        overwrite: whether an existing file may be replaced; a journal never is.
        settings, prior, device, audio, progress, **keywords: as for `compress`.
        on_event: as for `compress`; of a GOP that the journal holds, `GopDone` is all.

    Returns:
        The stream, which is saved already.

    Raises:
        OutputExistsError: the file exists and `overwrite` is false, or a journal and `resume` is.
        JournalMismatchError: the journal is of another input, of other arguments, or of another
            prior.
        JournalError: the journal is damaged.
        FreeGvcError: as `compress`.
    """
    wanted, path = one_target(target, keywords), Path(path)
    if finished_before(path, video, resume=resume, overwrite=overwrite):
        return CompressedVideo.open(path)
    with open_video(video) as source, with_progress(progress, "compress", on_event) as listener:
        coding = prepare(source, wanted, settings_of(settings), prior, device, audio, listener)
        with Journal.open(journal_path(path), coding.plan, resume=resume) as kept:
            compressed = stream_of(coding, code_gops(coding, kept))
            save_and_remove(compressed, path, kept, overwrite=overwrite)
    return compressed


def save_and_remove(
    compressed: CompressedVideo, path: Path, journal: Journal, *, overwrite: bool
) -> None:
    """Write the stream of a run that has ended, whose journal is not needed any more."""
    journal.note_output(compressed.data)
    with journal.naming_itself(path):
        compressed.save(path, overwrite=overwrite)
    journal.remove()


def stream_of(coding: Coding, packets: list[bytes]) -> CompressedVideo:
    """The stream of all packets of a video."""
    stream = replace(coding.gops.stream(packets), audio=coding.sound)
    compressed = CompressedVideo(write_stream(stream))
    with refusal_as_warning():
        check_limits(compressed)
        check_tiled_work(compressed, coding.gops.prior)
    return compressed
