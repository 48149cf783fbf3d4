"""The report of a benchmark: curves, tables and pictures as Markdown and as one HTML page."""

from benchmarks.report.writing import write_report

__all__ = ["write_report"]
