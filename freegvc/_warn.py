"""Warnings that point at the user's line."""

import contextlib
import os
import sys
import warnings
from pathlib import Path
from types import FrameType

# contextlib stands between a `with` block and what it runs
_SKIPPED = (f"{Path(__file__).parent}{os.sep}", contextlib.__file__)


def warn(message: str, category: type[Warning]) -> None:
    """Warn at the line that called freegvc, however deep inside it this is.

    Args:
        message: what is wrong, and what to do.
        category: a class of `freegvc.errors`.
    """
    frame: FrameType | None = sys._getframe(1)
    level = 2  # the caller of this function
    while frame is not None and frame.f_code.co_filename.startswith(_SKIPPED):
        frame = frame.f_back
        level += 1
    warnings.warn(message, category, stacklevel=level)
