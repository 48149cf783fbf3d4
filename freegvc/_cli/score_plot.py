"""The score of each frame as a picture, one panel for each metric, with the borders of GOPs."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from freegvc._atomic import atomic_path, check_output
from freegvc._cli.paths import printable, refuse_standard
from freegvc.errors import UsageError
from freegvc.metrics import METRICS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from freegvc._cli.score_page import Report

_WIDTH_INCHES, _PANEL_INCHES, _DPI = 9.0, 1.9, 120
_MAX_LABELS = 12  # the numbers of more GOPs would overlap
_LINE, _MEAN, _BORDER, _INK = "#1f5fa8", "#c2571a", "#b8b8b8", "#333333"


def check_plot(path: Path, *, overwrite: bool) -> None:
    """Refuse, before any work, a plot that cannot be drawn.

    Raises:
        UsageError: matplotlib is missing, or `path` is not a .png file that may be written.
    """
    if find_spec("matplotlib") is None:
        raise UsageError("--plot needs matplotlib: pip install 'freegvc[bench]'")
    refuse_standard(path, "--plot")
    if path.suffix.lower() != ".png":
        raise UsageError(f"--plot writes a .png file, but {path.name} is none: name another")
    check_output(path, overwrite=overwrite)


def save_score_plot(path: Path, report: Report, *, overwrite: bool) -> None:
    """Draw the scores of all frames, one panel for each metric.

    Args:
        path: a .png file.
        report: with at least one score of a frame.
        overwrite: whether an older file may be replaced.

    Raises:
        UsageError: no metric has scores of frames.
    """
    # not through pyplot, which keeps figures and chooses a backend for the whole process
    from matplotlib.figure import Figure

    shown = [name for name in report.frame_metrics if report.scores.pooled(name)]
    if not shown:
        raise UsageError("there is nothing to plot: no chosen metric scores these frames")
    height = _PANEL_INCHES * len(shown) + 0.7
    figure = Figure(figsize=(_WIDTH_INCHES, height), dpi=_DPI, layout="constrained")
    panels = figure.subplots(len(shown), 1, sharex=True, squeeze=False)[:, 0]
    for panel, name in zip(panels, shown, strict=True):
        _draw(panel, report, name)
    panels[-1].set_xlabel("frame", color=_INK)
    rate = f"{report.bpp:.4g} bpp" + (f", {len(report.gops)} GOPs" if report.gops else "")
    figure.suptitle(
        f"{printable(report.distorted.name)} against {printable(report.reference.name)}  ·  {rate}",
        fontsize=10,
        color=_INK,
        parse_math=False,  # a name may hold dollar signs
    )
    with atomic_path(path, overwrite=overwrite) as temporary:
        figure.savefig(temporary, format="png")


def _draw(panel: Axes, report: Report, name: str) -> None:
    metric, scores = METRICS[name], report.scores
    values = scores.per_frame[name] or []
    for gop in report.gops[1:]:
        panel.axvline(gop.start - 0.5, color=_BORDER, linewidth=1.0, linestyle="--", zorder=0)
    panel.plot(range(len(values)), values, color=_LINE, linewidth=1.3, marker=".", markersize=3)
    spans = report.gops or (range(scores.num_frames),)
    for gop, pooled in zip(spans, scores.pooled_gops(name, spans), strict=True):
        if pooled is None:
            continue
        ends = (gop.start - 0.5, gop.stop - 0.5)
        panel.plot(ends, (pooled.mean, pooled.mean), color=_MEAN, linewidth=1.0)
        if len(spans) <= _MAX_LABELS:
            panel.text(
                (ends[0] + ends[1]) / 2,
                0.98,
                metric.format(pooled.mean),
                transform=panel.get_xaxis_transform(),  # x in frames, y in the panel's height
                ha="center",
                va="top",
                fontsize=8,
                color=_MEAN,
            )
    better = "higher is better" if metric.higher_is_better else "lower is better"
    unit = f" [{metric.unit.strip()}]" if metric.unit else ""
    panel.set_title(f"{metric.label}{unit}, {better}", fontsize=9, loc="left", color=_INK)
    panel.margins(x=0.01, y=0.2)  # room for the numbers above the curve
    panel.tick_params(labelsize=8, colors=_INK)
    panel.spines[["top", "right"]].set_visible(False)
