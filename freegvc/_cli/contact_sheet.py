"""A picture of the result: frames of original and decode, and their difference."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

Frame = npt.NDArray[np.uint8]

_GAIN = 3
_CELL_WIDTH = 416  # width in pixels to which larger frames are scaled down
_GAP, _MARGIN, _LINE = 6, 16, 20
_PAPER, _INK, _PALE = (24, 25, 28), (236, 236, 232), (150, 152, 156)


def sheet_indices(num_frames: int, columns: int = 4) -> list[int]:
    """Frames to show: spread evenly, including the first and the last."""
    columns = min(columns, num_frames)
    if columns == 1:
        return [0]
    return [round(k * (num_frames - 1) / (columns - 1)) for k in range(columns)]


def save_contact_sheet(
    path: Path,
    pairs: dict[int, tuple[Frame, Frame]],
    *,
    title: str,
    captions: Sequence[str],
) -> None:
    """Draw the sheet: a row of originals, a row of decodes, a row of differences.

    Args:
        path: the PNG file to write.
        pairs: original and decoded frame, by frame index.
        title: line at the top.
        captions: of the rows of originals and of decodes.
    """
    from PIL import Image, ImageDraw, ImageFont

    first = next(iter(pairs.values()))[0]
    width = min(first.shape[1], _CELL_WIDTH)
    height = max(1, round(first.shape[0] * width / first.shape[1]))
    size = (
        2 * _MARGIN + len(pairs) * width + (len(pairs) - 1) * _GAP,
        2 * _MARGIN + 3 * (height + _LINE + _GAP) + _LINE,
    )
    sheet = Image.new("RGB", size, _PAPER)
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(13)
    small = ImageFont.load_default(11)
    draw.text((_MARGIN, _MARGIN - 4), title, _INK, font=ImageFont.load_default(14))
    rows = (*captions, f"difference, {_GAIN} times")
    for column, (index, (original, decoded)) in enumerate(pairs.items()):
        left = _MARGIN + column * (width + _GAP)
        cells = (original, decoded, _difference(original, decoded))
        for row, (caption, cell) in enumerate(zip(rows, cells, strict=True)):
            top = _MARGIN + _LINE + row * (height + _LINE + _GAP)
            if column == 0:
                draw.text((left, top + 3), caption, _INK, font=font)
            if row == 0:
                label = f"frame {index}"
                draw.text((left + width, top + 4), label, _PALE, font=small, anchor="ra")
            picture = Image.fromarray(cell)
            if picture.size != (width, height):
                picture = picture.resize((width, height), Image.Resampling.LANCZOS)
            sheet.paste(picture, (left, top + _LINE))
    sheet.save(path)


def _difference(original: Frame, decoded: Frame) -> Frame:
    """Signed difference around mid grey, so that dark and bright errors look different."""
    signed = decoded.astype(np.int16) - original
    shown: Frame = np.clip(128 + _GAIN * signed, 0, 255).astype(np.uint8)
    return shown
