"""The best path through a ring of blocks, each a bit, where the last m bits choose a candidate.

A candidate is a row of the codebook or its negative, so that paths that differ in one bit are as
far apart as they can be where they part and where they meet again. Against 2^m independent
candidates that gains as much as two more bits of state, for a quarter of the products.

The bits form a ring: the first blocks look back at the last bits of the step (a tail-biting
trellis). So no bit is spent on a start, and no block has fewer candidates than the others. Cut
open somewhere far from where it matters, a ring is a line: a path over w blocks on each side of
the seam has forgotten where it began, and tells the m bits to start and to end with.

Scores are made in tiles and forgotten, and of the decisions only those are kept that may
still change, so memory is bounded for any D, K and m.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numba
import numpy as np
import torch

from freegvc.channel.counter import Address, Kind
from freegvc.channel.normals import normals, normals_torch

TILE_FLOATS = 1 << 24  # 64 MB, for a tile of scores and for one of the codebook
_KEPT_FLOATS = 24 << 20  # a codebook up to 100 MB is made once
_CHOICE_BYTES = 1 << 25
_DEVICE_TILE_FLOATS = 1 << 28  # 1 GB, on an accelerator
_WORD_BITS = 16  # a ring of so many blocks is searched exhaustively
_WORDS = 1 << 20  # rings to try one by one where that covers more seams
_SEAM_UPDATES = 1 << 24  # what a short ring may spend on choosing its seam
_RESCALE = 64  # blocks after which metrics are made small again

_compiled = numba.njit(nogil=True)


def memory(log2_states: int) -> int:
    """Blocks after which all survivors nearly always agree; half of them do after a quarter."""
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

    The middle bits choose the row; the newest and the oldest bit, if they differ, turn it round.
    So the two ways out of a state are opposite, and so are the two ways into one.
    """
    rows = states >> 1 & (1 << log2_states - 2) - 1
    return rows, 1 - 2 * ((states ^ states >> log2_states - 1) & 1)


def _rows_in_use(blocks: int, log2_states: int) -> np.ndarray:
    """The rows that a ring of K blocks can choose: not all if it is very short."""
    if blocks > log2_states - 2:
        return np.arange(1 << log2_states - 2)
    words = np.arange(1 << blocks)
    states = np.zeros_like(words)
    for j in range(log2_states):
        states |= (words >> j % blocks & 1) << j
    return np.unique(rows_of_states(states, log2_states)[0])


def _tile_blocks(blocks: int, log2_states: int, floats: int) -> int:
    rows_bits = min(log2_states - 2, blocks)
    return min(blocks, max(floats >> rows_bits, 2 * memory(log2_states)))


def normals_to_make(blocks: int, width: int, log2_states: int) -> int:
    """How many normals a search on the CPU has to make."""
    codebook = width << min(log2_states - 2, blocks)
    if codebook <= _KEPT_FLOATS:
        return codebook
    return codebook * -(-blocks // _tile_blocks(blocks, log2_states, TILE_FLOATS))


class Scores:
    """<C_r, target_b> of all rows r, for any blocks b.

    Args:
        address: where in the stream.
        targets: float32 [K, n], rows d_b * delta_b; any device.
        log2_states: m.
    """

    def __init__(self, address: Address, targets: torch.Tensor, log2_states: int) -> None:
        self._address = address
        self._targets = targets
        self.blocks, self._width = targets.shape
        self.rows = _rows_in_use(self.blocks, log2_states)
        self.device = targets.device
        self._is_cpu = targets.device.type == "cpu"
        floats = TILE_FLOATS if self._is_cpu else _DEVICE_TILE_FLOATS
        self.tile_blocks = _tile_blocks(self.blocks, log2_states, floats)
        whole = len(self.rows) * self._width <= (_KEPT_FLOATS if self._is_cpu else floats)
        self._tile_rows = max(1, min(len(self.rows), floats // self._width))
        self._codebook = self._candidates(self.rows) if whole else None
        self._out = targets.new_empty(0)

    def _candidates(self, rows: np.ndarray, out: torch.Tensor | None = None) -> torch.Tensor:
        if not self._is_cpu:
            there = torch.from_numpy(rows).to(self.device)
            return normals_torch(self._address, Kind.CODEBOOK, there, self._width)
        if out is None:
            out = self._targets.new_empty(len(rows), self._width)
        normals(self._address, Kind.CODEBOOK, rows, self._width, out=out.numpy())
        return out

    def of(self, blocks: slice | torch.Tensor) -> torch.Tensor:
        """float32 [len(blocks), rows], valid until the next call."""
        targets = self._targets[blocks]
        if len(self._out) < len(targets):
            self._out = targets.new_empty(0)  # first give back
            self._out = targets.new_empty(len(targets), len(self.rows))
        out = self._out[: len(targets)]
        if self._codebook is not None:
            return torch.mm(targets, self._codebook.t(), out=out)
        room = targets.new_empty(self._tile_rows if self._is_cpu else 0, self._width)
        for start in range(0, len(self.rows), self._tile_rows):
            rows = self.rows[start : start + self._tile_rows]
            tile = self._candidates(rows, room[: len(rows)])
            out[:, start : start + len(rows)] = targets @ tile.t()
        return out


@_compiled
def _advance(scores: Any, blocks: Any, metric: Any, choices: Any) -> None:
    """For each of `blocks` of `scores`: update the metric, note which paths survive."""
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
        if i % _RESCALE == _RESCALE - 1:
            metric -= metric.max()


@_compiled
def _trace(choices: Any, state: int, states: Any) -> None:
    """Fill in the states of the path that ends in `state`."""
    half = choices.shape[1]
    for i in range(states.size - 1, -1, -1):
        states[i] = state
        q = state >> 1
        state = q + half * choices[i, q]


def _line(
    tiles: Iterable[tuple[np.ndarray, np.ndarray]],
    blocks: int,
    log2_states: int,
    seam: int | None = None,
) -> np.ndarray:
    """The states of the best path along a line of blocks: int64 [blocks].

    Args:
        tiles: scores, float32 [any, 2^(m - 2)], and which blocks of them are next.
        blocks: how many in all.
        log2_states: m.
        seam: the state before the first block and after the last one; any if None.
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
            if held == room:  # the older half is settled
                settled = held // 2
                _trace(choices, int(metric.argmax()), states[known : known + held])
                choices[: held - settled] = choices[settled:held]
                known, held = known + settled, held - settled
            now = min(len(rows) - at, room - held)
            _advance(scores, rows[at : at + now], metric, choices[held : held + now])
            at, held = at + now, held + now
    end = int(metric.argmax()) if seam is None else seam
    _trace(choices, end, states[known:])
    return states


@_compiled
def _best_word(scores: Any, columns: Any, turned: Any, words: Any) -> Any:
    """The word whose ring has the highest score; each block turns the word by one bit."""
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
    """The bits of the best of these words, whose lowest bit is sent last."""
    blocks = len(scores)
    ends = np.arange(1 << min(log2_states, blocks))
    states = np.zeros_like(ends)
    for j in range(log2_states):
        states |= (ends >> j % blocks & 1) << j
    rows, turned = rows_of_states(states, log2_states)
    columns = np.searchsorted(used, rows)
    best = int(_best_word(scores, columns, turned.astype(np.float32), words))
    return best >> np.arange(blocks)[::-1] & 1


def _around_the_seam(blocks: int, log2_states: int) -> np.ndarray:
    window = min(memory(log2_states), 3 * blocks)
    return np.arange(-window, window) % blocks


def _small_ring(scores: np.ndarray, used: np.ndarray, log2_states: int) -> np.ndarray:
    """The bits of a ring whose scores, float32 [K, rows], are all here."""
    blocks = len(scores)
    if blocks <= max(log2_states, _WORD_BITS):
        return _any_word(scores, used, log2_states, np.arange(1 << blocks))
    around = _around_the_seam(blocks, log2_states)
    here = np.arange(blocks)
    states, free_bits = 1 << log2_states, blocks - log2_states
    tries = min(states, _SEAM_UPDATES // (blocks * states))
    if _WORDS >> free_bits >= max(tries, 1):  # all rings through the most promising states
        rank = _seam_rank(scores, around, log2_states)
        seams = np.argsort(rank)[-(_WORDS >> free_bits) :]
        words = seams[:, None] | np.arange(1 << free_bits) << log2_states
        return _any_word(scores, used, log2_states, words.ravel())
    path = _line([(scores, around)], len(around), log2_states)
    likely = [int(path[len(path) // 2 - 1])]
    if tries > 1:
        rank = _seam_rank(scores, around, log2_states)
        likely += [int(seam) for seam in np.argpartition(rank, -tries)[-tries:]]
    best, best_total = path, -np.inf
    for seam in dict.fromkeys(likely):
        path = _line([(scores, here)], blocks, log2_states, seam)
        rows, turned = rows_of_states(path, log2_states)
        total = float((scores[here, rows] * turned).sum())
        if total > best_total:
            best, best_total = path, total
    return best & 1


def _seam_rank(scores: np.ndarray, around: np.ndarray, log2_states: int) -> np.ndarray:
    """The best total of a line, not of a ring, through each state at the middle of `around`."""
    middle, states = len(around) // 2, 1 << log2_states
    past = np.zeros(states, np.float32)
    unused = np.empty((middle, states // 2), np.uint8)
    _advance(scores, around[:middle], past, unused)
    rows, turned = rows_of_states(np.arange(states), log2_states)
    future = np.zeros(states, np.float32)
    for block in around[: middle - 1 : -1]:
        gain = (scores[block, rows] * turned + future).reshape(-1, 2).max(axis=1)
        future = np.concatenate([gain, gain]).astype(np.float32)
    return past + future


def best_bits_numba(scores: Scores, log2_states: int) -> np.ndarray:
    """The bits, int64 [K], of the ring with the highest total score; metrics on the CPU."""
    blocks, tile = scores.blocks, scores.tile_blocks
    if blocks <= tile:
        return _small_ring(scores.of(slice(0, blocks)).cpu().numpy(), scores.rows, log2_states)
    around = _around_the_seam(blocks, log2_states)
    near = scores.of(torch.from_numpy(around)).numpy()
    states = _line([(near, np.arange(len(around)))], len(around), log2_states)
    seam = int(states[len(around) // 2 - 1])
    tiles = (
        (scores.of(slice(start, min(start + tile, blocks))).numpy(), np.arange(tile))
        for start in range(0, blocks, tile)
    )
    cut = ((made, rows[: len(made)]) for made, rows in tiles)
    return _line(cut, blocks, log2_states, seam) & 1


def best_bits_torch(scores: Scores, log2_states: int) -> np.ndarray:
    """Like `best_bits_numba`, with many segments of the ring side by side on the device.

    Each segment has w more blocks on either side, after which it has forgotten that they end.
    """
    blocks, window = scores.blocks, memory(log2_states)
    if blocks < 4 * window:
        return _small_ring(scores.of(slice(0, blocks)).cpu().numpy(), scores.rows, log2_states)
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
    """The best path along each of P lines: int64 [P, T], for blocks `rows` int64 [P, T]."""
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
        if step % _RESCALE == _RESCALE - 1:
            metric -= metric.amax(dim=(1, 2), keepdim=True)
    ends = metric.view(count, -1).argmax(dim=1).tolist()
    host = choices.view(torch.uint8).cpu().numpy()
    states = np.empty(rows.shape, np.int64)
    for segment, end in enumerate(ends):
        _trace(host[:, segment], end, states[segment])
    return states
