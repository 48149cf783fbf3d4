"""The options of every training command."""

from __future__ import annotations

import argparse
import math
from pathlib import Path


def parser_of(description: str | None, learning_rate: float) -> argparse.ArgumentParser:
    """Options for the folder, the time and the device of a run.

    Args:
        description: of the command.
        learning_rate: the default.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument(
        "--out", type=Path, required=True, help="folder of the run; a stopped run continues there"
    )
    parser.add_argument("--minutes", type=float, default=math.inf)
    parser.add_argument("--learning-rate", type=float, default=learning_rate)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--workers", type=int, default=1, help="threads that load data")
    return parser
