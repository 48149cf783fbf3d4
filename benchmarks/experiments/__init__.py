"""Experiments on chosen clips whose results docs print: one JSON file each."""
