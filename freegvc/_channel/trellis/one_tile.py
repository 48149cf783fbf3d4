"""The best bits of a ring whose scores fit into one tile.

Of a very short ring all words of bits are tried; of a short one, many states at the seam.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from freegvc._channel.trellis.ring import memory, rows_of_states
from freegvc._channel.trellis.viterbi import advance, best_path

_WORD_BITS = 16  # all words of a ring of up to this many blocks are tried
_WORDS = 1 << 20  # words to try one by one, if that covers more states than paths would
_SEAM_UPDATES = 1 << 24  # metric updates that a ring may take to try states at its seam

_compiled = numba.njit(nogil=True)


@_compiled
def _best_word(scores: Any, columns: Any, turned: Any, words: Any) -> Any:
    """The word whose ring has the highest total; each block rotates the word by one bit.

    Args:
        scores: float32 [K, rows].
        columns: int64, the column of `scores` for each state.
        turned: float32, the sign of each state.
        words: int64, K bits each.
    """
    blocks, full = scores.shape[0], (1 << scores.shape[0]) - 1
    best, best_total = words[0], np.float32(-np.inf)
    for word in words:
        total, now = np.float32(0), word
        for block in range(blocks):
            now = (now << 1 | now >> (blocks - 1)) & full
            state = now & (columns.size - 1)
            total += scores[block, columns[state]] * turned[state]
        if total > best_total:
            best, best_total = word, total
    return best


def _any_word(
    scores: np.ndarray, used: np.ndarray, log2_states: int, words: np.ndarray
) -> np.ndarray:
    """The bits, int64 [K], of the best of these words.

    Args:
        scores: float32 [K, rows].
        used: the rows of the codebook that the columns of `scores` belong to.
        log2_states: m.
        words: int64; the lowest bit of a word is sent last.
    """
    blocks = len(scores)
    ends = np.arange(1 << min(log2_states, blocks))
    states = np.zeros_like(ends)
    for j in range(log2_states):
        states |= (ends >> j % blocks & 1) << j
    rows, turned = rows_of_states(states, log2_states)
    columns = np.searchsorted(used, rows)
    best = int(_best_word(scores, columns, turned.astype(np.float32), words))
    return best >> np.arange(blocks)[::-1] & 1


def around_the_seam(blocks: int, log2_states: int) -> np.ndarray:
    """The blocks on both sides of the seam, between the last block and the first: int64."""
    window = min(memory(log2_states), 3 * blocks)
    return np.arange(-window, window) % blocks


def best_bits_of_tile(scores: np.ndarray, used: np.ndarray, log2_states: int) -> np.ndarray:
    """The bits, int64 [K], of the ring with the highest total score.

    Args:
        scores: float32 [K, rows], of all blocks.
        used: the rows of the codebook that the columns of `scores` belong to.
        log2_states: m.
    """
    blocks = len(scores)
    if blocks <= max(log2_states, _WORD_BITS):
        return _any_word(scores, used, log2_states, np.arange(1 << blocks))
    around = around_the_seam(blocks, log2_states)
    here = np.arange(blocks)
    states, free_bits = 1 << log2_states, blocks - log2_states
    tries = min(states, _SEAM_UPDATES // (blocks * states))
    if _WORDS >> free_bits >= max(tries, 1):  # all rings through the most promising states
        rank = _seam_rank(scores, around, log2_states)
        seams = np.argsort(rank)[-(_WORDS >> free_bits) :]
        words = seams[:, None] | np.arange(1 << free_bits) << log2_states
        return _any_word(scores, used, log2_states, words.ravel())
    path = best_path([(scores, around)], len(around), log2_states)
    likely = [int(path[len(path) // 2 - 1])]
    if tries > 1:
        rank = _seam_rank(scores, around, log2_states)
        likely += [int(seam) for seam in np.argpartition(rank, -tries)[-tries:]]
    best, best_total = path, -np.inf
    for seam in dict.fromkeys(likely):
        path = best_path([(scores, here)], blocks, log2_states, seam)
        rows, turned = rows_of_states(path, log2_states)
        total = float((scores[here, rows] * turned).sum())
        if total > best_total:
            best, best_total = path, total
    return best & 1


def _seam_rank(scores: np.ndarray, around: np.ndarray, log2_states: int) -> np.ndarray:
    """The best total of a line through each state at the middle of `around`: float32 [2^m]."""
    middle, states = len(around) // 2, 1 << log2_states
    past = np.zeros(states, np.float32)
    unused = np.empty((middle, states // 2), np.uint8)
    advance(scores, around[:middle], past, unused)
    rows, turned = rows_of_states(np.arange(states), log2_states)
    future = np.zeros(states, np.float32)
    for block in around[: middle - 1 : -1]:
        gain = (scores[block, rows] * turned + future).reshape(-1, 2).max(axis=1)
        future = np.concatenate([gain, gain]).astype(np.float32)
    return past + future
