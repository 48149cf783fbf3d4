"""Uniforms in (0, 1) by address, on the CPU."""

from __future__ import annotations

import numpy as np

from freegvc._channel.backend.numba_noise import fill_uniforms
from freegvc._channel.counter import Address, Kind


def uniforms_of_row(address: Address, kind: Kind, row: int, count: int) -> np.ndarray:
    """Uniforms in (0, 1): float64 [count].

    A word pair with the 52-bit value w gives (w + 1/2) / 2^52; each position gives two uniforms.
    """
    out = np.empty(count + count % 2)
    fill_uniforms(row, *address.scalars(kind), out)
    return out[:count]
