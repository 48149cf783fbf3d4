"""A keyed permutation of range(D) in integers, for any D.

A Feistel network permutes [0, 2^n), 2^n >= D. It is applied again to a value outside of range(D)
until the value is inside (Black and Rogaway, "Ciphers with arbitrary finite domains", 2002). Each
entry is computed alone, without a sort, and is the same on every device.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from freegvc._channel.counter import Address, Kind, words
from freegvc._channel.feistel import feistel

_MAX_DIMS = 1 << 31


def parameters(address: Address, dims: int) -> tuple[tuple[int, ...], int, int]:
    """The six round keys and the widths of the two halves for range(dims).

    Raises:
        ValueError: dims is not in [1, 2^31].
    """
    if not 1 <= dims <= _MAX_DIMS:
        raise ValueError(f"cannot permute {dims} dims; the limits are 1 and 2^31")
    position = np.arange(2, dtype=np.int64)
    keys = np.stack(words(address, Kind.PERMUTATION, np.zeros(2, np.int64), position), axis=1)
    bits = max(2, (dims - 1).bit_length())
    return tuple(int(key) for key in keys.ravel()[:6]), bits // 2, bits - bits // 2


def permute(address: Address, dims: int, x: Any) -> Any:
    """The images of `x` under the permutation of range(dims).

    Args:
        address: where in the stream.
        dims: D.
        x: int64 array (NumPy or torch) of values in [0, D).

    Returns:
        An array like `x`.
    """
    network = parameters(address, dims)
    y = feistel(x, *network)
    outside = y >= dims
    while outside.any():
        y[outside] = feistel(y[outside], *network)
        outside = y >= dims
    return y
