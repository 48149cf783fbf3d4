"""Parts of a video that are coded apart, on one machine or many, and merged into one stream."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from freegvc import __version__, events
from freegvc._atomic import check_output
from freegvc._bitstream import Stream, least_bytes, write_stream
from freegvc._bitstream.timestamps import decode_timestamps, encode_timestamps
from freegvc._codec.coding import FEWER_FRAMES, Coding, kept_gop, prepare
from freegvc._codec.compressed import CompressedVideo
from freegvc._codec.input_digest import InputDigest
from freegvc._codec.journal import Journal, check_journal, difference, journal_path
from freegvc._codec.journal_records import (
    JournalledGop,
    PartEnd,
    decode_end,
    decode_gop,
    is_end,
    is_gop,
    plan_of,
)
from freegvc._codec.keywords import one_target
from freegvc._codec.limits import check_limits, refusal_as_warning
from freegvc._codec.output_path import check_new_stream
from freegvc._codec.plan import Plan, parameters_of, shown
from freegvc._codec.progress import with_progress
from freegvc._codec.record_file import read_records
from freegvc._codec.settings import Settings, settings_of
from freegvc._control.budget import LEAST_STEPS_BYTES
from freegvc._control.targets import Target, TargetKeywords
from freegvc._video import open_video
from freegvc.errors import JournalError, JournalMismatchError, UsageError
from freegvc.priors.loading import DEFAULT_PRIOR

if TYPE_CHECKING:
    from freegvc.priors import Prior


def compress_part(
    video: Any,
    path: str | PathLike[str],
    target: Target | None = None,
    *,
    gops: range,
    resume: bool = False,
    overwrite: bool = False,
    settings: Settings | None = None,
    prior: str | PathLike[str] | Prior = DEFAULT_PRIOR,
    device: str | None = None,
    audio: str | None = None,
    progress: bool = False,
    on_event: events.OnEvent = events.ignore,
    **keywords: Unpack[TargetKeywords],
) -> range:
    """Compress some GOPs of a video into a part file, which `merge` joins with the others.

    Frames before the part are decoded and dropped, which takes little beside coding and is exact
    whatever the container: so every part knows all frames before it. A part is a journal, and goes
    on like one.

    With a stop step the merged stream is, byte for byte, that of one run. Under a rate a part holds
    drafts, which are cut to one noise level when they are merged. A score is met by every GOP, but
    the first GOP of a part is scored before it is fused with the one before.

    Args:
        video, target, settings, prior, device, audio, progress, on_event, **keywords: as for
            `compress`, and the same for all parts.
        path: the part file to write.
        gops: such as range(10, 20); a stop beyond the last GOP stands for the end.
        resume, overwrite: as for `compress_file`.

    Returns:
        The GOPs of the part.

    Raises:
        UsageError: chained GOPs, a target that needs the first GOP, or GOPs that the video does
            not have.
        FreeGvcError: as `compress_file`.
    """
    if not isinstance(gops, range) or gops.step != 1 or not 0 <= gops.start < gops.stop:
        raise UsageError(f"gops is {gops!r}, but must be one or more, such as range(10, 20)")
    wanted, path = one_target(target, keywords), Path(path)
    check_new_stream(path, video)
    check_output(path, overwrite=overwrite)
    if path.is_symlink():  # the journal lies beside the file that it becomes
        path = path.resolve()
    journal = journal_path(path)
    check_journal(journal, resume=resume)
    with open_video(video) as source, with_progress(progress, "compress", on_event) as listener:
        coding = prepare(
            source, wanted, settings_of(settings), prior, device, audio, listener, part=gops
        )
        with Journal.open(journal, coding.plan, resume=resume) as kept:
            end = _code_part(coding, gops, kept)
            kept.finish_part(end, path, overwrite=overwrite)
    return range(gops.start, gops.start + len(kept.gops))


def _code_part(coding: Coding, gops: range, journal: Journal) -> PartEnd:
    """Code what the journal does not hold of a part."""
    from freegvc.priors.out_of_memory import prior_out_of_memory_named

    inputs, encoder = InputDigest(), coding.gops
    before: str | None = None
    is_last = False
    with prior_out_of_memory_named("compress", encoder.prior, FEWER_FRAMES):
        for gop in coding.cut():
            digest, is_last = inputs.add(gop), gop.is_last
            if gop.index < gops.start:
                encoder.come_to(gop)
                before = digest
                continue
            finished = kept_gop(journal, gop, digest)
            if finished is None:
                journal.add(coding.controller.add(gop), digest)
            else:
                coding.controller.restore(gop, finished)
            if gop.index == gops.stop - 1:
                break
    if not journal.gops:
        raise UsageError(
            f"the part begins with GOP {gops.start}, but the video has GOPs 0 to {gop.index}: "
            "begin with one of these"
        )
    coding.controller.finish()
    header, stamps = encoder.header(), encoder.stream(()).timestamps if is_last else None
    return PartEnd(
        before=before,
        is_last=is_last,
        num_frames=header.num_frames,
        last_advance=header.last_advance,
        timestamps=None if stamps is None else encode_timestamps(stamps, header.num_frames),
        audio=None if gops.start else coding.sound,
    )


@dataclass(frozen=True, slots=True)
class _Part:
    path: Path
    plan: Plan
    gops: list[JournalledGop]
    end: PartEnd

    @property
    def indices(self) -> range:
        """Of its GOPs."""
        first = self.gops[0].finished.index
        return range(first, first + len(self.gops))


def merge(parts: Sequence[str | PathLike[str]]) -> CompressedVideo:
    """Join the parts of a video, in any order; no prior is needed.

    Args:
        parts: files that `compress_part` has written.

    Raises:
        UsageError: there are no parts, or one name is given in place of a list.
        JournalMismatchError: they are not of one input, of the same arguments and prior.
        JournalError: GOPs are missing or there twice, or a part is damaged or unfinished.
        TargetError: the rate is too small for a stream without steps.
    """
    if isinstance(parts, (str, PathLike)):
        raise UsageError(f"parts is {parts!r}, but must be a list of paths, such as [{parts!r}]")
    if not parts:
        raise UsageError("there are no parts to merge: name at least one")
    ordered = sorted(map(_read_part, map(Path, parts)), key=lambda part: part.indices.start)
    for part in ordered[1:]:
        _check_plans(ordered[0], part)
    _check_order(ordered)
    first, last = ordered[0], ordered[-1]
    num_frames = last.end.num_frames
    stamps = last.end.timestamps
    stream = Stream(
        parameters_of(first.plan).header(num_frames, last.end.last_advance),
        tuple(gop.finished.packet for part in ordered for gop in part.gops),
        None if stamps is None else decode_timestamps(stamps, num_frames),
        first.end.audio,
        first.plan["prompt"] or None,
    )
    merged = _cut_to_rate(CompressedVideo(write_stream(stream)), first.plan)
    with refusal_as_warning():  # but for work in tiles, which the prior decides
        check_limits(merged)
    return merged


def _cut_to_rate(whole: CompressedVideo, plan: Plan) -> CompressedVideo:
    """The stream of drafts that keeps the target's rate, if that is one."""
    target = plan["target"]
    if target["kind"] != "Rate":
        return whole
    units = ("bpp", "kbps", "num_bytes")
    rate = {unit: target[unit] for unit in units if unit in target}
    return whole.truncate(**(rate or {"num_bytes": _default_bytes(whole, plan)}))


def _default_bytes(stream: CompressedVideo, plan: Plan) -> int:
    """The prior's own rate, which is raised for a video too small for it."""
    h = stream.header
    granted = int(plan["default_bpp"] * h.width * h.height * h.num_frames / 8)
    least = least_bytes(stream.stream) - stream.audio_bytes
    return granted if granted > least else least + LEAST_STEPS_BYTES


def _read_part(path: Path) -> _Part:
    payloads = read_records(path)
    plan = plan_of(path, payloads[0] if payloads else b"{}")
    ends = [payload for payload in payloads[1:] if is_end(payload)]
    if plan.get("gops") is None or not ends:
        raise JournalError(
            f"{path} is the journal of a run that did not end, and no finished part: go on with it "
            "first (--resume, resume=True)"
        )
    if plan.get("release") != __version__:  # whose other records may be others
        raise JournalMismatchError(
            f"{path} was made by release {plan.get('release')}, but this is {__version__}: merge "
            "with that release"
        )
    gops = [decode_gop(path, payload) for payload in payloads[1:] if is_gop(payload)]
    return _Part(path, plan, gops, decode_end(path, ends[-1]))


def _check_plans(one: _Part, other: _Part) -> None:
    mine, its = ({**part.plan, "gops": None} for part in (one, other))
    name = difference(mine, its)
    if name is not None:
        raise JournalMismatchError(
            f"{one.path} and {other.path} are parts of different runs: {name} is "
            f"{shown(mine.get(name))} in one and {shown(its.get(name))} in the other; code one of "
            "them anew"
        )


def _check_order(parts: Sequence[_Part]) -> None:
    """Refuse parts that leave gaps, overlap, or follow on other frames."""
    expected, digest, before = 0, None, None
    for part in parts:
        gops = part.indices
        if gops.start > expected:
            raise JournalError(
                f"{_gops(expected, gops.start)} in no part: code them, and merge all"
            )
        if gops.start < expected and before is not None:
            both = min(expected, gops.stop)
            raise JournalError(
                f"{_gops(gops.start, both)} both in {before.path} and in {part.path}: merge parts "
                "that do not overlap"
            )
        if part.end.before != digest:
            raise JournalMismatchError(
                f"{part.path} is of another input: its frames before GOP {gops.start} are not "
                "those of the parts before; code one of them anew"
            )
        expected, digest, before = gops.stop, part.gops[-1].input_digest, part
    if not parts[-1].end.is_last:
        raise JournalError(f"the GOPs from {expected} on are in no part: code them, and merge all")


def _gops(start: int, stop: int) -> str:
    return f"GOP {start} is" if stop == start + 1 else f"GOPs {start} to {stop - 1} are"
