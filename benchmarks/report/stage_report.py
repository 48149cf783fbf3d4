"""Table III as a report: seconds per frame of each stage, by stop step."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from pathlib import Path

from benchmarks.arguments import typed_command
from benchmarks.codecs.stages import DECODE_STAGES, DEFAULT_CODER, ENCODE_STAGES
from benchmarks.points import Point, SequenceResult
from benchmarks.report.curves import metrics_of
from benchmarks.report.document import (
    Block,
    Code,
    Document,
    Picture,
    Section,
    Table,
    Text,
    write_document,
)
from benchmarks.report.plots import COLOURS
from benchmarks.report.published import measured_datasets, published_section
from benchmarks.report.result_tables import (
    metric_heading,
    missing_notes,
    provenance_table,
    score_cell,
)

PLOT = "stages.png"
_SIDES = {"encode": ENCODE_STAGES, "decode": DECODE_STAGES}


def write_stage_report(
    results: Sequence[SequenceResult],
    out: Path,
    *,
    title: str,
    missing: Mapping[str, str] | None = None,
) -> None:
    """Write OUT/report.md, OUT/report.html and OUT/stages.png.

    Args:
        results: of `StageCodec`, failed ones among them.
        out: folder.
        title: of the report.
        missing: metrics that could not be computed, and why.
    """
    finished = [result for result in results if result.has_finished]
    blocks: list[Block] = [Text("The command that makes this report:"), Code(typed_command())]
    blocks += [Text(note) for note in missing_notes(missing or {})]
    blocks += [Text(f"{_name(r)}: failed: {r.error}") for r in results if not r.has_finished]
    plots = {}
    if finished:
        plots[PLOT] = draw_stages(finished)
        caption = "Seconds per frame by stage and stop step"
        blocks.append(Picture(caption, out / PLOT, plots[PLOT]))
    by_table = groupby(sorted(finished, key=_table_key), key=_table_key)
    blocks += [stage_table(list(own)) for _, own in by_table]
    sections = (
        Section("What each stage takes", tuple(blocks)),
        published_section("Table III", measured_datasets(results)),
        Section("Provenance", (provenance_table(results),)),
    )
    write_document(Document(title, sections), plots, out)


def stage_table(results: Sequence[SequenceResult], *, of_process: bool = False) -> Table:
    """A row for each stop step and coder, the finest step first.

    Args:
        results: of one prior on one sequence, one of each coder.
        of_process: seconds of this process instead of the clock, so that what else ran on the
            machine does not count; without frames per second.
    """
    stages = (*ENCODE_STAGES, *DECODE_STAGES)
    metrics = metrics_of(results)
    header = ["stop step", "coder", "bpp", "steps", *stages]
    header += [] if of_process else ["encode fps", "decode fps"]
    header += ["encode MiB", "decode MiB", *map(metric_heading, metrics)]
    found = [(_stop_step(point), result, point) for result in results for point in result.points]
    rows = [
        (
            str(stop_step),
            str(result.settings.get("coder", DEFAULT_CODER)),
            f"{result.bpp(point):.4f}",
            ", ".join(map(str, point.details["steps"])),
            *(f"{seconds[stage] / result.num_frames:.3f}" for stage in stages),
            *(
                []
                if of_process
                else map(_fps(result), (point.encode_seconds, point.decode_seconds))
            ),
            *(str(point.details["peak_mib"][side]) for side in _SIDES),
            *(score_cell(metric, point.score(metric)) for metric in metrics),
        )
        for stop_step, result, point in sorted(found, key=lambda item: item[0])
        for seconds in [point.details["cpu"] if of_process else point.stages]
    ]
    first = results[0]
    note = (
        "Stages in seconds per frame, peak memory of the process or the GPU in MiB. "
        f"{first.num_frames} frames of {first.width}x{first.height}, device "
        f"{first.settings['device']}."
    )
    title = f"{first.settings['prior']} on {first.dataset}/{first.sequence}"
    return Table(title, tuple(header), tuple(rows), (note,))


def draw_stages(results: Sequence[SequenceResult]) -> bytes:
    """PNG: for each result the stages of encoding and of decoding, one beside the other."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 2.8 * len(results) + 0.6), dpi=130, layout="constrained")
    grid = figure.subplots(len(results), 2, squeeze=False)
    colours = dict(zip((*ENCODE_STAGES, *DECODE_STAGES), (*COLOURS, "#b0b0b0"), strict=True))
    handles = {}
    for both, result in zip(grid, results, strict=True):
        points = result.points[::-1]
        labels = [f"{point.setting} ({result.bpp(point):.3f} bpp)" for point in points]
        for axes, (side, stages) in zip(both, _SIDES.items(), strict=True):
            left = [0.0] * len(points)
            for stage in stages:
                widths = [point.stages[stage] / result.num_frames for point in points]
                handles[stage] = axes.barh(labels, widths, 0.7, left=left, color=colours[stage])
                left = [a + b for a, b in zip(left, widths, strict=True)]
            axes.set_title(f"{side}: {_name(result)}", fontsize=9, loc="left", parse_math=False)
            axes.set_xlabel("seconds per frame", fontsize=8)
            axes.tick_params(labelsize=8)
            axes.spines[["top", "right"]].set_visible(False)
    figure.legend(
        list(handles.values()),
        list(handles),
        loc="outside lower center",
        ncols=4,
        fontsize=8,
        frameon=False,
    )
    picture = io.BytesIO()
    figure.savefig(picture, format="png")
    return picture.getvalue()


def _fps(result: SequenceResult) -> Callable[[float], str]:
    return lambda seconds: f"{result.num_frames / seconds:.2f}"


def _table_key(result: SequenceResult) -> tuple[str, str, str]:
    return result.dataset, result.sequence, str(result.settings["prior"])


def _stop_step(point: Point) -> int:
    return int(point.setting.removeprefix("stop step "))


def _name(result: SequenceResult) -> str:
    return f"{result.codec} on {result.dataset}/{result.sequence}"
