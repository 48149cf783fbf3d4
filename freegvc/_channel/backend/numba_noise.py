"""Numba kernels of public randomness: normals, uniforms, the permutation, dealing, delivering.

Numba compiles the same `philox` and `feistel` that NumPy runs, so the bits have one source. The
kernels release the GIL and are split over plain threads: numba's own thread pools abort when two
Python threads enter them or when a process forks. Nothing is cached on disk: compiling takes under
a second, numba's cache does not notice a change of `philox` or `feistel`, and its files, left in
site-packages by an uninstall, would shadow an editable install as an empty namespace package.
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
def fill_permutation(
    keys: Any, low_bits: int, high_bits: int, start: int, stop: int, out: Any
) -> None:
    """out[j] = the image of j under the permutation of range(len(out)), for j in [start, stop)."""
    for j in range(start, stop):  # without a branch, so that it is vectorised
        out[j] = _feistel(j, keys, low_bits, high_bits)
    for j in range(start, stop):
        y = np.int64(out[j])
        while y >= out.size:
            y = _feistel(y, keys, low_bits, high_bits)
        out[j] = y


@_compiled
def tiles_of(blocks: int, width: int) -> int:
    """How many tiles of 16 blocks by 128 dims, a Philox call of signs each, cover the blocks."""
    return (blocks + 15) // 16 * ((width + 127) // 128)


@_compiled
def _bounds_of(tile: int, blocks: int, width: int) -> tuple[int, int, int, int, int]:
    """Strip of a tile, its first block and the one after its last, and the same of its dims."""
    strips = (width + 127) // 128
    strip, top = tile % strips, tile // strips * 16
    return strip, top, min(top + 16, blocks), strip * 128, min(strip * 128 + 128, width)


@_compiled
def deal_tiles(
    delta: Any,
    order: Any,
    start: int,
    stop: int,
    c2: int,
    c3: int,
    k0: int,
    k1: int,
    out: Any,
) -> None:
    """out[b, i] = the sign times the entry of delta that goes there, for tiles [start, stop).

    Args:
        delta: float32 [D].
        order: int32 [D], the permutation: the dim at each dealt place.
        start, stop: of `tiles_of`.
        c2, c3, k0, k1: the address of the signs.
        out: float32 [B, n].
    """
    blocks, width = out.shape
    for tile in range(start, stop):
        strip, top, bottom, left, right = _bounds_of(tile, blocks, width)
        for i in range(left, right):
            for b in range(top, bottom):  # neighbours in `order`
                place = i * blocks + b
                out[b, i] = delta[order[place]] if place < order.size else np.float32(0)
        for b in range(top, bottom):
            w0, w1, w2, w3 = _philox(strip, b, c2, c3, k0, k1)
            for k, w in enumerate((w0, w1, w2, w3)):
                for i in range(min(32, width - left - 32 * k)):
                    out[b, left + 32 * k + i] *= 1 - 2 * ((w >> i) & 1)


@_compiled
def deliver_tiles(
    table: Any,
    order: Any,
    rows: Any,
    turned: Any,
    start: int,
    stop: int,
    c2: int,
    signs_c2: int,
    c3: int,
    k0: int,
    k1: int,
    out: Any,
) -> None:
    """out[order] = the chosen rows with their signs, for tiles [start, stop) of `tiles_of`.

    Args:
        table: float32 [65536], of the normals.
        order: int32 [D].
        rows, turned: int64 and float32 [B], what each block chose.
        start, stop: of `tiles_of`.
        c2, signs_c2, c3, k0, k1: the addresses of the codebook and of the signs.
        out: float32 [D].
    """
    blocks, width = rows.size, (order.size + rows.size - 1) // rows.size
    sent = np.empty((16, 128), np.float32)
    for tile in range(start, stop):
        strip, top, bottom, left, right = _bounds_of(tile, blocks, width)
        for b in range(top, bottom):
            line = sent[b - top]
            for g in range(16):
                w0, w1, w2, w3 = _philox(16 * strip + g, rows[b], c2, c3, k0, k1)
                for k, w in enumerate((w0, w1, w2, w3)):
                    line[8 * g + 2 * k] = table[w & 0xFFFF] * turned[b]
                    line[8 * g + 2 * k + 1] = table[w >> 16] * turned[b]
            w0, w1, w2, w3 = _philox(strip, b, signs_c2, c3, k0, k1)
            for k, w in enumerate((w0, w1, w2, w3)):
                for i in range(32):
                    line[32 * k + i] *= 1 - 2 * ((w >> i) & 1)
        for i in range(left, right):
            for b in range(top, bottom):
                place = i * blocks + b
                if place < order.size:
                    out[order[place]] = sent[b - top, i - left]


@_compiled
def fill_uniforms(row: int, c2: int, c3: int, k0: int, k1: int, out: Any) -> None:
    """out[2 i], out[2 i + 1] = two uniforms of 52 bits from the words at (row, position i)."""
    for i in range(len(out) // 2):
        w0, w1, w2, w3 = _philox(i, row, c2, c3, k0, k1)
        out[2 * i] = ((w0 << 20 | w1 >> 12) + 0.5) * 2.0**-52
        out[2 * i + 1] = ((w2 << 20 | w3 >> 12) + 0.5) * 2.0**-52
