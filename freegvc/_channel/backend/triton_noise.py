"""Triton kernels of public randomness: normals, dealing, delivering.

Sizes and keys are not specialised, so that nothing is compiled again for a new one. 32-bit words
come as signed integers, because Triton takes the type of an argument from its value.
"""

from __future__ import annotations

import triton
import triton.language as tl

_NETWORK = ["key0", "key1", "key2", "key3", "key4", "key5", "low_bits", "high_bits"]
_ADDRESS = ["c2", "c3", "k0", "k1"]


@triton.jit
def _words(position, row, c2, c3, k0, k1):
    """Four random words, uint32, for each position; see `philox`."""
    key = (k1.to(tl.uint32, bitcast=True).to(tl.uint64) << 32) | k0.to(tl.uint32, bitcast=True)
    none = tl.zeros_like(position)
    return tl.philox(
        key,
        position,
        none + row,
        none + c2.to(tl.uint32, bitcast=True),
        none + c3.to(tl.uint32, bitcast=True),
    )


@triton.jit
def _signs(block, place, c2, c3, k0, k1):
    """The signs d_b at these places of these blocks: float32."""
    w0, w1, w2, w3 = _words(place >> 7, block, c2, c3, k0, k1)
    part = (place >> 5) & 3
    word = tl.where(part < 2, tl.where(part == 0, w0, w1), tl.where(part == 2, w2, w3))
    return 1.0 - 2.0 * ((word >> (place & 31)) & 1).to(tl.float32)


@triton.jit
def _round(low, high, key, mask):
    """A round of the Feistel network; `mask` is as wide as `high`. See `feistel`."""
    mix = (low ^ key.to(tl.uint32, bitcast=True)) * 0x9E3779B1
    mix = (mix ^ (mix >> 15)) * 0x85EBCA6B
    return high ^ ((mix ^ (mix >> 16)) & mask), low


@triton.jit
def _network(x, key0, key1, key2, key3, key4, key5, low_bits, high_bits):
    """The image of x, uint32, under the network; see `feistel`."""
    low_mask = (1 << low_bits) - 1
    high_mask = (1 << high_bits) - 1
    low, high = x & low_mask, x >> low_bits
    low, high = _round(low, high, key0, high_mask)
    low, high = _round(low, high, key1, low_mask)
    low, high = _round(low, high, key2, high_mask)
    low, high = _round(low, high, key3, low_mask)
    low, high = _round(low, high, key4, high_mask)
    low, high = _round(low, high, key5, low_mask)
    return (high << low_bits) | low


@triton.jit
def _dims(place, dims, key0, key1, key2, key3, key4, key5, low_bits, high_bits):
    """The dim at each dealt place, uint32; anything for places from `dims` on."""
    low_bits, high_bits = low_bits.to(tl.uint32), high_bits.to(tl.uint32)
    dim = _network(place, key0, key1, key2, key3, key4, key5, low_bits, high_bits)
    outside = (dim >= dims) & (place < dims)
    while tl.sum(outside.to(tl.int32), 0) > 0:
        again = _network(dim, key0, key1, key2, key3, key4, key5, low_bits, high_bits)
        dim = tl.where(outside, again, dim)
        outside = (dim >= dims) & (place < dims)
    return dim


@triton.jit(do_not_specialize=["width", "stride", *_ADDRESS])
def fill_normals(table, rows, out, width, stride, c2, c3, k0, k1, GROUPS: tl.constexpr):
    """out[r, :width] = the normals of row rows[r], in groups of eight.

    Grid: rows, width over 8 GROUPS. `rows` is int64 [R]; `stride` that of a row of `out`.
    """
    r = tl.program_id(0).to(tl.int64)
    group = tl.program_id(1) * GROUPS + tl.arange(0, GROUPS)
    row = tl.load(rows + r).to(tl.uint32)
    w0, w1, w2, w3 = _words(group.to(tl.uint32), row, c2, c3, k0, k1)
    column = 8 * group
    here = out + r * stride + column
    for k in tl.static_range(4):
        word = w0 if k == 0 else (w1 if k == 1 else (w2 if k == 2 else w3))
        low = tl.load(table + (word & 0xFFFF).to(tl.int32))
        high = tl.load(table + (word >> 16).to(tl.int32))
        tl.store(here + 2 * k, low, mask=column + 2 * k < width)
        tl.store(here + 2 * k + 1, high, mask=column + 2 * k + 1 < width)


@triton.jit(
    do_not_specialize=["dims", "blocks", "width", *_ADDRESS, *_NETWORK],
    do_not_specialize_on_alignment=["delta"],
)
def deal(
    delta, out, dims, blocks, width, c2, c3, k0, k1,
    key0, key1, key2, key3, key4, key5, low_bits, high_bits, PLACES: tl.constexpr,
):  # fmt: skip
    """out[b, i] = sign times the entry of delta dealt to place i of block b.

    Grid: dims over PLACES. `out` is float32 [B, width] of zeros.
    """
    place = tl.program_id(0).to(tl.uint32) * PLACES + tl.arange(0, PLACES).to(tl.uint32)
    dims, blocks = dims.to(tl.uint32), blocks.to(tl.uint32)
    inside = place < dims
    dim = _dims(place, dims, key0, key1, key2, key3, key4, key5, low_bits, high_bits)
    block, at = place % blocks, place // blocks
    entry = tl.load(delta + dim.to(tl.int64), mask=inside, other=0.0)
    entry *= _signs(block, at, c2, c3, k0, k1)
    tl.store(out + block.to(tl.int64) * width + at, entry, mask=inside)


@triton.jit(do_not_specialize=["dims", "blocks", "signs_c2", *_ADDRESS, *_NETWORK])
def deliver(
    table, rows, turned, out, dims, blocks, signs_c2, c2, c3, k0, k1,
    key0, key1, key2, key3, key4, key5, low_bits, high_bits, PLACES: tl.constexpr,
):  # fmt: skip
    """out[dim] = the entry of the chosen row with its signs, for the dim at each dealt place.

    Grid: dims over PLACES. `rows` and `turned` are int64 and float32 [B]; `out` is float32 [dims].
    """
    place = tl.program_id(0).to(tl.uint32) * PLACES + tl.arange(0, PLACES).to(tl.uint32)
    dims, blocks = dims.to(tl.uint32), blocks.to(tl.uint32)
    inside = place < dims
    dim = _dims(place, dims, key0, key1, key2, key3, key4, key5, low_bits, high_bits)
    block, at = place % blocks, place // blocks
    row = tl.load(rows + block.to(tl.int64)).to(tl.uint32)
    w0, w1, w2, w3 = _words(at >> 3, row, c2, c3, k0, k1)
    part = (at >> 1) & 3
    word = tl.where(part < 2, tl.where(part == 0, w0, w1), tl.where(part == 2, w2, w3))
    half = (word >> ((at & 1) * 16)) & 0xFFFF
    entry = tl.load(table + half.to(tl.int32)) * tl.load(turned + block.to(tl.int64))
    entry *= _signs(block, at, signs_c2, c3, k0, k1)
    tl.store(out + dim.to(tl.int64), entry, mask=inside)
