"""The best bits of rings of blocks: several numbers of blocks at once, if they fit into one tile.

Only the bits and total scores of all rings come back from the device, in one piece.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from freegvc._channel.backend.interface import TrellisSearch
from freegvc._channel.ring import memory
from freegvc._channel.trellis.long_rings import (
    best_along_a_line,
    best_of_many_segments,
    best_of_segments,
)
from freegvc._channel.trellis.scores import Scores
from freegvc._channel.trellis.short_rings import Found, Ring, best_of_short_rings


@dataclass(frozen=True, slots=True)
class Best:
    """What a search found.

    Attributes:
        bits: int64 [K].
        total: their total score, <n, delta>.
    """

    bits: np.ndarray
    total: float


def best_bits(trellis: TrellisSearch, rings: list[Scores], log2_states: int) -> list[Best]:
    """The bits with the highest total score of each ring.

    Args:
        trellis: the searches with that number of states.
        rings: their scores; those of two or more rings fit into one tile together.
        log2_states: m.
    """
    if rings[0].tile_blocks < rings[0].blocks:
        if not trellis.side_by_side:
            return [Best(*best_along_a_line(rings[0], log2_states))]
        return _fetched([best_of_many_segments(trellis, rings[0], log2_states)])
    return _fetched(_best_at_hand(trellis, rings, log2_states))


def _best_at_hand(trellis: TrellisSearch, rings: list[Scores], log2_states: int) -> list[Found]:
    """The bits and total scores of rings whose scores fit into one tile."""
    scores, at_hand = _stacked(trellis, rings, log2_states)
    enough = 4 * memory(log2_states)
    long = [ring for ring in at_hand if trellis.side_by_side and ring.blocks >= enough]
    short = [ring for ring in at_hand if ring not in long]
    found = iter(best_of_short_rings(trellis, scores, short) if short else [])
    cut = [(ring.top, ring.blocks) for ring in long]
    segmented = iter(best_of_segments(trellis, scores, cut, log2_states) if long else [])
    return [next(segmented if ring in long else found) for ring in at_hand]


def _stacked(
    trellis: TrellisSearch, rings: list[Scores], log2_states: int
) -> tuple[Tensor, list[Ring]]:
    """The scores of all rings, one below the other, where they are searched.

    Rings of so few blocks that not all rows have a score stand alone.
    """
    columns = 1 << log2_states - 2
    tops, below = [], 0
    for ring in rings:
        tops.append(below)
        below += ring.blocks if len(ring.rows) == columns else 0
    stacked = rings[0].empty(below, columns)
    for ring, top in zip(rings, tops, strict=True):
        if len(ring.rows) == columns:
            ring.all_into(stacked[top : top + ring.blocks])
    stacked = stacked.to(trellis.device)
    at_hand = []
    for ring, top in zip(rings, tops, strict=True):
        here = stacked[top : top + ring.blocks]
        if len(ring.rows) < columns:
            here = ring.of(slice(None)).to(trellis.device)
        at_hand.append(Ring(here, top, ring.rows, log2_states))
    return stacked, at_hand


def _fetched(found: list[Found]) -> list[Best]:
    """Bring all that was found to the host in one copy."""
    parts = [part for bits, total in found for part in (bits.int(), total.view(torch.int32))]
    words = torch.cat(parts).cpu()
    best = []
    for bits, _ in found:
        here, words = words[: len(bits) + 1], words[len(bits) + 1 :]
        total = float(here[-1:].view(torch.float32))
        best.append(Best(here[:-1].numpy().astype(np.int64), total))
    return best
