"""What stands in a report, in order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path

from benchmarks.points import SequenceResult
from benchmarks.report.bd_tables import RateRange, bd_overview, bd_rules, bd_table
from benchmarks.report.curves import (
    HOW_AVERAGED,
    Average,
    Curve,
    average_curves,
    curves_by_sequence,
    metrics_of,
)
from benchmarks.report.document import Block, Code, Details, Document, Picture, Plot, Section, Text
from benchmarks.report.not_measured import measured_datasets, published_section
from benchmarks.report.plots import draw_png, draw_svg
from benchmarks.report.tables import (
    failures_table,
    provenance_table,
    rates_table,
    settings_table,
)
from freegvc.metrics import SCORES


def make_report(
    results: Sequence[SequenceResult],
    *,
    anchor: str,
    pictures: Mapping[str, Path],
    title: str,
    command: str,
    rate_range: RateRange,
    paper_table: str,
    means: Sequence[tuple[str, Curve]],
) -> tuple[Document, dict[str, bytes]]:
    """The document, and its plots by file name; arguments as for `write_report`.

    Args:
        results: by dataset, sequence and codec.
    """
    metrics = metrics_of(results)
    codecs = sorted({result.codec for result in results} | {curve.codec for _, curve in means})
    averages = {
        metric: _averages(results, metric, [curve for name, curve in means if name == metric])
        for metric in metrics
    }
    plots: dict[str, bytes] = {}
    summary = [*_summary(results, anchor, command, rate_range)]
    summary += [
        Text(f"{codec}: published averages; their file does not say of which sequences.")
        for codec in sorted({curve.codec for _, curve in means})
    ]
    sections = [Section("What was compared", tuple(summary))]
    if metrics:
        averaged = {
            metric: [average.mean for average in found] for metric, found in averages.items()
        }
        notes = [Text(note) for note in (HOW_AVERAGED, *_left_out(averages), bd_rules(rate_range))]
        overview = bd_overview(averaged, codecs, anchor, rate_range)
        sections.append(Section("BD-rates", (*notes, overview)))
    for metric in metrics:
        label = SCORES[metric].label
        main = [average.mean for average in averages[metric] if average.mean.curves]
        each = curves_by_sequence(results, metric)
        others = [curves for curves in each if curves.title not in {mean.title for mean in main}]
        drawn = [
            draw_svg(curves, metric, codecs, rate_range, prefix=f"{metric}{k}")
            for k, curves in enumerate([*main, *others])
        ]
        png = f"rd_{metric}.png"
        plots[png] = draw_png([(metric, c) for c in (*main, *others)], codecs, rate_range)
        shown = tuple(drawn[: len(main)]), tuple(drawn[len(main) :])
        blocks: list[Block] = [Plot(f"{label} by rate", png, *shown, "Each sequence, plots")]
        blocks.append(bd_table("BD-rate of the averages", main, anchor, metric, rate_range))
        if others:
            table = bd_table("BD-rate on each sequence", others, anchor, metric, rate_range)
            blocks.append(Details("Each sequence, BD-rates", (table,)))
        sections.append(Section(label, tuple(blocks)))
    if pictures:
        seen = tuple(Picture(caption, path) for caption, path in pictures.items())
        sections.append(Section("Pictures", seen))
    sections += [
        Section("Every file", tuple(_files(results, metrics))),
        Section("Settings", (settings_table(results),)),
        published_section(paper_table, measured_datasets(results)),
        Section("Provenance", (provenance_table(results),)),
    ]
    return Document(title, tuple(sections)), plots


def _summary(
    results: Sequence[SequenceResult], anchor: str, command: str, rate_range: RateRange
) -> Iterator[Block]:
    for dataset, own in groupby(results, key=lambda result: result.dataset):
        yield Text(f"Dataset {dataset}: {', '.join(sorted({r.sequence for r in own}))}.")
    codecs = ", ".join(sorted({result.codec for result in results}))
    yield Text(f"Codecs: {codecs}. The anchor of BD-rates is {anchor}.")
    if rate_range is not None:
        yield Text(f"The comparison is about {rate_range[0]:g} to {rate_range[1]:g} bpp.")
    yield Text("The command that makes this report:")
    yield Code(command)
    yield failures_table(results) or Text("Every codec finished every sequence.")


def _averages(
    results: Sequence[SequenceResult], metric: str, means: Sequence[Curve]
) -> list[Average]:
    """The averages of each dataset, and beside them those that others published."""
    by_dataset = groupby(results, key=lambda result: result.dataset)
    found = [average_curves(list(own), metric) for _, own in by_dataset]
    return [
        replace(average, mean=replace(average.mean, curves=(*average.mean.curves, *means)))
        for average in found
    ]


def _left_out(averages: Mapping[str, Sequence[Average]]) -> Iterator[str]:
    """What is in no average and why, once for all metrics of which it is true."""
    metrics: dict[str, list[str]] = {}
    for metric, found in averages.items():
        for average in found:
            for name, reason in average.left_out.items():
                said = f"Not in the averages of {average.dataset}: {name}, {reason}"
                metrics.setdefault(said, []).append(SCORES[metric].label)
    for said, labels in metrics.items():
        yield f"{said}." if len(labels) == len(averages) else f"{said} ({', '.join(labels)})."


def _files(results: Sequence[SequenceResult], metrics: Sequence[str]) -> Iterator[Block]:
    """The tables of all sequences, folded by dataset."""
    for dataset, own in groupby(results, key=lambda result: result.dataset):
        by_sequence = groupby(own, key=lambda result: result.sequence)
        tables = tuple(rates_table(list(parts), metrics) for _, parts in by_sequence)
        yield Details(f"Dataset {dataset}", tables)
