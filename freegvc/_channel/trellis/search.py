"""The best bits of a ring of blocks.

Cut open at a seam, a ring is a line whose end state must be its start state. A path that comes from
enough blocks before the seam and goes on for enough blocks after it does not depend on where it
started, so it gives the state at the seam. A second path starts and ends in that state.
"""

from __future__ import annotations

import numpy as np
import torch

from freegvc._channel.trellis.one_tile import around_the_seam, best_bits_of_tile
from freegvc._channel.trellis.ring import memory
from freegvc._channel.trellis.scores import Scores
from freegvc._channel.trellis.viterbi import RESCALE, best_path, trace


def best_bits_numba(scores: Scores, log2_states: int) -> np.ndarray:
    """The bits, int64 [K], of the ring with the highest total score; Viterbi on the CPU."""
    blocks, tile = scores.blocks, scores.tile_blocks
    if blocks <= tile:
        return best_bits_of_tile(
            scores.of(slice(0, blocks)).cpu().numpy(), scores.rows, log2_states
        )
    around = around_the_seam(blocks, log2_states)
    near = scores.of(torch.from_numpy(around)).numpy()
    states = best_path([(near, np.arange(len(around)))], len(around), log2_states)
    seam = int(states[len(around) // 2 - 1])
    tiles = (
        (scores.of(slice(start, min(start + tile, blocks))).numpy(), np.arange(tile))
        for start in range(0, blocks, tile)
    )
    cut = ((made, rows[: len(made)]) for made, rows in tiles)
    return best_path(cut, blocks, log2_states, seam) & 1


def best_bits_torch(scores: Scores, log2_states: int) -> np.ndarray:
    """Like `best_bits_numba`, with many segments of the ring in parallel on the device.

    Each segment is extended by `memory` blocks on both sides, so that its path does not depend on
    where the extended segment starts and ends.
    """
    blocks, window = scores.blocks, memory(log2_states)
    if blocks < 4 * window:
        return best_bits_of_tile(
            scores.of(slice(0, blocks)).cpu().numpy(), scores.rows, log2_states
        )
    segments = max(1, blocks // (2 * window))
    length = -(-blocks // segments)
    at_once = max(1, scores.tile_blocks // (length + 2 * window))
    bits = np.empty(segments * length, np.int64)
    for first in range(0, segments, at_once):
        starts = np.arange(first, min(first + at_once, segments)) * length
        rows = (starts[:, None] + np.arange(-window, length + window)) % blocks
        states = _segments(scores, rows, log2_states)[:, window : window + length]
        bits[starts[0] : starts[0] + states.size] = states.ravel() & 1
    return bits[:blocks]


def _segments(scores: Scores, rows: np.ndarray, log2_states: int) -> np.ndarray:
    """The states of the best path along each of P lines: int64 [P, T].

    Args:
        scores: of the ring.
        rows: int64 [P, T], the blocks of each line.
        log2_states: m.
    """
    wanted, places = np.unique(rows, return_inverse=True)
    made = scores.of(torch.from_numpy(wanted).to(scores.device))
    index = torch.from_numpy(places.reshape(rows.shape).T.copy()).to(made.device)
    count, steps = rows.shape
    half = 1 << log2_states - 1
    turn = made.new_tensor([1.0, -1.0])[:, None]
    metric = made.new_zeros(count, 2, half)
    choices = torch.empty(steps, count, half, dtype=torch.bool, device=made.device)
    for step in range(steps):
        low, high = metric[:, 0], metric[:, 1]
        torch.gt(high, low, out=choices[step])
        best = torch.maximum(low, high)
        best = best.view(count, 2, half // 2)  # by the oldest bit
        score = made[index[step]][:, None] * turn
        metric = torch.stack([best + score, best - score], dim=-1).view(count, 2, half)
        if step % RESCALE == RESCALE - 1:
            metric -= metric.amax(dim=(1, 2), keepdim=True)
    ends = metric.view(count, -1).argmax(dim=1).tolist()
    host = choices.view(torch.uint8).cpu().numpy()
    states = np.empty(rows.shape, np.int64)
    for segment, end in enumerate(ends):
        trace(host[:, segment], end, states[segment])
    return states
