"""Philox4x32-10: random words that are addressed, never drawn.

A word is a pure function of (key, GOP, step, kind, row, position). So no order of calls, no
device and no number of threads can change what a stream means, and a decoder can make the one
candidate it needs (Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3",
SC 2011).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np

_MASK = 0xFFFFFFFF


class Kind(IntEnum):
    """What the words are for; part of the counter, so that no two uses ever share a word."""

    CODEBOOK = 0
    SIGNS = 1
    PERMUTATION = 2
    START_NOISE = 3
    ARRIVAL_TIMES = 4
    FREE_NOISE = 5
    REFINE_NOISE = 6
    PROBE = 7


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


def philox(c0: Any, c1: Any, c2: Any, c3: Any, k0: Any, k1: Any) -> tuple[Any, Any, Any, Any]:
    """Philox4x32-10 on uint32 values held in int64: Python ints, NumPy, torch, or numba scalars.

    One source for all of them. The product of two 32-bit values may wrap in int64, but its bits
    are right; shifts are made logical by masking. NumPy input must be arrays, since NumPy warns
    when a scalar wraps.

    Args:
        c0, c1, c2, c3: the counter, least significant word first; they broadcast.
        k0, k1: the key, least significant word first.

    Returns:
        Four random words in [0, 2^32), of the kind and shape of the broadcast input.
    """
    for _ in range(10):
        p0 = c0 * 0xD2511F53
        p1 = c2 * 0xCD9E8D57
        c0 = ((p1 >> 32) & 0xFFFFFFFF) ^ c1 ^ k0
        c1 = p1 & 0xFFFFFFFF
        c2 = ((p0 >> 32) & 0xFFFFFFFF) ^ c3 ^ k1
        c3 = p0 & 0xFFFFFFFF
        k0 = (k0 + 0x9E3779B9) & 0xFFFFFFFF
        k1 = (k1 + 0xBB67AE85) & 0xFFFFFFFF
    return c0, c1, c2, c3


def words(address: Address, kind: Kind, row: Any, position: Any) -> tuple[Any, Any, Any, Any]:
    """Four random words for each (row, position).

    Args:
        address: where in the stream.
        kind: what for.
        row: int64 array (NumPy or torch) of values in [0, 2^32); broadcasts with `position`.
        position: the same.

    Returns:
        Four int64 arrays of values in [0, 2^32), of the broadcast shape.
    """
    return philox(position, row, *address.scalars(kind))


def uniforms_of_row(address: Address, kind: Kind, row: int, count: int) -> np.ndarray:
    """Uniforms in (0, 1), 52 bits and a half, two per position: float64 [count] (numba, CPU)."""
    from freegvc.channel import kernels

    out = np.empty(count + count % 2)
    kernels.fill_uniforms(row, *address.scalars(kind), out)
    return out[:count]
