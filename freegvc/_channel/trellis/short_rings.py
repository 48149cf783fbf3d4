"""The best bits of rings whose scores are all at hand, side by side.

Of a very short ring all words of bits are tried; of a longer one, many states at the seam, between
its last block and its first. From 4 `memory` blocks on, one state at the seam is enough: the paths
have merged long before.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from freegvc._channel.backend.interface import Lines, TrellisSearch
from freegvc._channel.ring import memory, rows_of_states

_WORD_BITS = 16  # all words of a ring of up to this many blocks are tried
_WORDS = 1 << 20  # words to try one by one, if that covers more states than paths would
_SEAM_UPDATES = 1 << 24  # updates of a total that a ring may take to try states at its seam


@dataclass(frozen=True, slots=True, eq=False)
class Ring:
    """A ring to search.

    Args:
        scores: float32 [K, rows], on the device of the search; a slice of one tensor of all rings.
        top: the row of that tensor that holds block 0.
        rows: int64, the rows of the codebook that have a score.
        log2_states: m.
    """

    scores: Tensor
    top: int
    rows: np.ndarray
    log2_states: int

    @property
    def blocks(self) -> int:
        """K."""
        return len(self.scores)

    @property
    def all_words(self) -> bool:
        """Whether all words of bits are tried."""
        return self.blocks <= max(self.log2_states, _WORD_BITS)

    @property
    def seams(self) -> int:
        """How many states at the seam to try besides the one of the path around it."""
        if self.blocks >= 4 * memory(self.log2_states):
            return 0
        tries = min(1 << self.log2_states, _SEAM_UPDATES // (self.blocks << self.log2_states))
        return tries if tries > 1 else 0

    @property
    def seams_of_words(self) -> int:
        """Through how many states at the seam all words can be tried; 0 if paths reach more."""
        seams = _WORDS >> self.blocks - self.log2_states
        return seams if seams >= max(self.seams, 1) else 0

    @property
    def window(self) -> int:
        """How many blocks on either side of the seam decide its state."""
        return min(memory(self.log2_states), 3 * self.blocks)


Found = tuple[Tensor, Tensor]
"""The bits of a ring, int [K], and their total score, float32 [1]."""


def best_of_short_rings(trellis: TrellisSearch, scores: Tensor, rings: list[Ring]) -> list[Found]:
    """The bits with the highest total score of each ring.

    Args:
        trellis: the searches.
        scores: float32 [any, 2^(m - 2)], with the rings at their tops.
        rings: what to search.
    """
    others = [ring for ring in rings if not ring.all_words]
    ranked = [ring for ring in others if ring.seams_of_words or ring.seams]
    likely = dict(zip(ranked, _likely_seams(trellis, scores, ranked), strict=True))
    by_path = [ring for ring in others if not ring.seams_of_words]
    paths = dict(zip(by_path, _best_through(trellis, scores, by_path, likely), strict=True))
    found = []
    for ring in rings:
        if ring in paths:
            found.append(paths[ring])
            continue
        if ring.all_words:
            words = torch.arange(1 << ring.blocks, device=trellis.device)
        else:
            free = torch.arange(1 << ring.blocks - ring.log2_states, device=trellis.device)
            seams = likely[ring][: ring.seams_of_words, None]
            words = (seams | free << ring.log2_states).flatten()
        found.append(_best_word(trellis, ring, words))
    return found


def _best_word(trellis: TrellisSearch, ring: Ring, words: Tensor) -> Found:
    """The best of these words."""
    blocks, log2_states = ring.blocks, ring.log2_states
    ends = np.arange(1 << min(log2_states, blocks))
    states = np.zeros_like(ends)
    for j in range(log2_states):
        states |= (ends >> j % blocks & 1) << j
    rows, turned = rows_of_states(states, log2_states)
    columns = torch.from_numpy(np.searchsorted(ring.rows, rows))
    device = ring.scores.device
    word, total = trellis.best_word(
        ring.scores,
        columns.to(device, non_blocking=True),
        torch.from_numpy(turned.astype(np.float32)).to(device, non_blocking=True),
        words,
    )
    return word >> torch.arange(blocks - 1, -1, -1, device=device) & 1, total


def _around(ring: Ring, keep_from: int, keep: int) -> tuple[int, int, int, int, int, int]:
    """The line of blocks around the seam of a ring."""
    window = ring.window
    return ring.top, ring.blocks, -window, 2 * window, keep_from, keep


def _likely_seams(trellis: TrellisSearch, scores: Tensor, rings: list[Ring]) -> list[Tensor]:
    """All states at the seam of each ring, the most promising first."""
    if not rings:
        return []
    ranks = trellis.seam_ranks(scores, Lines.of([_around(ring, 0, 0) for ring in rings]))
    return list(ranks.sort(dim=1, descending=True, stable=True).indices.unbind())


def _best_through(
    trellis: TrellisSearch, scores: Tensor, rings: list[Ring], likely: dict[Ring, Tensor]
) -> list[Found]:
    """The best of the paths around each ring through the states tried at its seam.

    Args:
        trellis, scores: the searches and what they search.
        rings: K > m.
        likely: the states at the seam of each ring that tries more than one, best first.
    """
    if not rings:
        return []
    around = Lines.of([_around(ring, ring.window - 1, 1) for ring in rings])
    free = torch.full((len(rings),), -1, dtype=torch.int32, device=trellis.device)
    first, _ = trellis.best_paths(scores, around, free)
    seams, lines = [], []
    for index, ring in enumerate(rings):
        seams.append(first[index : index + 1])
        if ring.seams:
            seams.append(likely[ring][: ring.seams].to(torch.int32))
        whole = (ring.top, ring.blocks, 0, ring.blocks, 0, ring.blocks)
        lines += [whole] * (1 + ring.seams)
    states, totals = trellis.best_paths(scores, Lines.of(lines), torch.cat(seams))
    found, line, state = [], 0, 0
    for ring in rings:
        tries = 1 + ring.seams
        total, best = totals[line : line + tries].max(dim=0, keepdim=True)
        paths = states[state : state + tries * ring.blocks].view(tries, ring.blocks)
        found.append((paths.index_select(0, best)[0] & 1, total))
        line, state = line + tries, state + tries * ring.blocks
    return found
