"""How many blocks deliver delta: what c(m) says, and the choice among the numbers tried.

Only the encoder uses this, and its choice goes into the stream, so floats are allowed here.
"""

from __future__ import annotations

import math
from collections.abc import Container
from statistics import NormalDist

from freegvc._channel.num_blocks import block_class, finer_blocks, round_num_blocks
from freegvc._channel.trellis.shot import LOG2_STATES, TrellisShot

# c(m), for m = 8..16, from a simulation of long rings
_GAINS = (1.1044, 1.1159, 1.1249, 1.1330, 1.1383, 1.1432, 1.1467, 1.1500, 1.1532)
_TOLERANCE = 0.008  # of the delivered fraction; the numbers of blocks are 3 % apart
_SHORT_TOLERANCE = 0.1  # divided by the root of K
_MANTISSA_BITS = TrellisShot.MANTISSA_BITS
_NORMAL = NormalDist()


def delivered_energy(blocks: float, log2_states: int) -> float:
    """||delta||^2 that K blocks of equal energy deliver on average.

    A short ring delivers as much as the best of 2^K independent candidates, which is about the
    quantile at 1 - 0.625 / 2^K (Blom, 1958); a long ring reaches c(m).
    """
    limit = blocks * _GAINS[log2_states - LOG2_STATES.start] ** 2
    if blocks > 64:
        return limit
    best = -_NORMAL.inv_cdf(0.625 / (2.0**blocks + 0.25))
    return min(limit, best**2)


def blocks_for(energy: float, log2_states: int) -> float:
    """K that delivers ||delta||^2: the inverse of `delivered_energy`, at least 1."""
    low, high = 1.0, 4 + 2 * energy
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (
            (middle, high) if delivered_energy(middle, log2_states) < energy else (low, middle)
        )
    return high


def next_blocks(wanted: float, dims: int, tried: Container[int]) -> int:
    """The number of blocks to try next.

    Args:
        wanted: the ideal number.
        dims: D; there is at most one block for each dim.
        tried: numbers to leave out.

    Returns:
        The nearest number in 1..D that the stream can represent and that was not tried; if none
        near `wanted` is left, one that was tried.
    """
    middle = max(1, min(round(wanted), dims))
    unit = finer_blocks(block_class(round_num_blocks(middle)), _MANTISSA_BITS)[1]
    near = {round_num_blocks(middle + unit * j, _MANTISSA_BITS) for j in range(-8, 9)}
    free = [blocks for blocks in near if 1 <= blocks <= dims and blocks not in tried]
    return min(free, key=lambda blocks: (abs(blocks - wanted), blocks), default=middle)


def miss(blocks: int, fraction: float) -> float:
    """How far the delivered fraction of K blocks is outside of its tolerance around 1."""
    return max(abs(fraction - 1) - max(_TOLERANCE, _SHORT_TOLERANCE / math.sqrt(blocks)), 0.0)


def best_blocks(fractions: dict[int, float]) -> int:
    """The cheapest number of blocks whose delivered fraction is close enough to 1.

    Args:
        fractions: the delivered fraction of each number tried.
    """

    def rank(blocks: int) -> tuple[float, float]:
        fraction = fractions[blocks]
        cost = blocks / fraction**2 if fraction > 0 else math.inf
        return miss(blocks, fraction), cost

    return min(fractions, key=rank)
