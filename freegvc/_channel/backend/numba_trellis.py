"""Numba kernels of the trellis: Viterbi's algorithm along lines, ranks of seam states, words.

The state of a block is its own bit and the m - 1 bits before it. Of the two predecessors of a
state, `low` and `high`, the second has the oldest bit set. Both get the same score, so only their
totals are compared. The two successors of a state have one row of the codebook, with opposite
signs.

The kernels loop over scalars. Numba compiles array expressions and slices as fast code too, but
that takes seconds in every process, since nothing is cached on disk.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from freegvc._channel.ring import RESCALE as _RESCALE

_compiled = numba.njit(nogil=True)


@_compiled
def advance(scores: Any, blocks: Any, totals: Any, choices: Any) -> float:
    """Update the totals block by block and record which paths survive.

    Args:
        scores: float32 [any, 2^(m - 2)].
        blocks: int64 [T], rows of `scores`, in order.
        totals: float32 [2^m], the best total that ends in each state; changed in place.
        choices: uint8 [T, 2^(m - 1)], filled: 1 where the predecessor with the oldest bit set wins.

    Returns:
        What was subtracted from all totals.
    """
    half = totals.size // 2
    quarter = half // 2
    best = np.empty(half, np.float32)
    subtracted = 0.0
    for t in range(blocks.size):
        choice, score = choices[t], scores[blocks[t]]
        for q in range(half):
            low, high = totals[q], totals[half + q]
            wins = high > low
            choice[q] = wins
            best[q] = high if wins else low
        for q in range(quarter):
            totals[2 * q] = best[q] + score[q]
            totals[2 * q + 1] = best[q] - score[q]
        for q in range(quarter):
            totals[half + 2 * q] = best[quarter + q] - score[q]
            totals[half + 2 * q + 1] = best[quarter + q] + score[q]
        if t % _RESCALE == _RESCALE - 1:
            largest = totals[0]
            for state in range(totals.size):
                largest = max(largest, totals[state])
            for state in range(totals.size):
                totals[state] -= largest
            subtracted += largest
    return subtracted


@_compiled
def trace(choices: Any, state: int, states: Any) -> None:
    """Fill `states`, [T], with the path that ends in `state`; `choices` from `advance`."""
    half = choices.shape[1]
    for t in range(states.size - 1, -1, -1):
        states[t] = state
        q = state >> 1
        state = q + half * choices[t, q]


@_compiled
def _blocks(lines: Any, p: int) -> Any:
    """Rows of the scores for the blocks of line p, in order: int64 [T]."""
    top, ring, first, length = lines[0, p], lines[1, p], lines[2, p], lines[3, p]
    blocks = np.empty(length, np.int64)
    for t in range(length):
        blocks[t] = top + (first + t) % ring
    return blocks


@_compiled
def _kept_total(
    scores: Any, blocks: Any, states: Any, first: int, count: int, log2_states: int
) -> Any:
    """The sum of the scores of `count` states from the first one on, added up from the last."""
    columns = (1 << (log2_states - 2)) - 1
    total = np.float32(0)
    for t in range(first + count - 1, first - 1, -1):
        state = states[t]
        score = scores[blocks[t], state >> 1 & columns]
        total += -score if (state ^ state >> (log2_states - 1)) & 1 else score
    return total


@_compiled
def best_paths(
    scores: Any,
    lines: Any,
    kept_before: Any,
    seams: Any,
    log2_states: int,
    start: int,
    stop: int,
    states: Any,
    totals: Any,
) -> None:
    """The best path along each of the lines [start, stop).

    Args:
        scores: float32 [any, 2^(m - 2)].
        lines: int64 [6, P], the attributes of `Lines`.
        kept_before, seams: int64 and int32 [P].
        log2_states: m.
        start, stop: which lines.
        states: int32 [sum of keep], filled.
        totals: float32 [P], filled.
    """
    for p in range(start, stop):
        blocks = _blocks(lines, p)
        ends = np.zeros(1 << log2_states, np.float32)
        if seams[p] >= 0:
            for state in range(ends.size):
                ends[state] = -np.inf
            ends[seams[p]] = 0
        choices = np.empty((blocks.size, ends.size // 2), np.uint8)
        advance(scores, blocks, ends, choices)
        last = 0
        for state in range(ends.size):
            if ends[state] > ends[last]:
                last = state
        path = np.empty(blocks.size, np.int32)
        trace(choices, int(seams[p] if seams[p] >= 0 else last), path)
        keep_from, keep = lines[4, p], lines[5, p]
        for t in range(keep):
            states[kept_before[p] + t] = path[keep_from + t]
        totals[p] = _kept_total(scores, blocks, path, keep_from, keep, log2_states)


@_compiled
def seam_ranks(
    scores: Any, lines: Any, log2_states: int, start: int, stop: int, ranks: Any
) -> None:
    """The best total of a path through each state in the middle of lines [start, stop).

    Args:
        scores: float32 [any, 2^(m - 2)].
        lines: int64 [6, P], the attributes of `Lines`.
        log2_states: m.
        start, stop: which lines.
        ranks: float32 [P, 2^m], filled.
    """
    half = 1 << (log2_states - 1)
    quarter = half // 2
    gain = np.empty(half, np.float32)
    for p in range(start, stop):
        blocks = _blocks(lines, p)
        middle = blocks.size // 2
        past = np.zeros(2 * half, np.float32)
        advance(scores, blocks[:middle], past, np.empty((middle, half), np.uint8))
        future = np.zeros(half, np.float32)  # of a state without its oldest bit
        for t in range(blocks.size - 1, blocks.size - middle - 1, -1):
            score = scores[blocks[t]]
            for q in range(quarter):  # the better of the two successors
                even, odd = future[2 * q], future[2 * q + 1]
                gain[q] = max(even + score[q], odd - score[q])
                gain[quarter + q] = max(even - score[q], odd + score[q])
            for q in range(half):
                future[q] = gain[q]
        for q in range(half):
            ranks[p, q] = past[q] + future[q]
            ranks[p, half + q] = past[half + q] + future[q]


@_compiled
def best_word(
    scores: Any, columns: Any, turned: Any, words: Any, start: int, stop: int
) -> tuple[int, Any]:
    """The place in `words`, and the total, of the best of the words [start, stop).

    Args:
        scores: float32 [K, any]; each block rotates the word by one bit.
        columns: int64, the column of `scores` for each state.
        turned: float32, the sign of each state.
        words: int64, K bits each.
        start, stop: which words.
    """
    blocks, full = scores.shape[0], (1 << scores.shape[0]) - 1
    best, best_total = start, np.float32(-np.inf)
    for place in range(start, stop):
        total, now = np.float32(0), words[place]
        for block in range(blocks):
            now = (now << 1 | now >> (blocks - 1)) & full
            state = now & (columns.size - 1)
            total += scores[block, columns[state]] * turned[state]
        if total > best_total:
            best, best_total = place, total
    return best, best_total
