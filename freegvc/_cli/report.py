"""--report DIR: the control log of a run, three pictures of it, and a page to look at it.

    events.ndjson   every event of the run, as --events ndjson prints them
    scores.png      the score of each frame, with the borders of the GOPs
    curves.png      the states that were scored, and a power law through those of each GOP
    bits.png        the bits of each GOP
    view.html       the source and the decoded stream in step, as freegvc view shows them

The scores are measured here, on the frames that a decoder makes of the finished stream.
"""

from __future__ import annotations

import argparse
import json
import warnings
from collections.abc import Iterable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from freegvc._atomic import atomic_path, check_output
from freegvc._cli.page_file import recorded_versions, viewed_gops
from freegvc._cli.pages import count
from freegvc._cli.paths import printable, refuse_same_file
from freegvc._cli.report_contents import Report, make_report
from freegvc._page.recorder import PairRecorder
from freegvc._page.view import view_page
from freegvc.errors import UsageError

if TYPE_CHECKING:
    from freegvc._codec.compressed import CompressedVideo
    from freegvc._control.targets import Target
    from freegvc.events import Event
    from freegvc.priors import Prior

LOG = "events.ndjson"
PAGE = "view.html"
PICTURES = ("scores.png", "curves.png", "bits.png")


def check_report(folder: Path, source: str | Path, *, overwrite: bool) -> None:
    """Refuse, before any work, a report that could not be written.

    Args:
        folder: for the report; made if it is missing.
        source: the input of the run, which is neither replaced nor added to.
        overwrite: whether an older report may be replaced.

    Raises:
        OutputExistsError: one of its files exists and `overwrite` is false.
        UsageError: matplotlib is missing, `folder` cannot be a folder, or it is that of the input.
    """
    _check_folder(folder, overwrite=overwrite)
    for name in (LOG, *PICTURES, PAGE):
        refuse_same_file(source, folder / name)


def _check_folder(folder: Path, *, overwrite: bool) -> None:
    if find_spec("matplotlib") is None:
        raise UsageError("--report needs matplotlib: pip install 'freegvc[bench]'")
    if not folder.exists():
        if not folder.parent.is_dir():
            raise UsageError(f"{folder.parent} is not a folder, so it cannot hold a report")
        return
    if not folder.is_dir():
        raise UsageError(f"--report writes a folder, but {folder} is a file: name another")
    for name in (LOG, *PICTURES, PAGE):
        check_output(folder / name, overwrite=overwrite)


def report_run(
    arguments: argparse.Namespace,
    path: str,
    target: Target,
    prior: Prior,
    compressed: CompressedVideo,
    events: Sequence[Event],
) -> None:
    """Report a run of `freegvc compress`.

    Args:
        arguments: of the command.
        path: of the video.
        target, prior: of the run.
        compressed: its result.
        events: of the run, in order.

    Raises:
        FreeGvcError: as `check_report`, decoding and scoring raise it.
    """
    from freegvc._cli.parser import input_options
    from freegvc._video import open_video
    from freegvc.errors import ColourWarning, InputWarning

    name, gops = printable(Path(arguments.output).name), count(compressed.header.num_gops, "GOP")
    recorder = PairRecorder()
    with warnings.catch_warnings():
        # those about the input were shown when it was compressed
        warnings.simplefilter("ignore", ColourWarning)
        warnings.simplefilter("ignore", InputWarning)
        title = f"{name}  ·  {compressed.bpp:.4g} bpp, {gops}"
        with open_video(path, **input_options(arguments)) as frames:
            report = make_report(title, compressed, events, frames, target, prior, recorder)
    page = report_page((printable(Path(path).name), name), compressed, report, recorder)
    save_report(arguments.report, report, events, page, overwrite=arguments.force)


def report_page(
    names: tuple[str, str], compressed: CompressedVideo, report: Report, recorder: PairRecorder
) -> Iterator[str]:
    """The parts of the page.

    Args:
        names: of the source and of the stream.
        compressed: the stream.
        report: of the run.
        recorder: that has seen all frames.
    """
    shown = range(recorder.num_frames)
    gops = [
        gop
        for number, each in enumerate(report.gops)
        for gop in viewed_gops(compressed, number, each.frames, shown)
    ]
    files = ((None, None), (compressed.num_bytes, compressed.bpp))
    scores = {report.metric.name: report.per_frame}
    _, parts = view_page(
        recorded_versions(recorder, names, files, scores, gops),
        title=report.title,
        frame_rate=compressed.header.frame_rate,
        metrics=[report.metric],
        remark=recorder.remark,
    )
    return parts


def save_report(
    folder: Path,
    report: Report,
    events: Sequence[Event],
    page: Iterable[str],
    *,
    overwrite: bool,
) -> None:
    """Write the five files, after all of them are made.

    Args:
        folder: made if it is missing.
        report: the numbers of the pictures.
        events: of the run, in order.
        page: the parts of its page.
        overwrite: whether an older report may be replaced.

    Raises:
        OutputExistsError, UsageError: as `check_report`.
    """
    from freegvc._cli import report_plots

    _check_folder(folder, overwrite=overwrite)
    lines = [json.dumps(event.as_dict(), allow_nan=False) + "\n" for event in events]
    files = {LOG: "".join(lines).encode()}
    drawers = (report_plots.draw_scores, report_plots.draw_curves, report_plots.draw_bits)
    files |= {name: draw(report) for name, draw in zip(PICTURES, drawers, strict=True)}
    files[PAGE] = "".join(page).encode()
    folder.mkdir(exist_ok=True)
    for name, data in files.items():
        with atomic_path(folder / name, overwrite=overwrite) as temporary:
            temporary.write_bytes(data)
