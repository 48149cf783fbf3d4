"""Viterbi's algorithm along one long line on the CPU, tile by tile.

Only the decisions that can still change are kept, so memory is bounded for any number of blocks.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from freegvc._channel.backend.numba_trellis import advance, trace
from freegvc._channel.ring import memory

_CHOICE_BYTES = 1 << 25  # for the decisions that are kept


def best_path(
    tiles: Iterable[tuple[np.ndarray, np.ndarray]],
    blocks: int,
    log2_states: int,
    seam: int | None = None,
) -> tuple[np.ndarray, float]:
    """The path with the highest total score along a line of blocks.

    Args:
        tiles: pairs of scores, float32 [any, 2^(m - 2)], and the rows of them that come next.
        blocks: how many blocks the tiles have together.
        log2_states: m.
        seam: the state before the first block and after the last block; any state if None.

    Returns:
        Its states, int64 [blocks], and its total.
    """
    half = 1 << log2_states - 1
    totals = np.zeros(2 * half, np.float32)
    if seam is not None:
        totals[:] = -np.inf
        totals[seam] = 0
    room = min(blocks, max(_CHOICE_BYTES // half, 4 * memory(log2_states)))
    choices = np.empty((room, half), np.uint8)
    states = np.empty(blocks, np.int64)
    known = held = 0
    subtracted = 0.0
    for scores, rows in tiles:
        at = 0
        while at < len(rows):
            if held == room:  # the older half cannot change any more
                settled = held // 2
                trace(choices, int(totals.argmax()), states[known : known + held])
                choices[: held - settled] = choices[settled:held]
                known, held = known + settled, held - settled
            now = min(len(rows) - at, room - held)
            subtracted += advance(scores, rows[at : at + now], totals, choices[held : held + now])
            at, held = at + now, held + now
    end = int(totals.argmax()) if seam is None else seam
    trace(choices, end, states[known:])
    return states, subtracted + float(totals[end])
