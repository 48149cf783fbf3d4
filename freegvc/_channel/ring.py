"""The states of a ring of blocks, and the candidate that each state stands for.

The bits form a ring: the states of the first blocks contain the last bits of the step (a
tail-biting trellis). So no bits are spent on a start state, and all blocks have the same number of
candidates.

The candidate of a state is a row of the codebook or its negative, so that paths which differ in one
bit are as far apart as possible where they part and where they meet again. Compared with 2^m
independent candidates, this gains as much as two more bits of state, for a quarter of the products.
"""

from __future__ import annotations

import numpy as np

RESCALE = 64  # blocks after which a search subtracts its largest total from all


def memory(log2_states: int) -> int:
    """Blocks after which nearly all surviving paths agree; half of them do after a quarter."""
    return 32 * log2_states


def states_of_bits(bits: np.ndarray, log2_states: int) -> np.ndarray:
    """The state of each block, int64 [K]: bit j was sent j blocks before, around the ring."""
    bits = np.asarray(bits, dtype=np.int64)
    states = np.zeros(len(bits), dtype=np.int64)
    for j in range(log2_states):
        states |= np.roll(bits, j) << j
    return states


def rows_of_states(states: np.ndarray, log2_states: int) -> tuple[np.ndarray, np.ndarray]:
    """Row of the codebook, in [0, 2^(m - 2)), and sign, -1 or 1, of each state: int64.

    The middle bits choose the row; the sign is -1 if the newest and the oldest bit differ. So the
    two branches out of a state have opposite candidates, and so have the two branches into it.
    """
    rows = states >> 1 & (1 << log2_states - 2) - 1
    return rows, 1 - 2 * ((states ^ states >> log2_states - 1) & 1)


def rows_in_use(blocks: int, log2_states: int) -> np.ndarray:
    """The rows that a ring of K blocks can choose: int64, rising; not all if K is very small."""
    if blocks > log2_states - 2:
        return np.arange(1 << log2_states - 2)
    words = np.arange(1 << blocks)
    states = np.zeros_like(words)
    for j in range(log2_states):
        states |= (words >> j % blocks & 1) << j
    return np.unique(rows_of_states(states, log2_states)[0])
