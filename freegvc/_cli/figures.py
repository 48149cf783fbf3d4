"""What the pictures of scores have in common: figures, panels, and the scores of GOPs."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from freegvc._warn import warn
from freegvc.errors import OutputWarning

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from freegvc.metrics import Metric
    from freegvc.metrics.metric import ScoreScale

MAX_LABELS = 12  # more numbers or legend lines would overlap
LINE, MEAN, BORDER, INK = "#1f5fa8", "#c2571a", "#b8b8b8", "#333333"


def new_figure(size_inches: tuple[float, float], dpi: int, title: str) -> Figure:
    """An empty figure.

    Args:
        size_inches: width and height.
        dpi: dots per inch.
        title: above all panels.
    """
    # not through pyplot, which keeps figures and chooses a backend for the whole process
    from matplotlib.figure import Figure

    figure = Figure(figsize=size_inches, dpi=dpi, layout="constrained")
    # a name may hold dollar signs
    figure.suptitle(title, fontsize=10, color=INK, parse_math=False)
    return figure


def draw_png(figure: Figure, file: Path | BinaryIO) -> None:
    """Draw a figure, and warn where names have characters that the font lacks: they are boxes."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        figure.savefig(file, format="png")
    for each in caught:
        if not str(each.message).startswith("Glyph "):
            warnings.warn_explicit(each.message, each.category, each.filename, each.lineno)
    if any(str(each.message).startswith("Glyph ") for each in caught):
        warn("the plot shows boxes for characters that its font, DejaVu Sans, lacks", OutputWarning)


def bare(panel: Axes) -> None:
    """Small labels, and no frame above and on the right."""
    panel.tick_params(which="both", labelsize=8, colors=INK)
    panel.spines[["top", "right"]].set_visible(False)


def score_label(scale: ScoreScale) -> str:
    """What an axis of scores shows: name, unit, and which direction is better."""
    unit = f" [{scale.unit.strip()}]" if scale.unit else ""
    return f"{scale.label}{unit}, {'higher' if scale.higher_is_better else 'lower'} is better"


def draw_gops(
    panel: Axes, metric: Metric, spans: Sequence[range], scores: Sequence[float | None]
) -> None:
    """The borders of GOPs, and the score of each along its frames.

    Args:
        panel: scores over frames.
        metric: of the scores.
        spans: frames of each GOP.
        scores: of each GOP; None for one that has none.
    """
    for span, score in zip(spans, scores, strict=True):
        ends = (span.start - 0.5, span.stop - 0.5)
        if span is not spans[0]:
            panel.axvline(ends[0], color=BORDER, linewidth=1.0, linestyle="--", zorder=0)
        if score is None:
            continue
        panel.plot(ends, (score, score), color=MEAN, linewidth=1.6)
        if len(spans) <= MAX_LABELS:
            panel.text(
                sum(ends) / 2,
                0.98,
                metric.format(score),
                transform=panel.get_xaxis_transform(),  # x in frames, y in the panel's height
                ha="center",
                va="top",
                fontsize=8,
                color=MEAN,
            )
