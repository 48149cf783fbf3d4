"""The frames that benchmarks run on."""

from __future__ import annotations

import itertools
import warnings
from pathlib import Path

import numpy as np
import numpy.typing as npt

from freegvc.video import ColourWarning, open_video


def first_frames(path: Path, num_frames: int) -> npt.NDArray[np.uint8]:
    """The first frames of a video, uint8 [T, H, W, 3]; untagged ones count as BT.709."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ColourWarning)
        with open_video(path) as source:
            return np.stack(list(itertools.islice(source, num_frames)))
