"""Writing the page of `freegvc view`, which other commands offer too."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from freegvc._atomic import atomic_path, check_output
from freegvc._cli.paths import refuse_same_file, refuse_standard, say
from freegvc._page.view import Version, ViewedGop, view_page
from freegvc.errors import UsageError

if TYPE_CHECKING:
    from freegvc._codec.compressed import CompressedVideo
    from freegvc._page.clip import Pixels
    from freegvc._page.recorder import PairRecorder
    from freegvc.metrics import ScoreScale


def check_page(path: Path, option: str, inputs: Iterable[str], *, overwrite: bool) -> None:
    """Refuse, before any work, a page that cannot be written.

    Args:
        path: of the page.
        option: that names it.
        inputs: of the command, none of which is replaced.
        overwrite: whether an older file may be replaced.

    Raises:
        UsageError: it is no .html file that may be written.
    """
    refuse_standard(path, option)
    if path.suffix.lower() not in {".html", ".htm"}:
        raise UsageError(f"{option} writes a .html file, but {path.name} is none: name another")
    check_output(path, overwrite=overwrite)
    for source in inputs:
        refuse_same_file(source, path)


def save_page(
    path: Path,
    versions: Sequence[Version],
    *,
    title: str,
    frame_rate: Fraction,
    metrics: Sequence[ScoreScale],
    first_frame: int = 0,
    pixels: Pixels | None = None,
    remark: str = "",
    overwrite: bool,
) -> None:
    """Write a page, and say what it holds; arguments as for `view_page`.

    Raises:
        UsageError: it would be too large, or as `check_page`.
    """
    about, parts = view_page(
        versions,
        title=title,
        frame_rate=frame_rate,
        metrics=metrics,
        first_frame=first_frame,
        pixels=pixels,
        remark=remark,
    )
    with (
        atomic_path(path, overwrite=overwrite) as temporary,
        temporary.open("w", encoding="utf-8") as file,
    ):
        file.writelines(parts)
    say(f"{path}: {path.stat().st_size / 1e6:.1f} MB. {about} {remark}".strip())


def recorded_versions(
    recorder: PairRecorder,
    names: tuple[str, str],
    files: tuple[tuple[int | None, float | None], tuple[int | None, float | None]],
    scores: Mapping[str, Sequence[float] | None],
    gops: Sequence[ViewedGop],
) -> list[Version]:
    """The source and the version that a command has scored.

    Args:
        recorder: that has seen all frames.
        names: of both.
        files: bytes and bpp of both, as for `Version`.
        scores: of all frames, by metric; None where a metric is not defined.
        gops: of the version, cut to the frames that were recorded.
    """
    cut = {name: v[: recorder.num_frames] for name, v in scores.items() if v is not None}
    source, version = recorder.finish()
    return [Version(names[0], source, *files[0]), Version(names[1], version, *files[1], gops, cut)]


def viewed_gops(
    stream: CompressedVideo, number: int, shown: range, part: range | None
) -> Iterator[ViewedGop]:
    """A GOP of a stream as the page of a part shows it; none if it does not.

    Args:
        stream: that has the GOP.
        number: of the GOP.
        shown: the frames that it shows, numbered in the video.
        part: the frames of the page; None for all.
    """
    header, info = stream.header, stream.gops[number]
    part = range(header.num_frames) if part is None else part
    frames = range(
        max(shown.start, part.start) - part.start, min(shown.stop, part.stop) - part.start
    )
    if frames:
        pixels = info.num_frames * header.width * header.height
        yield ViewedGop(number, frames, info.bits, info.bits / pixels)
