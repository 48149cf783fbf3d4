"""The report of rates and scores: what stands in it, in order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby, pairwise
from pathlib import Path

from benchmarks.arguments import typed_command
from benchmarks.points import SequenceResult
from benchmarks.report.curves import (
    HOW_AVERAGED,
    Average,
    Curve,
    CurveSet,
    average_curves,
    curves_by_sequence,
    metrics_of,
)
from benchmarks.report.dataset_fid import DatasetFid
from benchmarks.report.deltas import RateRange, bd_overview, bd_rules, bd_table
from benchmarks.report.document import (
    Block,
    Code,
    Details,
    Document,
    Picture,
    Section,
    Text,
    write_document,
)
from benchmarks.report.plots import draw_curves
from benchmarks.report.published import measured_datasets, published_section
from benchmarks.report.result_tables import (
    failures_table,
    missing_notes,
    provenance_table,
    rates_table,
    settings_table,
)
from benchmarks.report.summary import bd_summary
from freegvc.metrics import FID, SCORES


def write_report(
    results: Sequence[SequenceResult],
    out: Path,
    *,
    anchor: str,
    pictures: Mapping[str, Path],
    title: str,
    rate_range: RateRange,
    paper_table: str,
    means: Sequence[tuple[str, Curve]] = (),
    command: str = "",
    missing: Mapping[str, str] | None = None,
    fid: DatasetFid | None = None,
) -> None:
    """Write OUT/report.md, OUT/report.html and OUT/rd_<metric>.png; older ones are replaced.

    The same results give the same bytes, in any order.

    Args:
        results: one of each codec and sequence, failed ones among them.
        out: folder, made if it is missing.
        anchor: label of the codec against which BD-rates are.
        pictures: caption to PNG file, in order.
        title: of the report.
        rate_range: bpp that the comparison is about, which plots mark; None if all.
        paper_table: the paper's own, such as "Table I".
        means: metric and curve of averages that others published.
        command: the one that makes it again; by default the one that was typed.
        missing: metrics that could not be computed, and why.
        fid: of whole datasets, beside the means over sequences.

    Raises:
        ValueError: no results; two of one codec and sequence; sizes that differ within a sequence;
            no result of the anchor; a metric that freegvc does not know; a picture that is no PNG.
        OSError: something cannot be read or written.
    """
    results = sorted(results, key=lambda r: (r.dataset, r.sequence, r.codec))
    codecs = sorted({result.codec for result in results} | {curve.codec for _, curve in means})
    _check(results, anchor, codecs)
    metrics, missing = metrics_of(results), missing or {}
    averages = {
        metric: _averages(results, metric, [curve for name, curve in means if name == metric])
        for metric in metrics
    }
    by_sequence = {metric: curves_by_sequence(results, metric) for metric in metrics}
    whole = {FID: fid.curves} if fid else {}
    plots: dict[str, bytes] = {}

    def plot(name: str, caption: str, metric: str, sets: Sequence[CurveSet]) -> Picture:
        plots[name] = draw_curves([(metric, curves) for curves in sets], codecs, rate_range)
        return Picture(caption, out / name, plots[name])

    blocks = [*_summary(results, anchor, command or typed_command(), rate_range)]
    blocks += [Text(note) for note in missing_notes(missing)]
    blocks += [
        Text(f"{codec}: published averages; their file does not name the sequences.")
        for codec in sorted({curve.codec for _, curve in means})
    ]
    sections = [Section("What was compared", tuple(blocks))]
    if metrics:
        averaged = {
            name: [*(average.mean for average in found), *whole.get(name, ())]
            for name, found in averages.items()
        }
        notes = [Text(note) for note in (HOW_AVERAGED, *_left_out(averages), bd_rules(rate_range))]
        overview = bd_overview(averaged, codecs, anchor, rate_range, list(missing))
        summed_up = bd_summary(by_sequence, codecs, anchor, rate_range)
        sections.append(Section("BD-rates", (*notes, overview, summed_up)))
    for metric in metrics:
        label = SCORES[metric].label
        main = [average.mean for average in averages[metric] if average.mean.curves]
        main += whole.get(metric, ())
        drawn = {curves.title for curves in main}
        each = [c for c in by_sequence[metric] if c.title not in drawn]
        blocks = [Text(note) for note in fid.notes] if fid and metric == FID else []
        if main:
            blocks.append(plot(f"rd_{metric}.png", f"{label} by rate", metric, main))
        blocks.append(bd_table("BD-rate of the averages", main, anchor, metric, rate_range))
        if each:
            caption = f"{label} by rate on each sequence"
            picture = plot(f"rd_{metric}_sequences.png", caption, metric, each)
            table = bd_table("BD-rate on each sequence", each, anchor, metric, rate_range)
            blocks.append(Details("Each sequence", (picture, table)))
        sections.append(Section(label, tuple(blocks)))
    if pictures:
        seen = (Picture(said, path, path.read_bytes()) for said, path in pictures.items())
        sections.append(Section("Pictures", tuple(seen)))
    sections += [
        Section("Every file", tuple(_files(results, metrics, list(missing)))),
        Section("Settings", (settings_table(results),)),
        published_section(paper_table, measured_datasets(results)),
        Section("Provenance", (provenance_table(results),)),
    ]
    write_document(Document(title, tuple(sections)), plots, out)


def _check(results: Sequence[SequenceResult], anchor: str, codecs: Sequence[str]) -> None:
    """Refuse results that cannot be compared."""
    if not results:
        raise ValueError("there are no results to report")
    if anchor not in codecs:
        raise ValueError(f"no results of the anchor {anchor!r}; there are {', '.join(codecs)}")
    for (dataset, sequence), found in groupby(results, key=lambda r: (r.dataset, r.sequence)):
        own = list(found)
        for one, other in pairwise(own):
            if one.codec == other.codec:
                raise ValueError(f"{dataset}/{sequence} has two results of {one.codec}")
        # a result that failed may lack the size
        sizes = {(r.width, r.height, r.num_frames): r.codec for r in own if r.has_finished}
        if len(sizes) > 1:
            said = ", ".join(f"{size} ({codec})" for size, codec in sizes.items())
            raise ValueError(f"{dataset}/{sequence} was scored at more than one size: {said}")


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
    """What the averages leave out and why, each reason once with all its metrics."""
    metrics: dict[str, list[str]] = {}
    for metric, found in averages.items():
        for average in found:
            for name, reason in average.left_out.items():
                said = f"Not in the averages of {average.dataset}: {name}, {reason}"
                metrics.setdefault(said, []).append(SCORES[metric].label)
    for said, labels in metrics.items():
        yield f"{said}." if len(labels) == len(averages) else f"{said} ({', '.join(labels)})."


def _files(
    results: Sequence[SequenceResult], metrics: Sequence[str], missing: Sequence[str]
) -> Iterator[Block]:
    """The tables of all sequences, folded by dataset."""
    for dataset, own in groupby(results, key=lambda result: result.dataset):
        by_sequence = groupby(own, key=lambda result: result.sequence)
        tables = tuple(rates_table(list(parts), metrics, missing) for _, parts in by_sequence)
        yield Details(f"Dataset {dataset}", tables)
