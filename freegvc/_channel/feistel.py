"""A keyed bijection of [0, 2^n) in integers: a Feistel network."""

from __future__ import annotations

from typing import Any


def feistel(x: Any, keys: Any, low_bits: Any, high_bits: Any) -> Any:
    """A bijection of [0, 2^(low_bits + high_bits)) on int64: NumPy, torch, or numba scalars.

    Args:
        x: values in range.
        keys: an even number of round keys, so that the two halves end in their first places.
        low_bits, high_bits: widths of the halves, which may differ.

    Returns:
        The images of `x`, of its kind and shape.
    """
    low_mask = (1 << low_bits) - 1
    high_mask = (1 << high_bits) - 1
    low = x & low_mask
    high = x >> low_bits
    for key in keys:
        mix = ((low ^ key) * 0x9E3779B1) & 0xFFFFFFFF
        mix = ((mix ^ (mix >> 15)) * 0x85EBCA6B) & 0xFFFFFFFF
        high, low = low, high ^ ((mix ^ (mix >> 16)) & high_mask)
        low_mask, high_mask = high_mask, low_mask
    return (high << low_bits) | low
