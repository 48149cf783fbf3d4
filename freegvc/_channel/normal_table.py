"""The table behind all normals: 16-bit uniforms to float32, the same on every machine.

The uniform u becomes round(4096 * Phi^-1((u + 1/2) / 65536)) / 4096, which float32 holds exactly.
The table is a file of the package (`tools/normals_table.py` makes it), because math libraries
differ in the last bit of a logarithm.
"""

from __future__ import annotations

from functools import lru_cache
from importlib import resources

import numpy as np

SCALE = 4096


@lru_cache(maxsize=1)
def table() -> np.ndarray:
    """The table before division by 4096: int16 [65536], increasing, antisymmetric; read-only."""
    with resources.files("freegvc._channel").joinpath("normals_table.npy").open("rb") as file:
        upper = np.load(file)
    full = np.concatenate([-upper[::-1], upper])
    full.flags.writeable = False
    return full


@lru_cache(maxsize=1)
def table_float() -> np.ndarray:
    """The normals themselves: float32 [65536]; read-only."""
    full = table().astype(np.float32) / np.float32(SCALE)
    full.flags.writeable = False
    return full
