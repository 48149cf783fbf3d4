"""The best bits of long rings.

A path that comes from enough blocks before a place and goes on for enough blocks after it does not
depend on where it started and ended. So on a device with many cores a ring is cut into segments,
which are searched side by side, each extended by `memory` blocks on both sides. On the CPU a ring
whose scores do not fit into one tile is searched tile by tile: cut open at a seam, it is a line
whose end state must be its start state, which a search of the blocks around the seam finds first.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from freegvc._channel.backend.interface import Lines, TrellisSearch
from freegvc._channel.ring import memory
from freegvc._channel.trellis.line import best_path
from freegvc._channel.trellis.scores import Scores


def best_along_a_line(scores: Scores, log2_states: int) -> tuple[np.ndarray, float]:
    """The bits, int64 [K], and their total score; Viterbi on the CPU, tile by tile."""
    blocks, tile = scores.blocks, scores.tile_blocks
    window = memory(log2_states)
    around = np.arange(-window, window)
    near = scores.of(torch.from_numpy(around % blocks)).cpu().numpy()
    states, _ = best_path([(near, np.arange(len(around)))], len(around), log2_states)
    seam = int(states[window - 1])
    tiles = (
        (scores.of(slice(start, min(start + tile, blocks))).cpu().numpy(), np.arange(tile))
        for start in range(0, blocks, tile)
    )
    cut = ((made, rows[: len(made)]) for made, rows in tiles)
    states, total = best_path(cut, blocks, log2_states, seam)
    return states & 1, total


def segments_of(blocks: int, log2_states: int) -> list[tuple[int, int]]:
    """Start and stop of segments of about `memory` blocks; the extensions triple the work."""
    count = max(1, blocks // memory(log2_states))
    bounds = [blocks * i // count for i in range(count + 1)]
    return list(pairwise(bounds))


def best_of_segments(
    trellis: TrellisSearch, scores: Tensor, tops: list[tuple[int, int]], log2_states: int
) -> list[tuple[Tensor, Tensor]]:
    """The bits and total scores of rings whose scores are all at hand, in one search.

    Args:
        trellis: the searches.
        scores: float32 [any, 2^(m - 2)].
        tops: for each ring, the row of the scores that holds block 0, and K.
        log2_states: m.
    """
    window = memory(log2_states)
    parts = [segments_of(blocks, log2_states) for _, blocks in tops]
    lines = [
        (top, blocks, start - window, stop - start + 2 * window, window, stop - start)
        for (top, blocks), segments in zip(tops, parts, strict=True)
        for start, stop in segments
    ]
    states, totals = trellis.best_paths(scores, Lines.of(lines), _any_state(trellis, len(lines)))
    bits = torch.split(states & 1, [blocks for _, blocks in tops])
    sums = torch.split(totals, [len(segments) for segments in parts])
    return [(one, part.sum(dim=0, keepdim=True)) for one, part in zip(bits, sums, strict=True)]


def best_of_many_segments(
    trellis: TrellisSearch, scores: Scores, log2_states: int
) -> tuple[Tensor, Tensor]:
    """The bits and total score of a ring whose scores do not fit into one tile."""
    window, blocks = memory(log2_states), scores.blocks
    parts = segments_of(blocks, log2_states)
    at_once = max(1, (scores.tile_blocks - 2 * window) // (parts[-1][1] - parts[-1][0]))
    bits, totals = [], []
    for first in range(0, len(parts), at_once):
        group = parts[first : first + at_once]
        begin, end = group[0][0] - window, group[-1][1] + window
        wanted = torch.arange(begin, end, device=trellis.device) % blocks
        lines = Lines.of(
            [
                (0, end - begin, start - window - begin, stop - start + 2 * window, window,
                 stop - start)
                for start, stop in group
            ]
        )  # fmt: skip
        made = scores.of(wanted)
        states, sums = trellis.best_paths(made, lines, _any_state(trellis, len(lines)))
        bits.append(states & 1)
        totals.append(sums)
    return torch.cat(bits), torch.cat(totals).sum(dim=0, keepdim=True)


def _any_state(trellis: TrellisSearch, lines: int) -> Tensor:
    """Seams of lines that may begin and end in any state."""
    return torch.full((lines,), -1, dtype=torch.int32, device=trellis.device)
