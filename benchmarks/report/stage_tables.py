"""Table III as a report: seconds per frame of each stage, by stop step."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.report.document import Block, Code, Document, Picture, Section, Table, Text
from benchmarks.report.not_measured import PRIOR, TABLE_3, published_section
from benchmarks.report.tables import metric_heading
from benchmarks.report.writing import write_document
from benchmarks.stage_times import DECODE_STAGES, ENCODE_STAGES
from freegvc.atomic import atomic_path
from freegvc.metrics import SCORES

PLOT = "stages.png"
_COLOURS = ("#0072b2", "#56b4e9", "#e69f00", "#d55e00", "#cc79a7", "#009e73", "#b0b0b0")


def write_stage_report(
    records: Sequence[Mapping[str, Any]], out: Path, *, title: str, command: str
) -> None:
    """Write OUT/report.md, OUT/report.html and OUT/stages.png.

    Args:
        records: what `benchmarks.table3` keeps of each prior and sequence.
        out: folder.
        title: of the report.
        command: that makes it again.
    """
    finished = [record for record in records if not record["error"]]
    failed = [record for record in records if record["error"]]
    blocks: list[Block] = [Text("The command that makes this report:"), Code(command)]
    blocks += [Text(f"{_name(record)}: failed: {record['error']}") for record in failed]
    if finished:
        out.mkdir(parents=True, exist_ok=True)
        with atomic_path(out / PLOT, overwrite=True) as temporary:
            temporary.write_bytes(draw_stages(finished))
        blocks.append(Picture("Seconds per frame by stage and stop step", out / PLOT))
    blocks += [stage_table(record) for record in finished]
    measured = Counter(r["asked"]["dataset"] for r in finished if r["asked"]["prior"] == PRIOR)
    ours = Section("What each stage takes", tuple(blocks))
    write_document(Document(title, (ours, published_section(TABLE_3, measured))), {}, out)


def stage_table(record: Mapping[str, Any]) -> Table:
    """A row for each stop step of one prior on one sequence."""
    header, rows = stage_rows(record)
    versions = ", ".join(f"{name} {number}" for name, number in record["versions"].items())
    return Table(
        _name(record),
        tuple(header),
        tuple(map(tuple, rows)),
        (
            "Stages in seconds per frame, peak memory of the process or the GPU in MiB. "
            f"{record['num_frames']} frames of {record['size']}, device "
            f"{record['asked']['device']}. Measured {record['measured']} on "
            f"{record['hardware']}, commit {record['commit']}, {versions}.",
        ),
    )


def stage_rows(record: Mapping[str, Any]) -> tuple[list[str], list[list[str]]]:
    """Header and cells of one prior on one sequence."""
    stages = (*ENCODE_STAGES, *DECODE_STAGES)
    metrics = list(record["rows"][0]["scores"])
    header = ["stop step", "bpp", "steps", *stages, "encode fps", "decode fps"]
    header += ["encode MiB", "decode MiB"]
    rows = [
        [
            str(row["stop_step"]),
            f"{row['bpp']:.4f}",
            ", ".join(map(str, row["steps"])),
            *(f"{row['seconds_per_frame'][stage]:.3f}" for stage in stages),
            f"{row['encode_fps']:.2f}",
            f"{row['decode_fps']:.2f}",
            *(str(row["peak_mib"][side]) for side in ("encode", "decode")),
            *(_score(metric, row["scores"][metric]) for metric in metrics),
        ]
        for row in record["rows"]
    ]
    return [*header, *map(metric_heading, metrics)], rows


def draw_stages(records: Sequence[Mapping[str, Any]]) -> bytes:
    """PNG: for each record the stages of encoding, and below of decoding, one on the other."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 2.8 * len(records) + 0.6), dpi=130, layout="constrained")
    grid = figure.subplots(len(records), 2, squeeze=False)
    handles: dict[str, Any] = {}
    for (encode, decode), record in zip(grid, records, strict=True):
        for axes, side, stages in (
            (encode, "encode", ENCODE_STAGES),
            (decode, "decode", DECODE_STAGES),
        ):
            places = range(len(record["rows"]))
            left = [0.0] * len(record["rows"])
            for stage in stages:
                colour = _COLOURS[(*ENCODE_STAGES, *DECODE_STAGES).index(stage)]
                widths = [row["seconds_per_frame"][stage] for row in record["rows"]]
                handles[stage] = axes.barh(places, widths, 0.7, left=left, color=colour)
                left = [a + b for a, b in zip(left, widths, strict=True)]
            labels = [f"{row['stop_step']} ({row['bpp']:.3f} bpp)" for row in record["rows"]]
            axes.set_yticks(places, labels, fontsize=8)
            axes.set_title(f"{side}: {_name(record)}", fontsize=9, loc="left", parse_math=False)
            axes.set_xlabel("seconds per frame", fontsize=8)
            axes.tick_params(axis="x", labelsize=8)
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


def _score(metric: str, score: float | None) -> str:
    return "-" if score is None else f"{score:.{SCORES[metric].decimals}f}"


def _name(record: Mapping[str, Any]) -> str:
    asked = record["asked"]
    return f"{asked['prior']} on {asked['dataset']}/{asked['clip']}"
