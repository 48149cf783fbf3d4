"""Curves as one PNG, and in its metadata a digest of what is drawn."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

from benchmarks.report.curves import CurveSet
from freegvc.metrics import SCORES

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

# the palette of Okabe and Ito without its yellow; markers and dashes tell codecs apart as well
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
_MARKERS = ("o", "s", "^", "D", "v", "P", "X")
_DASHES = ("-", (0, (5, 2)), (0, (1.5, 1.5)))
_PALE = "#808080"
_PANEL_INCHES = (4.8, 3.5)
_LEGEND_LINE_INCHES, _LEGEND_HANDLE_INCHES, _LETTER_INCHES = 0.2, 0.75, 0.08
_TITLE_LETTERS, _LEGEND_LETTERS = 56, 40  # what is longer would leave no room for the plot
DIGEST = "Description"  # key of a text in a PNG
Panel = tuple[str, CurveSet]  # metric and curves


def draw_curves(
    panels: Sequence[Panel], codecs: Sequence[str], rate_range: tuple[float, float] | None
) -> bytes:
    """All panels in one PNG with one legend.

    Args:
        panels: what to draw.
        codecs: all of the report, so that each looks the same in every plot.
        rate_range: bpp, marked as the range of the comparison.

    Raises:
        ValueError: there are no panels.
    """
    from matplotlib.figure import Figure

    if not panels:
        raise ValueError("there is nothing to plot")
    columns = 1 if len(panels) == 1 else 2 if len(panels) <= 4 else 3
    rows = -(-len(panels) // columns)
    shown = {curve.codec for _, panel in panels for curve in panel.curves}
    labels = {codec: _short(codec, _LEGEND_LETTERS) for codec in codecs if codec in shown}
    width, height = columns * _PANEL_INCHES[0], rows * _PANEL_INCHES[1]
    longest = max(map(len, labels.values()), default=0)
    entry = _LEGEND_HANDLE_INCHES + _LETTER_INCHES * longest
    legend_columns = max(1, min(len(labels), int(width / entry)))
    height += _LEGEND_LINE_INCHES * -(-len(labels) // legend_columns)
    figure = Figure(figsize=(width, height), dpi=130, layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    lines: dict[str, Line2D] = {}
    for axes, (metric, panel) in zip(grid, panels, strict=False):
        lines |= _draw(axes, panel, metric, codecs, rate_range)
    for axes in grid[len(panels) :]:
        axes.set_visible(False)
    legend = figure.legend(
        [lines[codec] for codec in labels],
        list(labels.values()),
        loc="outside lower center",
        ncols=legend_columns,
        fontsize=9,
        frameon=False,
        handlelength=3.0,
    )
    for text in legend.get_texts():
        text.set_parse_math(False)
    picture = io.BytesIO()
    figure.savefig(picture, format="png", metadata={DIGEST: digest_of(panels)})
    return picture.getvalue()


def digest_of(panels: Sequence[Panel]) -> str:
    """What two pictures share if they show the same curves to five digits."""
    shown = [
        (metric, panel.title, curve.codec, *(f"{x:.5g}" for x in (*curve.bpp, *curve.scores)))
        for metric, panel in panels
        for curve in panel.curves
    ]
    return hashlib.sha256(repr(shown).encode()).hexdigest()


def _draw(
    axes: Axes,
    panel: CurveSet,
    metric: str,
    codecs: Sequence[str],
    rate_range: tuple[float, float] | None,
) -> dict[str, Line2D]:
    """Draw a panel; gives the line of each codec, for a legend."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    about = SCORES[metric]
    if rate_range is not None:
        axes.axvspan(*rate_range, color=_PALE, alpha=0.1, linewidth=0.0, zorder=0)
    lines: dict[str, Line2D] = {}
    for curve in panel.curves:
        k = codecs.index(curve.codec)
        (lines[curve.codec],) = axes.plot(
            curve.bpp,
            curve.scores,
            color=COLOURS[k % len(COLOURS)],
            marker=_MARKERS[k % len(_MARKERS)],
            linestyle=_DASHES[k // len(COLOURS) % len(_DASHES)],
            linewidth=1.8,
            markersize=5.5,
        )
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda bpp, _: f"{bpp:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.margins(0.05, 0.08)
    axes.grid(color=_PALE, alpha=0.25, linewidth=0.7)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(which="both", labelsize=9)
    # names come from files, and a dollar in one is no formula
    title = _short(panel.title, _TITLE_LETTERS)
    axes.set_title(title, fontsize=10, loc="left", parse_math=False)
    axes.set_xlabel("bits per pixel (log scale)", fontsize=9)
    direction = "higher is better" if about.higher_is_better else "lower is better"
    unit = f" [{about.unit.strip()}]" if about.unit else ""
    axes.set_ylabel(f"{about.label}{unit}, {direction}", fontsize=9)
    axes.text(
        0.02,
        0.97 if about.higher_is_better else 0.03,
        "↖ better" if about.higher_is_better else "↙ better",
        transform=axes.transAxes,
        va="top" if about.higher_is_better else "bottom",
        fontsize=9,
        fontweight="bold",
    )
    return lines


def _short(name: str, letters: int) -> str:
    name = " ".join(name.split())
    return name if len(name) <= letters else f"{name[: letters - 3]}..."
