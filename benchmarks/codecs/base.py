"""The interface of every codec that benchmarks compare: real files, decoded from those files."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Frames = npt.NDArray[np.uint8]


class CodecUnavailableError(Exception):
    """A codec's program or library is not on this machine; the message says what to install."""


@dataclass(frozen=True)
class Encoded:
    """One file of a codec.

    Attributes:
        setting: the rate setting that made it, such as "crf 40".
        path: the file; its size is the rate.
        encode_seconds: wall clock.
        stages: seconds by stage, if the codec reports them; decoding may add to them.
        details: what else the codec reports, such as the peak of memory.
    """

    setting: str
    path: Path
    encode_seconds: float
    stages: dict[str, float] = field(default_factory=dict)
    details: dict[str, Any] = field(default_factory=dict)


class Codec(ABC):
    """A codec with all its settings but the rate.

    Attributes:
        label: names it in tables and file names: letters, digits, "-", "." only.
        settings: what is needed to run it again; printed in reports.
    """

    label: str
    settings: Mapping[str, Any]

    @abstractmethod
    def check(self) -> None:
        """Make sure that the codec runs here.

        Raises:
            CodecUnavailableError: it does not.
        """

    @abstractmethod
    def encode(self, frames: Frames, fps: Fraction, folder: Path) -> Sequence[Encoded]:
        """Files of one sequence at several rates.

        Args:
            frames: uint8 [T, H, W, 3], full-range RGB.
            fps: frames per second.
            folder: empty; the files go here.
        """

    @abstractmethod
    def decode(self, encoded: Encoded) -> Frames:
        """Frames of a file, uint8 [T, H, W, 3]: same number and size as were encoded."""
