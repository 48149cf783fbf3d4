"""The preferences of a study as stacked bars, as in Fig. 9 of the Free-GVC paper."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from freegvc._atomic import atomic_path
from freegvc._cli.figures import INK, LINE, MEAN, bare, draw_png, new_figure
from freegvc._cli.pages import count
from freegvc._cli.paths import printable
from freegvc._cli.study_report import title
from freegvc._study.analysis import BLOCKS, Analysis

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_WIDTH_INCHES, _PANEL_INCHES, _DPI = 8.0, 1.75, 120
_TIE = "#c9c9c9"
_LEAST_SHARE = 0.045  # narrower parts of a bar have no room for their number


def save_study_plot(path: Path, result: Analysis, *, overwrite: bool) -> None:
    """Draw one panel for each pair, with a bar for each question and one for all three.

    Args:
        path: a .png file.
        result: of `analyse`.
        overwrite: whether an older file may be replaced.
    """
    num_pairs = len(result.rates[BLOCKS[0]])
    size = (_WIDTH_INCHES, _PANEL_INCHES * num_pairs + 0.5)
    figure = new_figure(size, _DPI, f"Preferences of {count(len(result.kept), 'participant')}")
    panels = figure.subplots(num_pairs, 1, sharex=True, squeeze=False)[:, 0]
    for p, panel in enumerate(panels):
        _draw(panel, result, p)
    panels[-1].set_xlabel(
        "share of votes; lines: 95 % Wilson intervals, below for the left, above for the right",
        color=INK,
        fontsize=8,
    )
    with atomic_path(path, overwrite=overwrite) as temporary:
        draw_png(figure, temporary)


def _draw(panel: Axes, result: Analysis, p: int) -> None:
    first, second = result.rates[BLOCKS[0]][p].pair
    for place, block in enumerate(BLOCKS):
        row = result.rates[block][p]
        left = 0.0
        for share, colour, ink in zip(
            row.shares, (LINE, _TIE, MEAN), ("white", INK, "white"), strict=True
        ):
            panel.barh(place, share, left=left, color=colour, height=0.72)
            if share >= _LEAST_SHARE:
                panel.text(
                    left + share / 2,
                    place,
                    f"{100 * share:.1f} %",
                    ha="center",
                    va="center",
                    fontsize=8,
                    color=ink,
                )
            left += share
        (low, high), _, (second_low, second_high) = row.intervals
        panel.plot((low, high), (place + 0.27, place + 0.27), color=INK, linewidth=1.2)
        ends = (1 - second_high, 1 - second_low)
        panel.plot(ends, (place - 0.27, place - 0.27), color=INK, linewidth=1.2)
    panel.set_yticks(range(len(BLOCKS)), [title(block) for block in BLOCKS])
    panel.invert_yaxis()
    panel.set_xlim(0, 1)
    panel.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "25 %", "50 %", "75 %", "100 %"])
    for x, align, codec, colour in (
        (0.0, "left", first, LINE),
        (0.5, "center", "no difference", INK),
        (1.0, "right", second, MEAN),
    ):
        text = codec if align == "center" else f"{printable(codec)} better"
        panel.text(
            x,
            1.03,
            text,
            transform=panel.transAxes,
            ha=align,
            fontsize=9,
            color=colour,
            parse_math=False,
        )
    bare(panel)
