"""The picture of `strip`: one frame at several rates, each with a caption below it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from PIL import Image

MOST_COLUMNS = 4
_GAP = 6  # pixels between two cells
_TEXT, _LINE = 13, 18  # height of letters and of a line in pixels
_PAPER, _INK, _PALE = (24, 25, 28), (236, 236, 232), (150, 152, 156)


@dataclass(frozen=True, slots=True)
class Cell:
    """One frame, uint8 [H, W, 3], and the two lines below it."""

    frame: npt.NDArray[np.uint8]
    caption: str
    remark: str


def strip_picture(cells: Sequence[Cell]) -> Image.Image:
    """Frames of one size in as few rows as hold them, at their own size.

    Args:
        cells: at least one.
    """
    from PIL import Image, ImageDraw, ImageFont

    font = ImageFont.load_default(_TEXT)
    height, width, _ = cells[0].frame.shape
    words = [line for cell in cells for line in (cell.caption, cell.remark)]
    cell_width = max(width, *(math.ceil(font.getlength(line)) for line in words))
    cell_height = height + 2 * _LINE
    rows = math.ceil(len(cells) / MOST_COLUMNS)
    columns = math.ceil(len(cells) / rows)
    size = tuple(
        number * (side + _GAP) + _GAP
        for number, side in ((columns, cell_width), (rows, cell_height))
    )
    picture = Image.new("RGB", size, _PAPER)
    draw = ImageDraw.Draw(picture)
    for place, cell in enumerate(cells):
        left = _GAP + place % columns * (cell_width + _GAP)
        top = _GAP + place // columns * (cell_height + _GAP)
        picture.paste(Image.fromarray(cell.frame), (left, top))
        draw.text((left, top + height + 2), cell.caption, _INK, font=font)
        draw.text((left, top + height + 2 + _LINE), cell.remark, _PALE, font=font)
    return picture
