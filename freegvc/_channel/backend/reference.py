"""The operations in plain NumPy: slow, what the other backends must match bit for bit."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from freegvc._channel.backend.interface import Dealer, Lines, TrellisSearch, block_dims
from freegvc._channel.counter import Address, Kind, words
from freegvc._channel.normal_table import table_float
from freegvc._channel.permutation import permute
from freegvc._channel.ring import RESCALE, rows_of_states


def normals_numpy(address: Address, kind: Kind, rows: np.ndarray, dims: int) -> np.ndarray:
    """Rows of normals: float32 [len(rows), dims]."""
    positions = np.arange((dims + 7) // 8, dtype=np.int64)
    parts = words(address, kind, rows[:, None], positions[None, :])
    u = np.stack([half for w in parts for half in (w & 0xFFFF, w >> 16)], axis=-1)
    drawn: np.ndarray = table_float()[u.reshape(len(rows), -1)[:, :dims]]
    return drawn


def block_signs(address: Address, blocks: int, width: int) -> np.ndarray:
    """d_b: float32 [blocks, width] of -1 and 1; word 0 to word 3, lowest bit first; 1 is -1."""
    position = np.arange(-(-width // 128), dtype=np.int64)[None, :]
    rows = np.arange(blocks, dtype=np.int64)[:, None]
    drawn = np.stack(words(address, Kind.SIGNS, rows, position), axis=-1)
    bits = (drawn[..., None] >> np.arange(32)) & 1
    return (1 - 2 * bits).reshape(blocks, -1)[:, :width].astype(np.float32)


class ReferenceDealer:
    """See `Dealer`."""

    def __init__(self, address: Address, dims: int) -> None:
        self._address = address
        self.order = permute(address, dims, np.arange(dims))

    def deal(self, delta: Tensor, blocks: int) -> Tensor:
        """The blocks' targets: float32 [B, n]."""
        dealt = np.zeros((block_dims(len(delta), blocks), blocks), np.float32)
        dealt.ravel()[: len(delta)] = delta.numpy()[self.order]
        return torch.from_numpy(dealt.T * block_signs(self._address, *dealt.T.shape))

    def deliver(self, rows: np.ndarray, turned: np.ndarray) -> Tensor:
        """n: float32 [D]."""
        blocks, dims = len(rows), len(self.order)
        width = block_dims(dims, blocks)
        chosen = normals_numpy(self._address, Kind.CODEBOOK, rows, width)
        sent = chosen * turned[:, None].astype(np.float32)
        sent *= block_signs(self._address, blocks, width)
        n = np.empty(dims, np.float32)
        n[self.order] = sent.T.ravel()[:dims]
        return torch.from_numpy(n)


class ReferenceTrellis:
    """See `TrellisSearch`."""

    device = torch.device("cpu")
    side_by_side = True

    def __init__(self, log2_states: int) -> None:
        states = np.arange(1 << log2_states)
        self._half = len(states) // 2
        self._low, self._high = states >> 1, states >> 1 | self._half  # the two predecessors
        self._columns, turned = rows_of_states(states, log2_states)
        self._turned = turned.astype(np.float32)

    def _line(self, scores: Tensor, lines: Lines, p: int) -> np.ndarray:
        """The scores of all states along line p: float32 [T, 2^m]."""
        blocks = (lines.first[p] + np.arange(lines.length[p])) % lines.ring[p]
        line: np.ndarray = scores.numpy()[lines.top[p] + blocks][:, self._columns] * self._turned
        return line

    def _forward(self, line: np.ndarray, total: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The totals that end in each state, and which predecessor each block of them had."""
        before = np.empty(line.shape, np.int64)
        for t, score in enumerate(line):
            low, high = total[self._low], total[self._high]
            before[t] = np.where(high > low, self._high, self._low)
            total = np.maximum(low, high) + score
            if t % RESCALE == RESCALE - 1:
                total = total - total.max()
        return total, before

    def best_paths(self, scores: Tensor, lines: Lines, seams: Tensor) -> tuple[Tensor, Tensor]:
        """The best path along each line."""
        kept, totals = [], np.zeros(len(lines), np.float32)
        for p, seam in enumerate(seams.tolist()):
            line = self._line(scores, lines, p)
            start = np.zeros(2 * self._half, np.float32)
            if seam >= 0:
                start[:] = -np.inf
                start[seam] = 0
            total, before = self._forward(line, start)
            state = seam if seam >= 0 else int(total.argmax())
            states = np.empty(len(line), np.int32)
            wanted = slice(lines.keep_from[p], lines.keep_from[p] + lines.keep[p])
            for t in range(len(line) - 1, -1, -1):
                states[t] = state
                if wanted.start <= t < wanted.stop:
                    totals[p] += line[t, state]
                state = before[t, state]
            kept.append(states[wanted])
        return torch.from_numpy(np.concatenate(kept)), torch.from_numpy(totals)

    def seam_ranks(self, scores: Tensor, lines: Lines) -> Tensor:
        """The best total through each state in the middle of each line."""
        ranks = np.empty((len(lines), 2 * self._half), np.float32)
        for p in range(len(lines)):
            line = self._line(scores, lines, p)
            middle = len(line) // 2
            ranks[p], _ = self._forward(line[:middle], np.zeros(2 * self._half, np.float32))
            future = np.zeros(2 * self._half, np.float32)
            for score in line[: -middle - 1 : -1]:
                gain = (score + future).reshape(-1, 2).max(axis=1)  # over the two successors
                future = np.concatenate([gain, gain])
            ranks[p] += future
        return torch.from_numpy(ranks)

    def best_word(
        self, scores: Tensor, columns: Tensor, turned: Tensor, words: Tensor
    ) -> tuple[Tensor, Tensor]:
        """The best of these words."""
        blocks, now = len(scores), words.numpy()
        totals = np.zeros(len(now), np.float32)
        for score in scores.numpy():
            now = (now << 1 | now >> (blocks - 1)) & ((1 << blocks) - 1)
            state = now & (len(columns) - 1)
            totals += score[columns.numpy()[state]] * turned.numpy()[state]
        best = int(totals.argmax())
        return words[best : best + 1], torch.from_numpy(totals[best : best + 1])


class ReferenceBackend:
    """See `Backend`."""

    device = torch.device("cpu")
    numbers_at_once = 1

    def normals(
        self, address: Address, kind: Kind, rows: np.ndarray, dims: int, out: Tensor | None = None
    ) -> Tensor:
        """Rows of normals."""
        drawn = torch.from_numpy(normals_numpy(address, kind, rows, dims))
        if out is None:
            return drawn
        out[: len(rows), :dims] = drawn
        return out

    def dealer(self, address: Address, dims: int) -> Dealer:
        """The dealer of one step."""
        return ReferenceDealer(address, dims)

    def trellis(self, log2_states: int) -> TrellisSearch:
        """The searches with 2^log2_states states."""
        return ReferenceTrellis(log2_states)
