"""What coding a video takes, made ready before its first GOP; then its GOPs one by one."""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike
from typing import TYPE_CHECKING

from freegvc import events
from freegvc._codec.input_digest import InputDigest
from freegvc._codec.model import prior_to_encode
from freegvc._codec.plan import Plan, make_plan
from freegvc._control.controllers import Controller, make_controller
from freegvc._control.gop_encoder import GopEncoder
from freegvc._control.part import make_part_controller
from freegvc._video import FrameSource, cut_gops
from freegvc._warn import warn
from freegvc.errors import AudioWarning, JournalMismatchError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from freegvc._codec.journal import Journal
    from freegvc._codec.settings import Settings
    from freegvc._control.finished_gop import FinishedGop
    from freegvc._control.targets import Target
    from freegvc._video import Gop
    from freegvc.priors import Prior

FEWER_FRAMES = "make GOPs shorter (--gop-length), or frames smaller"


@dataclass(frozen=True, slots=True)
class Coding:
    """A run of `compress` before its first GOP.

    Attributes:
        source: the video, of which no frame was read.
        sound: the audio that the stream carries, or None.
        gops: which makes walks of GOPs; it holds prior, parameters and sizes.
        controller: which decides where the walks stop.
        plan: what decides the bytes of the stream.
    """

    source: FrameSource
    sound: bytes | None
    gops: GopEncoder
    controller: Controller
    plan: Plan

    def cut(self) -> Iterator[Gop]:
        """The GOPs of the video."""
        prior, parameters = self.gops.prior, self.gops.parameters
        return cut_gops(
            self.source,
            parameters.gop_length,
            parameters.overlap,
            longest=prior.defaults.max_gop_length,
            stride=prior.latent.temporal_stride,
        )


def prepare(
    source: FrameSource,
    target: Target,
    settings: Settings,
    prior: str | PathLike[str] | Prior,
    device: str | None,
    audio: str | None,
    on_event: events.OnEvent,
    part: range | None = None,
) -> Coding:
    """Load the prior and check everything that can be checked before the first GOP.

    Arguments and errors as for `compress`; `part` as for `make_plan`.
    """
    if audio not in (None, "copy", "drop"):
        raise UsageError(f'audio is {audio!r}, but must be "copy" or "drop"')
    target.check(source.height, source.width)
    sound = _sound(source, audio)
    model = prior_to_encode(
        prior, device, height=source.height, width=source.width, gop_length=settings.gop_length
    )
    coder = settings.channel_coder(model.device)
    parameters = settings.parameters(source, model, coder.name)
    num_frames, frame_seconds = source.num_frames, None
    if target.needs_num_frames:  # what containers state is often wrong
        num_frames = source.count_frames()
        frame_seconds = float(source.duration_seconds() / num_frames)
    gops = GopEncoder(
        model,
        coder,
        parameters,
        num_frames,
        on_event,
        settings.pace(model),
        settings.chosen_effort.max_probes,
        frame_seconds,
        settings.tuning,
    )
    make = make_controller if part is None else make_part_controller
    plan = make_plan(target, gops, coder, sound, part)
    return Coding(source, sound, gops, make(target, gops), plan)


def code_gops(coding: Coding, journal: Journal | None = None) -> list[bytes]:
    """Code all GOPs but those that a journal holds, and add them to it.

    Returns:
        The packets of all GOPs.

    Raises:
        JournalMismatchError: the frames of the input are not those that the journal's GOPs show.
        OSError: the journal cannot be written.
        FreeGvcError: as `compress` raises it.
    """
    from freegvc.priors.out_of_memory import prior_out_of_memory_named

    controller, inputs = coding.controller, InputDigest()
    with prior_out_of_memory_named("compress", coding.gops.prior, FEWER_FRAMES):
        for gop in coding.cut():
            if journal is None:
                controller.add(gop)
                continue
            digest = inputs.add(gop)
            finished = kept_gop(journal, gop, digest)
            if finished is None:
                journal.add(controller.add(gop), digest)
            else:
                controller.restore(gop, finished)
        return controller.finish()


def kept_gop(journal: Journal | None, gop: Gop, digest: str | None) -> FinishedGop | None:
    """A GOP as the journal holds it, or None.

    Args:
        journal: of the run, if there is one.
        gop: the GOP, as it was read again.
        digest: of the input up to its end.

    Raises:
        JournalMismatchError: the frames of the input are not those that the journal's GOP shows.
    """
    kept = None if journal is None else journal.gops.get(gop.index)
    if journal is None or kept is None:
        return None
    if kept.input_digest != digest:
        raise JournalMismatchError(
            f"{journal.path} is of another input: its frames up to the end of GOP {gop.index} are "
            "not those of this one; give the input of that run, or remove the journal to start "
            "anew"
        )
    return kept.finished


def _sound(source: FrameSource, audio: str | None) -> bytes | None:
    """The audio to carry, read before the first GOP: what cannot be carried is said early."""
    if audio == "copy":
        return source.audio()
    if audio is None and source.has_audio:
        warn(
            'the video has sound, which is left out: --audio copy (audio="copy") carries it, '
            '--audio drop (audio="drop") leaves it out without this warning',
            AudioWarning,
        )
    return None
