"""The scores of a sweep against the rate, one panel for each metric."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from freegvc._atomic import atomic_path
from freegvc._cli.figures import BORDER, INK, LINE, bare, draw_png, new_figure, score_label
from freegvc._cli.paths import printable
from freegvc._cli.sweep_table import mean_score
from freegvc.errors import UsageError
from freegvc.metrics import SCORES

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from freegvc._cli.sweep_table import Table
    from freegvc._codec.sweep import SweepPoint

_PANEL_INCHES, _DPI = (4.4, 3.3), 130
_MAX_COLUMNS = 3


def save_sweep_plot(path: Path, table: Table, *, overwrite: bool) -> None:
    """Draw the mean of each score, and the range in which nine of ten frames lie.

    Args:
        path: a .png file.
        table: with scores.
        overwrite: whether an older file may be replaced.

    Raises:
        UsageError: no metric has scores.
    """
    shown = [n for n in table.metrics if any(mean_score(p, n) is not None for p in table.points)]
    if not shown:
        raise UsageError("there is nothing to plot: no chosen metric scores these frames")
    columns = min(len(shown), _MAX_COLUMNS)
    rows = -(-len(shown) // columns)
    size = (columns * _PANEL_INCHES[0], rows * _PANEL_INCHES[1] + 0.4)
    header = table.points[0].stream.header
    facts = f"{header.width}x{header.height}, {header.num_frames} frames"
    names = printable(Path(table.input).name), facts, printable(header.prior)
    figure = new_figure(size, _DPI, "  ·  ".join(names))
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for panel, name in zip(panels, shown, strict=False):
        _draw(panel, table, name)
    for panel in panels[len(shown) :]:
        panel.set_visible(False)
    with atomic_path(path, overwrite=overwrite) as temporary:
        draw_png(figure, temporary)


def _draw(panel: Axes, table: Table, name: str) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    scale = SCORES[name]
    means = [(point.bpp, mean_score(point, name)) for point in table.points]
    places = [(bpp, mean) for bpp, mean in means if mean is not None]
    panel.set_xscale("log")
    spread = [(p.bpp, *ends) for p in table.points if (ends := _spread(p, name)) is not None]
    if len(spread) > 1:
        rates, low, high = zip(*spread, strict=True)
        panel.fill_between(
            rates, low, high, color=LINE, alpha=0.13, linewidth=0.0, label="9 of 10 frames"
        )
    panel.plot(
        *zip(*places, strict=True), "o-", color=LINE, linewidth=1.6, markersize=4.5, label="mean"
    )
    side = -1 if scale.higher_is_better else 1  # away from the curve
    for place in places:
        panel.annotate(
            f"{place[1]:.{scale.decimals}f}",
            place,
            (5 * side, 3),
            textcoords="offset points",
            ha="right" if side < 0 else "left",
            fontsize=7.5,
            color=INK,
        )
    panel.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    panel.xaxis.set_major_formatter(FuncFormatter(lambda bpp, _: f"{bpp:g}"))
    panel.xaxis.set_minor_formatter(NullFormatter())
    panel.margins(0.17, 0.1)
    panel.grid(color=BORDER, alpha=0.4, linewidth=0.6)
    panel.set_axisbelow(True)
    bare(panel)
    panel.set_xlabel("bits per pixel", fontsize=9, color=INK)
    panel.set_title(score_label(scale), fontsize=9, loc="left", color=INK)
    if len(spread) > 1:
        panel.legend(fontsize=8, frameon=False, loc="best")


def _spread(point: SweepPoint, name: str) -> tuple[float, float] | None:
    """The scores below which 5 and 95 of 100 frames lie; None for scores that frames lack."""
    scores = None if point.scores is None else point.scores.per_frame.get(name)
    if not scores or np.isnan(scores).all():
        return None
    low, high = np.nanpercentile(scores, (5.0, 95.0))
    return float(low), float(high)
