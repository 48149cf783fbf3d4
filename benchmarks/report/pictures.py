"""Pictures of decodes: contact sheets of chosen frames, and x-t slices."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from benchmarks.points import Point, SequenceResult
from benchmarks.report.curves import has_finished
from freegvc.metrics import METRICS

if TYPE_CHECKING:
    from PIL import Image, ImageDraw

Frames = npt.NDArray[np.uint8]
Colour = tuple[int, int, int]

_CELL_WIDTH = 416  # larger frames are shrunk to this
_SHEET_COLUMNS = 3  # more would be too small to judge on a page
_SLICE_WIDTH = 832  # a slice is enlarged by a whole number up to this
_THUMB_WIDTH = 208
_LEAST_SLICE_HEIGHT = 96  # fewer frames than this are drawn several pixels tall each
_GAP, _MARGIN, _LINE = 8, 16, 20
_PAPER, _INK, _PALE, _MARK = (24, 25, 28), (236, 236, 232), (165, 167, 171), (230, 60, 50)


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


def common_rate(results: Sequence[SequenceResult]) -> float:
    """The bpp to which all codecs have a near point: the largest ratio to it is the smallest.

    Args:
        results: of one sequence; those that failed do not count.

    Raises:
        ValueError: no codec finished.
    """
    rates = [[r.bpp(point) for point in r.points] for r in results if has_finished(r)]
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
        if has_finished(result)
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
    from PIL import Image, ImageDraw

    _check_shapes(original, decodes)
    metric, worst, median = worst_and_median(decodes[judged])
    width = min(original.shape[2], _CELL_WIDTH)
    height = max(1, round(original.shape[1] * width / original.shape[2]))
    rows = -(-(1 + len(decodes)) // _SHEET_COLUMNS)
    columns = -(-(1 + len(decodes)) // rows)  # rows are as full as they can be
    cell_height = height + 2 * _LINE + _GAP
    block = _LINE + rows * cell_height
    size = (
        2 * _MARGIN + columns * width + (columns - 1) * _GAP,
        2 * _MARGIN + _LINE + 2 * block - _GAP,
    )
    sheet = Image.new("RGB", size, _PAPER)
    draw = ImageDraw.Draw(sheet)
    _write(draw, (_MARGIN, _MARGIN - 4), title, 15, _INK, size[0] - 2 * _MARGIN)
    for k, (which, frame) in enumerate((("worst", worst), ("median", median))):
        top = _MARGIN + _LINE + k * block
        said = f"frame {frame}, the {which} of {judged} by {METRICS[metric].label}"
        _write(draw, (_MARGIN, top + 4), said, 13, _PALE, size[0] - 2 * _MARGIN)
        cells = [("original", "", original[frame])]
        for label, decode in decodes.items():
            score = decode.per_frame.get(metric, [None] * len(original))[frame]
            told = "no score" if score is None else METRICS[metric].format(score)
            below = f"{decode.bpp:.4f} bpp, {METRICS[metric].label} {told}"
            cells.append((label, below, decode.frames[frame]))
        for index, (caption, below, cell) in enumerate(cells):
            left = _MARGIN + index % columns * (width + _GAP)
            y = top + _LINE + index // columns * cell_height
            _write(draw, (left, y + 2), caption, 13, _INK, width)
            picture = Image.fromarray(cell)
            if picture.size != (width, height):
                picture = picture.resize((width, height), Image.Resampling.LANCZOS)
            sheet.paste(picture, (left, y + _LINE))
            _write(draw, (left, y + _LINE + height + 3), below, 12, _PALE, width)
    sheet.save(path, format="PNG")


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
    """One row of pixels over time, downwards: that of the original above that of each decode.

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
    from PIL import Image, ImageDraw

    _check_shapes(original, decodes)
    row = most_moving_row(original) if row is None else row
    num_frames, frame_height, frame_width = original.shape[:3]
    across = max(1, _SLICE_WIDTH // frame_width)
    down = max(across, -(-_LEAST_SLICE_HEIGHT // num_frames))
    width, height = frame_width * across, num_frames * down
    columns = min(2, len(decodes))
    block = 2 * (_LINE + height) + 2 * _GAP
    blocks = -(-len(decodes) // columns)
    thumb = _THUMB_WIDTH, max(1, round(_THUMB_WIDTH * frame_height / frame_width))
    head = _MARGIN + _LINE + thumb[1] + 2 * _GAP
    size = (
        2 * _MARGIN + columns * width + (columns - 1) * 2 * _GAP,
        head + blocks * block + _MARGIN - _GAP,
    )
    sheet = Image.new("RGB", size, _PAPER)
    draw = ImageDraw.Draw(sheet)
    _write(draw, (_MARGIN, _MARGIN - 4), title, 15, _INK, size[0] - 2 * _MARGIN)
    marked = _draw_place(original[num_frames // 2], row, thumb)
    sheet.paste(marked, (_MARGIN, _MARGIN + _LINE))
    beside = _MARGIN + _THUMB_WIDTH + _GAP
    told = (f"pixel row {row}, red in frame {num_frames // 2}", f"{num_frames} frames, downwards")
    for k, line in enumerate(told):
        place = beside, _MARGIN + _LINE + k * _LINE
        _write(draw, place, line, 13, _PALE, size[0] - _MARGIN - beside)
    for k, (label, decode) in enumerate(decodes.items()):
        left = _MARGIN + k % columns * (width + 2 * _GAP)
        top = head + k // columns * block
        pair = (
            ("original", original, _PALE),
            (f"{label}, {decode.bpp:.4f} bpp", decode.frames, _INK),
        )
        for part, (said, frames, colour) in enumerate(pair):
            y = top + part * (_LINE + height)
            _write(draw, (left, y + 2), said, 13, colour, width)
            tall = frames[:, row].repeat(down, axis=0).repeat(across, axis=1)
            sheet.paste(Image.fromarray(tall), (left, y + _LINE))
    sheet.save(path, format="PNG")


def _draw_place(frame: Frames, row: int, size: tuple[int, int]) -> Image.Image:
    """A small frame with the row of pixels marked."""
    from PIL import Image, ImageDraw

    small = Image.fromarray(frame).resize(size, Image.Resampling.LANCZOS)
    y = (row + 0.5) * size[1] / frame.shape[0]
    ImageDraw.Draw(small).line([(0, y), (size[0], y)], fill=_MARK, width=2)
    return small


def _write(
    draw: ImageDraw.ImageDraw,
    place: tuple[int, int],
    text: str,
    points: int,
    colour: Colour,
    width: int,
) -> None:
    """One line of text, shortened until it fits the width."""
    from PIL import ImageFont

    font = ImageFont.load_default(points)
    text = " ".join(text.split())
    shown = text
    while shown and draw.textlength(shown, font=font) > width:
        text = text[:-1]
        shown = f"{text}..." if text else ""
    draw.text(place, shown, colour, font=font)


def _check_shapes(original: Frames, decodes: Mapping[str, Decode]) -> None:
    if not decodes:
        raise ValueError("there is no decode to show")
    for label, decode in decodes.items():
        if decode.frames.shape != original.shape:
            raise ValueError(f"{label} has shape {decode.frames.shape}, not {original.shape}")
