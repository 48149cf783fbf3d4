"""The pictures of a report, as PNG."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np

from freegvc._cli.figures import (
    INK,
    LINE,
    MAX_LABELS,
    bare,
    draw_gops,
    draw_png,
    new_figure,
    score_label,
)
from freegvc._control.surrogate import RatePoint, fit_power_law

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from freegvc._cli.report_contents import GopReport, Report
    from freegvc.metrics import Metric

_SIZE_INCHES, _DPI = (9.0, 4.0), 120
_TARGET, _MISSED = "#2d8a4e", "#c0392b"
_MAX_MARKERS = 400  # of frames
_CURVE_SAMPLES = 60


def draw_scores(report: Report) -> bytes:
    """The score of each frame and of each GOP, the borders of GOPs, and the target."""
    figure, panel = _figure(report)
    _draw_target(panel, report)
    marker = "." if len(report.per_frame) <= _MAX_MARKERS else ""
    panel.plot(report.per_frame, color=LINE, linewidth=1.0, marker=marker, markersize=4)
    spans, means = [gop.frames for gop in report.gops], [gop.score for gop in report.gops]
    draw_gops(panel, report.metric, spans, means)
    _count_along(panel)
    panel.margins(x=0.01, y=0.15)  # room for the numbers above the curve
    panel.set_xlabel("frame", fontsize=9, color=INK)
    panel.set_ylabel(score_label(report.metric), fontsize=9, color=INK)
    title = f"Score of each frame, and of each GOP ({report.pooling}){_target_label(report)}"
    panel.set_title(title, fontsize=9, loc="left", color=INK)
    return _png(figure)


def draw_curves(report: Report) -> bytes:
    """The states that were scored, the power law of each GOP, and the state in the file."""
    from matplotlib import colormaps

    figure, panel = _figure(report)
    _draw_target(panel, report)
    colours = colormaps["viridis"](np.linspace(0.0, 0.85, len(report.gops)))
    for k, (gop, colour) in enumerate(zip(report.gops, colours, strict=True)):
        pixels = gop.num_pixels
        if gop.probes:
            bits, scores = np.array(gop.probes).T
            panel.plot(bits / pixels, scores, ".", color=colour, markersize=7)
        if len({bits for bits, _ in gop.probes}) > 1:
            rate, curve = surrogate(report.metric, gop)
            panel.plot(rate / pixels, curve, color=colour, linewidth=1.0)
        label = f"GOP {k}" if len(report.gops) <= MAX_LABELS else None
        panel.plot(
            gop.bits / pixels,
            gop.score,
            "o",
            markersize=9,
            markerfacecolor="none",
            markeredgewidth=1.5,
            color=colour,
            label=label,
        )
    if len(report.gops) <= MAX_LABELS:
        panel.legend(fontsize=8, frameon=False, ncols=1 + (len(report.gops) > 6))
    panel.margins(0.05, 0.1)
    panel.set_xlabel("bits per pixel of the GOP", fontsize=9, color=INK)
    panel.set_ylabel(score_label(report.metric), fontsize=9, color=INK)
    title = "Scored states, the power law of each GOP, and the states in the file (circles)"
    if len(report.gops) > MAX_LABELS:
        title += "; GOPs dark to light"
    panel.set_title(f"{title}{_target_label(report)}", fontsize=9, loc="left", color=INK)
    return _png(figure)


def draw_bits(report: Report) -> bytes:
    """The bits of each GOP, and the timestep at which it stops."""
    figure, panel = _figure(report)
    missed = [gop.reached is False for gop in report.gops]
    bars = panel.bar(
        range(len(report.gops)),
        [gop.bits for gop in report.gops],
        color=[_MISSED if miss else LINE for miss in missed],
        width=0.7,
    )
    if len(report.gops) <= MAX_LABELS:
        labels = [f"{gop.bits:,}\nstop {gop.stop_step}" for gop in report.gops]
        panel.bar_label(bars, labels, padding=2, fontsize=8, color=INK)
    panel.margins(y=0.2)
    _count_along(panel)
    panel.yaxis.set_major_formatter("{x:,.0f}")
    panel.set_xlabel("GOP", fontsize=9, color=INK)
    panel.set_ylabel("bits of the packet", fontsize=9, color=INK)
    note = "; red: missed its target" if any(missed) else ""
    panel.set_title(f"Bits of each GOP{note}", fontsize=9, loc="left", color=INK)
    return _png(figure)


def surrogate(metric: Metric, gop: GopReport) -> tuple[np.ndarray, np.ndarray]:
    """The power law through all scored states of a GOP.

    Where the limit of the prior is known, the loss above that limit follows the law, as in the
    search.

    Args:
        metric: of the scores.
        gop: with two scored states or more.

    Returns:
        Bits and scores along the curve, float64 [N] each.
    """
    floor = 0.0 if gop.limit is None else metric.loss(gop.limit)
    points = [RatePoint(bits, metric.loss(score) - floor) for bits, score in gop.probes]
    law = fit_power_law([p for p in points if p.loss > 0.0] or points)
    ends = min(p.bits for p in points), max(p.bits for p in points)
    bits = np.geomspace(*ends, _CURVE_SAMPLES)
    return bits, np.array([metric.score(law.loss(b) + floor) for b in bits])


def _draw_target(panel: Axes, report: Report) -> None:
    if report.target is not None:
        wanted, *ends = report.target
        panel.axhspan(min(ends), max(ends), color=_TARGET, alpha=0.15, linewidth=0.0, zorder=0)
        panel.axhline(wanted, color=_TARGET, linewidth=0.8, zorder=0)


def _count_along(panel: Axes) -> None:
    """Whole numbers below the panel, even if there is only one."""
    from matplotlib.ticker import MaxNLocator

    panel.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))


def _target_label(report: Report) -> str:
    if report.target is None:
        return ""
    return f"; green: the target, {report.metric.format(report.target[0])}"


def _figure(report: Report) -> tuple[Figure, Axes]:
    figure = new_figure(_SIZE_INCHES, _DPI, report.title)
    panel = figure.subplots()
    bare(panel)
    return figure, panel


def _png(figure: Figure) -> bytes:
    picture = io.BytesIO()
    draw_png(figure, picture)
    return picture.getvalue()
