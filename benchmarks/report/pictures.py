"""Pictures of a study: contact sheets of chosen frames, and x-t slices. Pixels stay as they are."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.codecs.base import Encoded, Frames
from benchmarks.datasets import Sequence as Clip
from benchmarks.points import Point, SequenceResult
from benchmarks.report.view import save_view
from benchmarks.study import Study
from freegvc.metrics import METRICS

NUM_SAMPLES = 3

_CELL_WIDTH = 416  # larger frames are shrunk to this
_SHEET_COLUMNS = 3  # more would be too small to judge on a page
_SLICE_WIDTH = 832  # a slice is enlarged by a whole number up to this
_LEAST_SLICE_HEIGHT = 96  # fewer frames than this are drawn several pixels tall each
_GAP, _LINE = 8, 20
_PAPER, _INK, _MARK = (24, 25, 28), (236, 236, 232), (230, 60, 50)


@dataclass(frozen=True)
class Decode:
    """What a codec made of a sequence at one rate.

    Attributes:
        frames: uint8 [T, H, W, 3], RGB.
        bpp: bits per pixel of the file.
        per_frame: metric name to one score for each frame, None where it is not defined.
    """

    frames: Frames
    bpp: float
    per_frame: Mapping[str, Sequence[float | None]]


@dataclass(frozen=True)
class Cell:
    """A picture, uint8 [H, W, 3], and the lines above it."""

    lines: tuple[str, ...]
    picture: Frames


def sample_pictures(study: Study, results: Sequence[SequenceResult]) -> dict[str, Path]:
    """Pictures of the first sequences that codecs finished, by caption, and a page of the first.

    The files that the run kept are decoded again, and encoded for the page alone.
    """
    pictures: dict[str, Path] = {}
    judged = study.codecs[0].label
    (study.out / "pictures").mkdir(parents=True, exist_ok=True)
    for clip in study.clips:
        own = [r for r in results if r.sequence == clip.name and r.has_finished]
        if judged not in {r.codec for r in own} or len(pictures) >= 2 * NUM_SAMPLES:
            continue
        try:
            pictures |= _pictures_of(study, clip, own, judged, has_page=not pictures)
        except Exception as error:  # files that are gone, no score to judge by: the report stays
            print(f"no pictures of {clip.name}: {error}", file=sys.stderr, flush=True)
    return pictures


def _pictures_of(
    study: Study, clip: Clip, own: Sequence[SequenceResult], judged: str, *, has_page: bool
) -> dict[str, Path]:
    frames, fps = study.load(clip)
    rate = common_rate(own)
    near = points_near(own, rate)
    decodes = {}
    for codec in study.codecs:
        if point := near.get(codec.label):
            path = study.files_folder(clip, codec) / point.file
            decoded = codec.decode(Encoded(point.setting, path, point.encode_seconds))
            decodes[codec.label] = Decode(decoded, own[0].bpp(point), point.per_frame)
    title = f"{clip.name} near {rate:.4f} bpp"
    sheet, slices = (study.out / "pictures" / f"{clip.name}{end}.png" for end in ("", "_xt"))
    save_contact_sheet(sheet, frames, decodes, judged=judged, title=title)
    save_time_slices(slices, frames, decodes, title=title)
    played = ""
    if has_page:
        save_view(sheet.with_suffix(".html"), frames, decodes, title=title, fps=fps)
        played = f"; pictures/{clip.name}.html plays them in step"
    return {
        f"{title}: worst and median frame of {judged}{played}": sheet,
        f"{title}: one row of pixels over time": slices,
    }


def common_rate(results: Sequence[SequenceResult]) -> float:
    """The bpp that is near a point of every codec: it minimises the largest ratio to them.

    Args:
        results: of one sequence; those that failed do not count.

    Raises:
        ValueError: no codec finished.
    """
    rates = [[r.bpp(point) for point in r.points] for r in results if r.has_finished]
    if not rates:
        raise ValueError("no codec finished this sequence, so there is no rate to compare at")

    def farthest(bpp: float) -> float:
        return max(min(abs(math.log(rate / bpp)) for rate in own) for own in rates)

    return min(sorted(rate for own in rates for rate in own), key=farthest)


def points_near(results: Sequence[SequenceResult], bpp: float) -> dict[str, Point]:
    """The point of each codec that is nearest to a rate, by ratio; failed codecs have none."""
    return {
        result.codec: min(result.points, key=lambda p: abs(math.log(result.bpp(p) / bpp)))
        for result in results
        if result.has_finished
    }


def worst_and_median(decode: Decode) -> tuple[str, int, int]:
    """The metric that judges, its worst frame, and the frame of its (lower) median.

    LPIPS judges if it is there, else the first metric that scores a frame.

    Raises:
        ValueError: no metric scores a frame.
    """
    for name in ("lpips", *METRICS):
        scored = [(s, k) for k, s in enumerate(decode.per_frame.get(name, ())) if s is not None]
        if scored:
            sign = -1.0 if METRICS[name].higher_is_better else 1.0
            order = sorted((sign * score, k) for score, k in scored)  # best first
            return name, order[-1][1], order[(len(order) - 1) // 2][1]
    raise ValueError("no metric scores a frame, so none is the worst")


def save_contact_sheet(
    path: Path, original: Frames, decodes: Mapping[str, Decode], *, judged: str, title: str
) -> None:
    """Original and each decode of two frames: the worst and the median of one codec.

    Args:
        path: the PNG file to write.
        original: uint8 [T, H, W, 3], RGB.
        decodes: by codec, at about one rate.
        judged: the codec whose scores choose the frames.
        title: line above all.

    Raises:
        ValueError: there are no decodes, one has another shape than the original, or the judged
            one has no scores.
    """
    _check_shapes(original, decodes)
    metric, worst, median = worst_and_median(decodes[judged])
    about = METRICS[metric]
    rows = -(-(1 + len(decodes)) // _SHEET_COLUMNS)
    columns = -(-(1 + len(decodes)) // rows)  # rows are as full as they can be
    cells: list[Cell | None] = []
    for which, frame in (("worst", worst), ("median", median)):
        cells.append(Cell((f"original, {which}", f"frame {frame}"), _shrunk(original[frame])))
        for label, decode in decodes.items():
            score = decode.per_frame.get(metric, [None] * len(original))[frame]
            told = "no score" if score is None else about.format(score)
            below = f"{decode.bpp:.4f} bpp, {about.label} {told}"
            cells.append(Cell((label, below), _shrunk(decode.frames[frame])))
        cells += [None] * (-len(cells) % columns)
    _save(path, f"{title}, {about.label} of {judged}", cells, columns)


def most_moving_row(original: Frames) -> int:
    """The row of pixels that changes most from frame to frame; the middle if none does."""
    change = np.abs(np.diff(original.astype(np.int16), axis=0)).sum(axis=(0, 2, 3))
    return int(np.argmax(change)) if change.any() else original.shape[1] // 2


def save_time_slices(
    path: Path,
    original: Frames,
    decodes: Mapping[str, Decode],
    *,
    title: str,
    row: int | None = None,
) -> None:
    """One row of pixels over time, downwards: that of the original, then that of each decode.

    Flicker shows as horizontal stripes, jumps at borders of GOPs as breaks of vertical lines.

    Args:
        path: the PNG file to write.
        original: uint8 [T, H, W, 3], RGB.
        decodes: by codec, at about one rate.
        title: line above all.
        row: of pixels; by default `most_moving_row`.

    Raises:
        ValueError: there are no decodes, or one has another shape than the original.
    """
    _check_shapes(original, decodes)
    row = most_moving_row(original) if row is None else row
    num_frames, _, width, _ = original.shape
    across = max(1, _SLICE_WIDTH // width)
    down = max(across, -(-_LEAST_SLICE_HEIGHT // num_frames))

    def cell(label: str, frames: Frames) -> Cell:
        return Cell((label,), frames[:, row].repeat(down, axis=0).repeat(across, axis=1))

    marked = original[num_frames // 2].copy()
    marked[row] = _MARK
    lines = f"pixel row {row}, red in frame {num_frames // 2}", f"{num_frames} frames, downwards"
    shown = {f"{label}, {decode.bpp:.4f} bpp": decode.frames for label, decode in decodes.items()}
    cells = [cell("original", original), *(cell(*pair) for pair in shown.items())]
    _save(path, title, [Cell(lines, _shrunk(marked)), *cells], 1)


def _shrunk(frame: Frames) -> Frames:
    import cv2

    height, width, _ = frame.shape
    if width <= _CELL_WIDTH:
        return frame
    size = (_CELL_WIDTH, max(1, round(height * _CELL_WIDTH / width)))
    return np.asarray(cv2.resize(frame, size, interpolation=cv2.INTER_AREA), np.uint8)


def _save(path: Path, title: str, cells: Sequence[Cell | None], columns: int) -> None:
    """A PNG of cells in rows of `columns`; None leaves a place empty."""
    from PIL import Image, ImageDraw, ImageFont

    width = max(cell.picture.shape[1] for cell in cells if cell) + _GAP
    rows = [cells[k : k + columns] for k in range(0, len(cells), columns)]
    heights = [
        max(len(c.lines) * _LINE + c.picture.shape[0] + _GAP for c in row if c) for row in rows
    ]
    size = (_GAP + columns * width, 2 * _GAP + _LINE + sum(heights))
    sheet = Image.new("RGB", size, _PAPER)
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(13)

    def write(left: int, top: int, text: str, room: int) -> None:
        """One line, cut until it fits."""
        text = " ".join(text.split())
        while text and draw.textlength(text, font=font) > room:
            text = text[:-1]
        draw.text((left, top), text, _INK, font=font)

    write(_GAP, _GAP, title, size[0] - 2 * _GAP)
    top = _GAP + _LINE
    for row, height in zip(rows, heights, strict=True):
        for k, cell in enumerate(row):
            if cell:
                left = _GAP + k * width
                for j, line in enumerate(cell.lines):
                    write(left, top + j * _LINE + 2, line, width - _GAP)
                sheet.paste(Image.fromarray(cell.picture), (left, top + len(cell.lines) * _LINE))
        top += height
    sheet.save(path, format="PNG")


def _check_shapes(original: Frames, decodes: Mapping[str, Decode]) -> None:
    if not decodes:
        raise ValueError("there is no decode to show")
    for label, decode in decodes.items():
        if decode.frames.shape != original.shape:
            raise ValueError(f"{label} has shape {decode.frames.shape}, not {original.shape}")
