"""The report of a study: curves, tables and pictures as Markdown and as one HTML page."""
