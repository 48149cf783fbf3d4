"""Philox4x32-10, the counter-based generator of all public randomness.

Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
"""

from __future__ import annotations

from typing import Any


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
