"""Make freegvc/_channel/normals_table.npy: round(4096 * Phi^-1((u + 1/2) / 65536)), upper half.

Run once, `python -m tools.normals_table`. Needs mpmath; 40 digits, so that no rounding is in
doubt. The lower half follows by symmetry.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

DEFAULT = Path(__file__).parents[1] / "freegvc" / "_channel" / "normals_table.npy"


def upper_half() -> np.ndarray:
    """int16 [32768]: the entries of u = 32768 .. 65535."""
    import mpmath  # type: ignore[import-untyped]

    mpmath.mp.dps = 40
    root = mpmath.sqrt(2)
    entries = []
    for u in range(32768, 65536):
        # 2 p - 1 is exact, so nothing cancels
        value = 4096 * root * mpmath.erfinv(mpmath.mpf(2 * u + 1 - 65536) / 65536)
        entries.append(int(mpmath.nint(value)))
    return np.array(entries, dtype="<i2")


if __name__ == "__main__":
    np.save(DEFAULT, upper_half())
