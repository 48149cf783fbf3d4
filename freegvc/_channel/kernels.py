"""Numba kernels that fill arrays on the CPU: normals, signs, uniforms and the permutation.

Numba compiles the same `philox` and `feistel` that NumPy and torch run, so the bits have one
source. The kernels release the GIL and are split over plain threads: numba's own thread pools
abort when two Python threads enter them or when a process forks. Nothing is cached on disk:
compiling takes under a second, numba's cache does not notice a change of `philox` or `feistel`, and
its files, left in site-packages by an uninstall, would shadow an editable install as an empty
namespace package.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from freegvc._channel.feistel import feistel
from freegvc._channel.philox import philox

_compiled = numba.njit(nogil=True)
_philox = numba.njit(philox)
_feistel = numba.njit(feistel)


@_compiled
def fill_normals(
    table: Any,
    rows: Any,
    start: int,
    stop: int,
    dims: int,
    c2: int,
    c3: int,
    k0: int,
    k1: int,
    out: Any,
) -> None:
    """out[r, :dims] = the normals of row rows[r], for r in [start, stop)."""
    groups = (dims + 7) // 8
    unit = np.empty(8, np.float32)
    for r in range(start, stop):
        row = rows[r]
        for g in range(dims // 8):
            w0, w1, w2, w3 = _philox(g, row, c2, c3, k0, k1)
            j = 8 * g
            out[r, j] = table[w0 & 0xFFFF]
            out[r, j + 1] = table[w0 >> 16]
            out[r, j + 2] = table[w1 & 0xFFFF]
            out[r, j + 3] = table[w1 >> 16]
            out[r, j + 4] = table[w2 & 0xFFFF]
            out[r, j + 5] = table[w2 >> 16]
            out[r, j + 6] = table[w3 & 0xFFFF]
            out[r, j + 7] = table[w3 >> 16]
        if dims % 8:
            w0, w1, w2, w3 = _philox(groups - 1, row, c2, c3, k0, k1)
            for k, w in enumerate((w0, w1, w2, w3)):
                unit[2 * k] = table[w & 0xFFFF]
                unit[2 * k + 1] = table[w >> 16]
            for k in range(dims % 8):
                out[r, 8 * (groups - 1) + k] = unit[k]


@_compiled
def fill_signs(start: int, stop: int, c2: int, c3: int, k0: int, k1: int, out: Any) -> None:
    """out[b, :] = the signs of block b, for b in [start, stop)."""
    width = out.shape[1]
    for b in range(start, stop):
        for g in range((width + 127) // 128):
            w0, w1, w2, w3 = _philox(g, b, c2, c3, k0, k1)
            for k, w in enumerate((w0, w1, w2, w3)):
                first = 128 * g + 32 * k
                for i in range(min(32, width - first)):
                    out[b, first + i] = 1 - 2 * ((w >> i) & 1)


@_compiled
def fill_permutation(
    keys: Any, low_bits: int, high_bits: int, start: int, stop: int, out: Any
) -> None:
    """out[j] = the image of j under the permutation of range(len(out)), for j in [start, stop)."""
    for j in range(start, stop):
        y = _feistel(j, keys, low_bits, high_bits)
        while y >= out.size:
            y = _feistel(y, keys, low_bits, high_bits)
        out[j] = y


@_compiled
def fill_uniforms(row: int, c2: int, c3: int, k0: int, k1: int, out: Any) -> None:
    """out[2 i], out[2 i + 1] = two uniforms of 52 bits from the words at (row, position i)."""
    for i in range(len(out) // 2):
        w0, w1, w2, w3 = _philox(i, row, c2, c3, k0, k1)
        out[2 * i] = ((w0 << 20 | w1 >> 12) + 0.5) * 2.0**-52
        out[2 * i + 1] = ((w2 << 20 | w3 >> 12) + 0.5) * 2.0**-52
