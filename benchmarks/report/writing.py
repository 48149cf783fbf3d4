"""Checks results, makes the report of them and writes its files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.points import SequenceResult
from benchmarks.report.contents import make_report
from benchmarks.report.curves import Curve, has_finished
from benchmarks.report.document import Document
from benchmarks.report.html import render_html
from benchmarks.report.markdown import render_markdown
from freegvc.atomic import atomic_path


def write_report(
    results: Sequence[SequenceResult],
    out: Path,
    *,
    anchor: str,
    pictures: Mapping[str, Path],
    title: str,
    command: str,
    rate_range: tuple[float, float] | None,
    paper_table: str,
    means: Sequence[tuple[str, Curve]] = (),
) -> None:
    """Write OUT/report.md, OUT/report.html and OUT/rd_<metric>.png; older ones are replaced.

    The same results give the same bytes, in whatever order they come.

    Args:
        results: one of each codec and sequence, failed ones among them.
        out: folder, made if it is missing.
        anchor: label of the codec against which BD-rates are.
        pictures: caption to PNG file, in order.
        title: of the report.
        command: that makes it again.
        rate_range: bpp that the comparison is about, which plots mark; None if all.
        paper_table: the paper's own, such as "Table I".
        means: metric and curve of averages that others published.

    Raises:
        ValueError: no results; two of one codec and sequence; sizes that differ within a sequence;
            no result of the anchor; a metric that freegvc does not know; a picture that is no PNG.
        OSError: something cannot be read or written.
    """
    ordered = sorted(results, key=lambda r: (r.dataset, r.sequence, r.codec))
    _check(ordered, anchor, {curve.codec for _, curve in means})
    document, plots = make_report(
        ordered,
        anchor=anchor,
        pictures=pictures,
        title=title,
        command=command,
        rate_range=rate_range,
        paper_table=paper_table,
        means=means,
    )
    write_document(document, plots, out)


def write_document(document: Document, plots: Mapping[str, bytes], out: Path) -> None:
    """Write OUT/report.md, OUT/report.html and the plots by their names."""
    # all is made before anything is written, so that what fails leaves an older report as it was
    files = {
        **plots,
        "report.md": render_markdown(document, out).encode(),
        "report.html": render_html(document).encode(),
    }
    out.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        with atomic_path(out / name, overwrite=True) as temporary:
            temporary.write_bytes(data)


def _check(results: Sequence[SequenceResult], anchor: str, averaged: set[str]) -> None:
    """Refuse results that cannot be compared."""
    if not results:
        raise ValueError("there are no results to report")
    codecs = sorted({result.codec for result in results} | averaged)
    if anchor not in codecs:
        raise ValueError(f"no results of the anchor {anchor!r}; there are {', '.join(codecs)}")
    known: set[tuple[str, str, str]] = set()
    sizes: dict[tuple[str, str], tuple[int, int, int]] = {}
    for result in results:
        place = result.dataset, result.sequence
        if (*place, result.codec) in known:
            raise ValueError(f"{'/'.join(place)} has two results of {result.codec}")
        known.add((*place, result.codec))
        if not has_finished(result):
            continue  # it may not know the size
        size = result.width, result.height, result.num_frames
        if sizes.setdefault(place, size) != size:
            raise ValueError(
                f"{'/'.join(place)} was scored at {sizes[place]} and, by {result.codec}, at {size}"
            )
