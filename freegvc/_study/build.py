"""From a plan to a page and its assignment."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path

import numpy as np

from freegvc._atomic import atomic_folder, atomic_path, check_output, warn_of_leftovers
from freegvc._codec.score import frames_of
from freegvc._page.clip import PageClip
from freegvc._study.assignment import Assignment
from freegvc._study.clips import CRF, check_like, poor, study_clip
from freegvc._study.design import Design
from freegvc._study.page import (
    CLIPS,
    ClipNames,
    check_page_folder,
    even_out,
    write_clip,
    write_page,
)
from freegvc._study.plan import POOR, REFERENCE, Plan
from freegvc.errors import UsageError


@dataclass(frozen=True)
class Built:
    """What was written.

    Attributes:
        study: the page's id.
        num_clips: how many.
        num_bytes: of the page and its clips.
        largest_bytes: of the three clips that one trial loads.
    """

    study: str
    num_clips: int
    num_bytes: int
    largest_bytes: int


def build_study(
    plan: Plan,
    design: Design,
    folder: Path,
    assignment: Path,
    *,
    frame_rate: Fraction,
    is_lossless: bool = False,
    prior: str | None = None,
    device: str = "cpu",
    allow_large: bool = False,
    overwrite: bool = False,
    on_clip: Callable[[int], None] = lambda done: None,
) -> Built:
    """Decode and encode all clips, and write the page and the assignment.

    Args:
        plan: the files.
        design: of this plan.
        folder: for the page.
        assignment: the file that tells who is who; not in `folder`.
        frame_rate: at which clips are shown.
        is_lossless: keep every sample, instead of x265 at CRF 10.
        prior, device, allow_large: for .fgvc files, as for `decompress`.
        overwrite: whether older outputs may be replaced.
        on_clip: called with the number of clips done.

    Raises:
        OutputExistsError, UsageError: an output cannot be written.
        StudyError: a version differs from its reference in size or number of frames.
        VideoError, StreamError, PriorError: as reading and decoding raise them.
    """
    check_outputs(folder, assignment, overwrite=overwrite)
    needed = _needed(design)
    names = _clip_names(design.seed, needed)
    treatment = "lossless" if is_lossless else f"x265 at CRF {CRF}"
    treatment += f", {float(frame_rate):g} frames per second"
    digest = hashlib.sha256(Assignment("", treatment, design).document().encode())
    with (
        atomic_path(assignment, overwrite=overwrite) as assignment_file,
        atomic_folder(folder, partial(check_page_folder, overwrite=overwrite)) as temporary,
    ):
        (temporary / CLIPS).mkdir()
        largest = done = 0
        for sequence in plan.sequences:
            paths = []
            reference: PageClip | None = None
            for version in _in_order(sequence.name, needed, names):
                source = sequence.versions.get(version, sequence.reference)
                with frames_of(source, prior, device, allow_large) as frames:
                    clip = study_clip(
                        poor(frames) if version == POOR else frames,
                        frame_rate=frame_rate,
                        is_lossless=is_lossless,
                    )
                reference = reference or clip
                check_like(clip, reference, source, sequence.reference)
                for packet in clip.packets:
                    digest.update(packet)
                paths.append(write_clip(temporary, names[sequence.name, version], clip))
                done += 1
                on_clip(done)
            even_out(paths)
            largest = max(largest, 3 * paths[0].stat().st_size)
        study = digest.hexdigest()[:16]
        write_page(temporary, study, design, names, frame_rate)
        num_bytes = sum(file.stat().st_size for file in temporary.rglob("*") if file.is_file())
        text = Assignment(study, treatment, design).document()
        assignment_file.write_text(text, encoding="utf-8")
    return Built(study, done, num_bytes, largest)


def num_clips(design: Design) -> int:
    """How many clips the page of a design has."""
    return sum(map(len, _needed(design).values()))


def check_outputs(folder: Path, assignment: Path, *, overwrite: bool) -> None:
    """Refuse outputs that cannot be written, before any work.

    Raises:
        OutputExistsError, UsageError: one of them is there or cannot be made, or the assignment
            would be given away with the page.
    """
    if assignment.resolve().is_relative_to(folder.resolve()):
        raise UsageError(
            f"{assignment} would lie in {folder}, which participants get: keep it elsewhere"
        )
    check_page_folder(folder, overwrite=overwrite)
    warn_of_leftovers(folder.resolve())
    check_output(assignment, overwrite=overwrite)


def _needed(design: Design) -> dict[str, set[str]]:
    """The versions of each sequence that some trial shows."""
    needed: dict[str, set[str]] = {}
    for trial in (*design.trials.values(), design.practice):
        needed.setdefault(trial.sequence, {REFERENCE}).update((trial.first, trial.second))
    return needed


def _in_order(sequence: str, needed: dict[str, set[str]], names: ClipNames) -> list[str]:
    """Versions by their random names, but the reference first."""
    others = needed[sequence] - {REFERENCE}
    return [REFERENCE, *sorted(others, key=lambda version: names[sequence, version])]


def _clip_names(seed: int, needed: dict[str, set[str]]) -> ClipNames:
    """A random name for each clip."""
    keys = [(sequence, version) for sequence in needed for version in sorted(needed[sequence])]
    rng = np.random.default_rng([seed, 3])
    drawn: set[str] = set()
    while len(drawn) < len(keys):
        drawn.add(f"{rng.integers(2**32):08x}")
    order = rng.permutation(len(keys))
    ordered = sorted(drawn)
    return {key: ordered[k] for key, k in zip(keys, order, strict=True)}
