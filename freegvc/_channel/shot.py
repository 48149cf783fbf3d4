"""The wire form of a coded step: what every channel coder's shot can do.

A shot class says how its coder's steps are written to a packet and read back. The format is that of
docs/format.md, so these classes need neither torch nor numba.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Self

import numpy as np

Mode = tuple[int, int]
"""The two integers that a packet stores for a step only if they differ from the step before."""


class Shot(ABC):
    """What a channel coder sends for one step.

    Attributes:
        FIRST_MODE: the mode that the first step of a packet is compared with.
        MANTISSA_BITS: of the number of blocks, see `freegvc._channel.num_blocks`.
    """

    FIRST_MODE: ClassVar[Mode]
    MANTISSA_BITS: ClassVar[int]

    @property
    @abstractmethod
    def mode(self) -> Mode:
        """How the blocks are coded."""

    @property
    @abstractmethod
    def choices(self) -> np.ndarray:
        """What was chosen for each block: int64 [B]."""

    @property
    def num_blocks(self) -> int:
        """B."""
        return len(self.choices)

    @staticmethod
    @abstractmethod
    def mode_error(mode: Mode) -> str | None:
        """What is wrong with a mode; None if it is within its limits."""

    @abstractmethod
    def encode_choices(self, encoder: Any) -> None:
        """Append the choices to a range encoder.

        Args:
            encoder: constriction.stream.queue.RangeEncoder.

        Raises:
            UsageError: a choice is outside its limits.
        """

    @classmethod
    @abstractmethod
    def decode_choices(cls, decoder: Any, mode: Mode, num_blocks: int) -> Self:
        """Read the choices of a step and make the shot.

        Args:
            decoder: constriction.stream.queue.RangeDecoder.
            mode: `mode_error` has accepted it.
            num_blocks: B; the caller has checked it against its limit.

        Raises:
            AssertionError: by constriction, for bytes that no encoder writes.
        """

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Shot):
            return NotImplemented
        return (
            type(self) is type(other)
            and self.mode == other.mode
            and np.array_equal(self.choices, other.choices)
        )

    __hash__ = None  # type: ignore[assignment]  # an array has no hash
