"""Curves as pictures: SVG elements for a page, and one PNG for everything else."""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from benchmarks.report.curves import CurveSet
from freegvc.metrics import SCORES

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

# the palette of Okabe and Ito without its yellow; markers and dashes tell codecs apart as well
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
_MARKERS = ("o", "s", "^", "D", "v", "P", "X")
_DASHES = ("-", (0, (5, 2)), (0, (1.5, 1.5)))
_INK, _PALE = "#333333", "#808080"
_PANEL_INCHES, _DPI = (4.8, 3.5), 130
DIGEST = "Description"  # key of a text in a PNG
_LEGEND_LINE_INCHES, _LEGEND_HANDLE_INCHES, _LETTER_INCHES = 0.2, 0.75, 0.08
_TITLE_LETTERS, _LEGEND_LETTERS = 56, 40  # what is longer would leave no room for the plot


def draw_svg(
    panel: CurveSet,
    metric: str,
    codecs: Sequence[str],
    rate_range: tuple[float, float] | None,
    *,
    prefix: str,
) -> str:
    """A panel as an SVG element that goes into a page.

    Its text and axes take the page's colour, and its background is the page's.

    Args:
        panel: what to draw.
        metric: of the scores.
        codecs: all of the report, so that each looks the same in every plot.
        rate_range: bpp, marked as the range of the comparison.
        prefix: of the ids, which must differ from those of all other elements of the page.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    columns, extra = _legend_size((c.codec for c in panel.curves), _PANEL_INCHES[0])
    figure = Figure(figsize=(_PANEL_INCHES[0], _PANEL_INCHES[1] + extra), layout="constrained")
    lines = _draw(figure.subplots(), panel, metric, codecs, rate_range)
    _legend(figure, lines, columns)
    text = io.StringIO()
    nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))  # no metadata: same bytes
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": prefix}):
        figure.savefig(text, format="svg", transparent=True, metadata=nothing)
    return _for_page(text.getvalue(), prefix)


def draw_png(
    panels: Sequence[tuple[str, CurveSet]],
    codecs: Sequence[str],
    rate_range: tuple[float, float] | None,
) -> bytes:
    """All panels in one PNG with one legend, and in its metadata a digest of what is drawn.

    Args:
        panels: metric and curves.
        codecs: as for `draw_svg`.
        rate_range: as for `draw_svg`.

    Raises:
        ValueError: there are no panels.
    """
    from matplotlib.figure import Figure

    if not panels:
        raise ValueError("there is nothing to plot")
    columns = 1 if len(panels) == 1 else 2 if len(panels) <= 4 else 3
    rows = -(-len(panels) // columns)
    shown = {curve.codec for _, panel in panels for curve in panel.curves}
    legend_columns, extra = _legend_size(shown, columns * _PANEL_INCHES[0])
    size = columns * _PANEL_INCHES[0], rows * _PANEL_INCHES[1] + extra
    figure = Figure(figsize=size, dpi=_DPI, layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    lines: dict[str, Line2D] = {}
    for axes, (metric, panel) in zip(grid, panels, strict=False):
        lines |= _draw(axes, panel, metric, codecs, rate_range)
    for axes in grid[len(panels) :]:
        axes.set_visible(False)
    in_order = {codec: lines[codec] for codec in codecs if codec in lines}
    _legend(figure, in_order, legend_columns)
    picture = io.BytesIO()
    figure.savefig(picture, format="png", metadata={DIGEST: digest_of(panels)})
    return picture.getvalue()


def digest_of(panels: Sequence[tuple[str, CurveSet]]) -> str:
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
            color=_COLOURS[k % len(_COLOURS)],
            marker=_MARKERS[k % len(_MARKERS)],
            linestyle=_DASHES[k // len(_COLOURS) % len(_DASHES)],
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
    axes.spines[["left", "bottom"]].set_color(_INK)
    axes.tick_params(which="both", labelsize=9, colors=_INK)
    # names come from files, and a dollar in one is no formula
    title = _short(panel.title, _TITLE_LETTERS)
    axes.set_title(title, fontsize=10, loc="left", color=_INK, parse_math=False)
    axes.set_xlabel("bits per pixel (log scale)", fontsize=9, color=_INK)
    direction = "higher is better" if about.higher_is_better else "lower is better"
    unit = f" [{about.unit.strip()}]" if about.unit else ""
    axes.set_ylabel(f"{about.label}{unit}, {direction}", fontsize=9, color=_INK)
    axes.annotate(
        "↖ better" if about.higher_is_better else "↙ better",
        (0.02, 0.97 if about.higher_is_better else 0.03),
        xycoords="axes fraction",
        ha="left",
        va="top" if about.higher_is_better else "bottom",
        fontsize=9,
        fontweight="bold",
        color=_INK,
    )
    return lines


def _legend_size(codecs: Iterable[str], width: float) -> tuple[int, float]:
    """Columns of a legend in a width in inches, and the inches of height that it needs."""
    names = [_short(codec, _LEGEND_LETTERS) for codec in codecs]
    entry = _LEGEND_HANDLE_INCHES + _LETTER_INCHES * max(map(len, names), default=0)
    columns = max(1, min(len(names), int(width / entry)))
    return columns, _LEGEND_LINE_INCHES * -(-len(names) // columns)


def _legend(figure: Figure, lines: Mapping[str, Line2D], columns: int) -> None:
    """Below all panels, each codec once."""
    if not lines:
        return
    legend = figure.legend(
        list(lines.values()),
        [_short(codec, _LEGEND_LETTERS) for codec in lines],
        loc="outside lower center",
        ncols=columns,
        fontsize=9,
        frameon=False,
        handlelength=3.0,
        labelcolor=_INK,
    )
    for text in legend.get_texts():
        text.set_parse_math(False)


def _short(name: str, letters: int) -> str:
    name = " ".join(name.split())
    return name if len(name) <= letters else f"{name[: letters - 3]}..."


def _for_page(svg: str, prefix: str) -> str:
    """The element alone, as wide as its place, in the page's colours, with ids of its own."""
    svg = svg[svg.index("<svg") :].strip()
    # a style element of one picture would hold for the whole page
    svg = re.sub(r"<style.*?</style>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r'\bid="([^"]*)"', rf'id="{prefix}-\1"', svg)
    svg = re.sub(r'href="#([^"]*)"', rf'href="#{prefix}-\1"', svg)
    svg = re.sub(r"url\(#([^)]*)\)", rf"url(#{prefix}-\1)", svg)
    return svg.replace(_INK, "currentColor")
