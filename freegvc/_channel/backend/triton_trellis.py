"""Triton kernels of the trellis: the same recursions as `numba_trellis`, a program for each line.

The totals of all states live in registers, as two halves: `low` those without the oldest bit,
`high` those with it. A step pairs state q of both, and joins the two successors of each pair.
"""

from __future__ import annotations

import triton
import triton.language as tl


@triton.jit
def _joined(even, odd, HALF: tl.constexpr):
    """[HALF] and [HALF], one after the other of each, as the lower and the upper half of that."""
    both = tl.reshape(tl.join(even, odd), [2, HALF])
    return tl.split(tl.permute(both, [1, 0]))


@triton.jit
def _advanced(low, high, score, t, HALF: tl.constexpr, RESCALE: tl.constexpr):
    """The totals after block t, whose scores have the sign of a new bit 0."""
    best = tl.maximum(low, high)
    low, high = _joined(best + score, best - score, HALF)
    if t % RESCALE == RESCALE - 1:
        largest = tl.max(tl.maximum(low, high), 0)
        low -= largest
        high -= largest
    return low, high


@triton.jit
def _line(lines, p):
    """Row of block 0, K, first block modulo K, and length of line p."""
    here = lines + 8 * p
    ring = tl.load(here + 1)
    return tl.load(here), ring, (tl.load(here + 2) % ring + ring) % ring, tl.load(here + 3)


@triton.jit(do_not_specialize=["line"])
def best_paths(
    scores, lines, seams, choices, states, totals, line,
    LOG2_STATES: tl.constexpr, RESCALE: tl.constexpr,
):  # fmt: skip
    """The best path along each line.

    Grid: lines, from number `line` on.

    Args:
        scores: float32 [any, 2^(m - 2)].
        lines: int64 [P, 8], the attributes of `Lines`, and how many blocks the lines before have:
            of those searched together, and kept ones of all.
        seams: int32 [P].
        choices: int8 [blocks of all lines of the grid, 2^(m - 1)], room.
        states: int32 [kept blocks of all lines], filled.
        totals: float32 [P], filled.
    """
    HALF: tl.constexpr = 1 << (LOG2_STATES - 1)
    QUARTER: tl.constexpr = HALF >> 1
    p = line + tl.program_id(0).to(tl.int64)
    top, ring, block, length = _line(lines, p)
    keep_from, keep = tl.load(lines + 8 * p + 4), tl.load(lines + 8 * p + 5)
    choices += tl.load(lines + 8 * p + 6) * HALF
    states += tl.load(lines + 8 * p + 7) - keep_from
    seam = tl.load(seams + p)
    free = seam < 0
    q = tl.arange(0, HALF)
    column = q % QUARTER
    turn = tl.where(q < QUARTER, 1.0, -1.0)
    low = tl.where(free | (q == seam), 0.0, float("-inf"))
    high = tl.where(free | (q + HALF == seam), 0.0, float("-inf"))
    for t in range(length):
        score = tl.load(scores + (top + block) * QUARTER + column) * turn
        tl.store(choices + t * HALF + q, (high > low).to(tl.int8))
        low, high = _advanced(low, high, score, t, HALF, RESCALE)
        block = tl.where(block + 1 == ring, 0, block + 1)
    best_low, best_high = tl.max(low, 0), tl.max(high, 0)
    end = tl.where(best_high > best_low, HALF + tl.argmax(high, 0), tl.argmax(low, 0))
    state = tl.where(free, end, seam).to(tl.int32)
    total = 0.0
    tl.debug_barrier()  # the choices of all threads are there
    for step in range(length):
        t = length - 1 - step
        block = tl.where(block == 0, ring, block) - 1
        kept = (t >= keep_from) & (t < keep_from + keep)
        tl.store(states + t, state, mask=kept)
        half = state >> 1
        score = tl.load(scores + (top + block) * QUARTER + half % QUARTER)
        odd = (state ^ (state >> (LOG2_STATES - 1))) & 1
        total += tl.where(kept, tl.where(odd == 1, -score, score), 0.0)
        state = half + HALF * tl.load(choices + t * HALF + half).to(tl.int32)
    tl.store(totals + p, total)


@triton.jit
def _totals_before(
    scores, top, ring, block, length, out, HALF: tl.constexpr, RESCALE: tl.constexpr
):
    """out[state] = the best total of a path from `block` that ends in the state."""
    QUARTER: tl.constexpr = HALF >> 1
    q = tl.arange(0, HALF)
    turn = tl.where(q < QUARTER, 1.0, -1.0)
    low, high = tl.zeros([HALF], tl.float32), tl.zeros([HALF], tl.float32)
    for t in range(length):
        score = tl.load(scores + (top + block) * QUARTER + q % QUARTER) * turn
        low, high = _advanced(low, high, score, t, HALF, RESCALE)
        block = tl.where(block + 1 == ring, 0, block + 1)
    tl.store(out + q, low)
    tl.store(out + HALF + q, high)


@triton.jit
def _totals_after(scores, top, ring, block, length, out, HALF: tl.constexpr):
    """out[state] = the best total of a path from the state to the block before `block`."""
    QUARTER: tl.constexpr = HALF >> 1
    column = tl.arange(0, QUARTER)
    # of a state without its oldest bit, by its newest bit
    even, odd = tl.zeros([QUARTER], tl.float32), tl.zeros([QUARTER], tl.float32)
    for _ in range(length):
        block = tl.where(block == 0, ring, block) - 1
        score = tl.load(scores + (top + block) * QUARTER + column)
        low = tl.maximum(even + score, odd - score)  # the better of the two successors
        high = tl.maximum(even - score, odd + score)
        both = tl.permute(tl.join(low, high), [1, 0])
        even, odd = tl.split(tl.reshape(both, [QUARTER, 2]))
    both = tl.join(even, odd)
    state = 2 * column[:, None] + tl.arange(0, 2)[None, :]
    tl.store(out + state, both)
    tl.store(out + HALF + state, both)


@triton.jit
def seam_ranks(scores, lines, ranks, LOG2_STATES: tl.constexpr, RESCALE: tl.constexpr):
    """The best total of a path through each state in the middle of each line.

    Grid: lines, 2: what comes before the seam, and what comes after it.

    Args:
        scores: float32 [any, 2^(m - 2)].
        lines: int64 [P, 8], as above.
        ranks: float32 [2, P, 2^m], filled with the two parts.
    """
    HALF: tl.constexpr = 1 << (LOG2_STATES - 1)
    p = tl.program_id(0).to(tl.int64)
    top, ring, first, length = _line(lines, p)
    middle = length // 2
    if tl.program_id(1) == 0:
        _totals_before(scores, top, ring, first, middle, ranks + p * 2 * HALF, HALF, RESCALE)
    else:
        after = ranks + (tl.num_programs(0) + p) * 2 * HALF
        _totals_after(scores, top, ring, (first + length) % ring, middle, after, HALF)


@triton.jit(do_not_specialize=["blocks", "columns_of_scores", "states", "words_given"])
def word_totals(
    scores, columns, turned, words, totals, blocks, columns_of_scores, states, words_given,
    WORDS: tl.constexpr,
):  # fmt: skip
    """The total score of the ring of each word; each block rotates the word by one bit.

    Grid: words over WORDS.

    Args:
        scores: float32 [blocks, columns_of_scores].
        columns, turned: int64 and float32 [states], the column and the sign of each state.
        words: int64 [words_given].
        totals: float32 [words_given], filled.
    """
    at = tl.program_id(0) * WORDS + tl.arange(0, WORDS)
    now = tl.load(words + at, mask=at < words_given, other=0)
    blocks = blocks.to(tl.int64)
    full = (tl.full([], 1, tl.int64) << blocks) - 1
    total = tl.zeros([WORDS], tl.float32)
    for block in range(blocks):
        now = ((now << 1) | (now >> (blocks - 1))) & full
        state = now & (states - 1)
        score = tl.load(scores + block * columns_of_scores + tl.load(columns + state))
        total += score * tl.load(turned + state)
    tl.store(totals + at, total, mask=at < words_given)
