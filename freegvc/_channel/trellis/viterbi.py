"""Viterbi's algorithm: the path of bits with the highest total score along a line of blocks.

Only the decisions that can still change are kept, so memory is bounded for any number of blocks.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numba
import numpy as np

from freegvc._channel.trellis.ring import memory

RESCALE = 64  # blocks after which the largest metric is subtracted from all
_CHOICE_BYTES = 1 << 25  # for the decisions that are kept

_compiled = numba.njit(nogil=True)


@_compiled
def advance(scores: Any, blocks: Any, metric: Any, choices: Any) -> None:
    """Update the metric block by block and record which paths survive.

    Args:
        scores: float32 [any, 2^(m - 2)].
        blocks: int64 [T], rows of `scores`, in order.
        metric: float32 [2^m], the best total that ends in each state; changed in place.
        choices: uint8 [T, 2^(m - 1)], filled: 1 where the predecessor with the oldest bit set wins.
    """
    half = metric.size // 2
    quarter = half // 2
    best = np.empty(half, np.float32)
    for i in range(blocks.size):
        low, high, choice, score = metric[:half], metric[half:], choices[i], scores[blocks[i]]
        for q in range(half):
            choice[q] = high[q] > low[q]
            best[q] = max(low[q], high[q])
        for q in range(quarter):
            metric[2 * q] = best[q] + score[q]
            metric[2 * q + 1] = best[q] - score[q]
        for q in range(quarter):
            metric[half + 2 * q] = best[quarter + q] - score[q]
            metric[half + 2 * q + 1] = best[quarter + q] + score[q]
        if i % RESCALE == RESCALE - 1:
            metric -= metric.max()


@_compiled
def trace(choices: Any, state: int, states: Any) -> None:
    """Fill `states`, int64 [T], with the path that ends in `state`; `choices` from `advance`."""
    half = choices.shape[1]
    for i in range(states.size - 1, -1, -1):
        states[i] = state
        q = state >> 1
        state = q + half * choices[i, q]


def best_path(
    tiles: Iterable[tuple[np.ndarray, np.ndarray]],
    blocks: int,
    log2_states: int,
    seam: int | None = None,
) -> np.ndarray:
    """The states of the best path along a line of blocks.

    Args:
        tiles: pairs of scores, float32 [any, 2^(m - 2)], and the rows of them that come next.
        blocks: how many blocks the tiles have together.
        log2_states: m.
        seam: the state before the first block and after the last block; any state if None.

    Returns:
        int64 [blocks].
    """
    half = 1 << log2_states - 1
    metric = np.zeros(2 * half, np.float32)
    if seam is not None:
        metric[:] = -np.inf
        metric[seam] = 0
    room = min(blocks, max(_CHOICE_BYTES // half, 4 * memory(log2_states)))
    choices = np.empty((room, half), np.uint8)
    states = np.empty(blocks, np.int64)
    known = held = 0
    for scores, rows in tiles:
        at = 0
        while at < len(rows):
            if held == room:  # the older half cannot change any more
                settled = held // 2
                trace(choices, int(metric.argmax()), states[known : known + held])
                choices[: held - settled] = choices[settled:held]
                known, held = known + settled, held - settled
            now = min(len(rows) - at, room - held)
            advance(scores, rows[at : at + now], metric, choices[held : held + now])
            at, held = at + now, held + now
    end = int(metric.argmax()) if seam is None else seam
    trace(choices, end, states[known:])
    return states
