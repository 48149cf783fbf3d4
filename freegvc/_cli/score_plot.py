"""The score of each frame as a picture, one panel for each metric, with the borders of GOPs."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from freegvc._atomic import atomic_path, check_output
from freegvc._cli.figures import INK, LINE, bare, draw_gops, draw_png, new_figure, score_label
from freegvc._cli.paths import printable, refuse_same_file, refuse_standard
from freegvc.errors import UsageError
from freegvc.metrics import METRICS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from freegvc._cli.score_page import Report

_WIDTH_INCHES, _PANEL_INCHES, _DPI = 9.0, 1.9, 120


def check_plot(path: Path, inputs: Iterable[str | Path], *, overwrite: bool) -> None:
    """Refuse, before any work, a plot that cannot be drawn.

    Args:
        path: of the plot.
        inputs: of the command, none of which is replaced.
        overwrite: whether an older file may be replaced.

    Raises:
        UsageError: matplotlib is missing, or `path` is not a .png file that may be written.
    """
    if find_spec("matplotlib") is None:
        raise UsageError("--plot needs matplotlib: pip install 'freegvc[bench]'")
    refuse_standard(path, "--plot")
    if path.suffix.lower() != ".png":
        raise UsageError(f"--plot writes a .png file, but {path.name} is none: name another")
    check_output(path, overwrite=overwrite)
    for source in inputs:
        refuse_same_file(source, path)


def save_score_plot(path: Path, report: Report, *, overwrite: bool) -> None:
    """Draw the scores of all frames, one panel for each metric.

    Args:
        path: a .png file.
        report: with at least one score of a frame.
        overwrite: whether an older file may be replaced.

    Raises:
        UsageError: no metric has scores of frames.
    """
    shown = [name for name in report.frame_metrics if report.scores.pooled(name)]
    if not shown:
        raise UsageError("there is nothing to plot: no chosen metric scores these frames")
    rate = f"{report.bpp:.4g} bpp" + (f", {len(report.gops)} GOPs" if report.gops else "")
    names = f"{printable(report.distorted.name)} against {printable(report.reference.name)}"
    size = (_WIDTH_INCHES, _PANEL_INCHES * len(shown) + 0.7)
    figure = new_figure(size, _DPI, f"{names}  ·  {rate}")
    panels = figure.subplots(len(shown), 1, sharex=True, squeeze=False)[:, 0]
    for panel, name in zip(panels, shown, strict=True):
        _draw(panel, report, name)
    panels[-1].set_xlabel("frame", color=INK)
    with atomic_path(path, overwrite=overwrite) as temporary:
        draw_png(figure, temporary)


def _draw(panel: Axes, report: Report, name: str) -> None:
    metric, scores = METRICS[name], report.scores
    values = scores.per_frame[name] or []
    panel.plot(range(len(values)), values, color=LINE, linewidth=1.3, marker=".", markersize=3)
    spans = report.gops or (range(scores.num_frames),)
    pooled = scores.pooled_gops(name, spans)
    draw_gops(panel, metric, spans, [None if gop is None else gop.mean for gop in pooled])
    panel.set_title(score_label(metric), fontsize=9, loc="left", color=INK)
    panel.margins(x=0.01, y=0.2)  # room for the numbers above the curve
    bare(panel)
