"""Random words by address: a pure function of (key, GOP, step, kind, row, position).

The order of calls, the device and the number of threads cannot change them, and a decoder can make
the one candidate that it needs.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from freegvc._channel.philox import philox

_MASK = 0xFFFFFFFF


class Kind(IntEnum):
    """What the words are for; part of the counter, so that no two uses get the same word."""

    CODEBOOK = 0
    SIGNS = 1
    PERMUTATION = 2
    START_NOISE = 3
    ARRIVAL_TIMES = 4
    FREE_NOISE = 5
    REFINE_NOISE = 6
    DRIFT_SAMPLES = 7
    CONTEXT_NOISE = 8


@dataclass(frozen=True, slots=True)
class Address:
    """Where in a stream the words belong.

    Attributes:
        key: the stream key, 64 bit.
        gop: index of the GOP, 32 bit.
        step: index into the schedule, 24 bit.
    """

    key: int
    gop: int
    step: int

    def __post_init__(self) -> None:
        for name, bits in (("key", 64), ("gop", 32), ("step", 24)):
            value = getattr(self, name)
            if not 0 <= value < 1 << bits:
                raise ValueError(f"address {name} is {value}; it must be in [0, 2^{bits})")

    def scalars(self, kind: Kind) -> tuple[int, int, int, int]:
        """The counter words 2 and 3 and the two key words, each a uint32 in a Python int."""
        c2 = self.step | int(kind) << 24
        return c2, self.gop, self.key & _MASK, self.key >> 32


def words(address: Address, kind: Kind, row: Any, position: Any) -> tuple[Any, Any, Any, Any]:
    """Four random words for each (row, position).

    Args:
        address: where in the stream.
        kind: what the words are for.
        row: int64 array (NumPy or torch) of values in [0, 2^32); broadcasts with `position`.
        position: the same.

    Returns:
        Four int64 arrays of values in [0, 2^32), of the broadcast shape.
    """
    return philox(position, row, *address.scalars(kind))
