"""The folder that participants get: one page, and each clip as a script beside it.

Nothing in it tells the codecs: names are random, trials and clips are sorted by these names, files
of one sequence have the same length and all files the same time.
"""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path

from freegvc._atomic import check_parent, refuse_special
from freegvc._page.assembly import assemble, described, script_json
from freegvc._page.clip import PageClip
from freegvc._study.design import Design, Trial
from freegvc._study.plan import REFERENCE
from freegvc.errors import OutputExistsError

PAGE, CLIPS = "study.html", "clips"
_STATIC = Path(__file__).parent / "static" / "study"
_CLIP_FILE = re.compile(r"[0-9a-f]{8}\.js")
_TIME = 946_684_800  # 2000-01-01: of all files, so that their times tell no order

ClipNames = Mapping[tuple[str, str], str]  # of a sequence and a version


def check_page_folder(path: Path, *, overwrite: bool) -> None:
    """Refuse a folder that cannot or must not be written.

    Raises:
        OutputExistsError: it is there, and `overwrite` is false or it holds other files.
        UsageError: it is a device, or the folder that should hold it is missing.
    """
    refuse_special(path, "a folder")
    check_parent(path.resolve())
    if not path.exists():
        return
    if not path.is_dir():
        raise OutputExistsError(f"{path} is a file: name a folder for the page and its clips")
    others = [f.name for f in path.iterdir() if f.name not in (PAGE, CLIPS)]
    if not others and (path / CLIPS).is_dir():
        others = [f.name for f in (path / CLIPS).iterdir() if not _CLIP_FILE.fullmatch(f.name)]
    if others:  # replacing the folder would delete them
        raise OutputExistsError(f"{path} holds other files, such as {others[0]}: name a new folder")
    if any(path.iterdir()) and not overwrite:
        raise OutputExistsError(
            f"{path} already holds a study: choose another name, or allow overwriting (--force)"
        )


def write_clip(folder: Path, name: str, clip: PageClip) -> Path:
    """Write a clip as a script, and return its path."""
    packets = base64.b64encode(b"".join(clip.packets)).decode("ascii")
    path = folder / CLIPS / f"{name}.js"
    text = f'takeClip("{name}",{script_json(described(clip))},"{packets}");\n'
    path.write_text(text, encoding="ascii")
    return path


def even_out(paths: list[Path]) -> None:
    """Give files the length of the longest, by spaces at their ends."""
    length = max(path.stat().st_size for path in paths)
    for path in paths:
        with path.open("ab") as file:
            file.write(b" " * (length - file.tell()))


def write_page(
    folder: Path, study: str, design: Design, names: ClipNames, frame_rate: Fraction
) -> None:
    """Write the page, and give all files one time.

    Args:
        folder: holds the clips already.
        study: the id that votes will name.
        design: who sees what.
        names: of the clips.
        frame_rate: frames per second.
    """
    data = {
        "study": study,
        "frameRate": float(frame_rate),
        "practice": _clips_of(design.practice, names),
        "trials": {trial.id: _clips_of(trial, names) for trial in design.trials.values()},
        "participants": [
            [[shown.trial, shown.swapped] for shown in order] for order in design.orders
        ],
    }
    with (folder / PAGE).open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(
            assemble(_STATIC, title="Video study", data=data, clips=(), has_scripts_beside=True)
        )
    for path in (*(folder / CLIPS).iterdir(), folder / PAGE):
        os.utime(path, (_TIME, _TIME))


def _clips_of(trial: Trial, names: ClipNames) -> dict[str, str]:
    return {
        "reference": names[trial.sequence, REFERENCE],
        "first": names[trial.sequence, trial.first],
        "second": names[trial.sequence, trial.second],
    }
