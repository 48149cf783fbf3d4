"""The operations on a CUDA device: Triton kernels, none of which waits for another thread."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from itertools import pairwise

import numpy as np
import torch
import triton
from torch import Tensor

from freegvc._channel.backend import triton_noise, triton_trellis
from freegvc._channel.backend.cpu import CpuTrellis
from freegvc._channel.backend.interface import Dealer, Lines, TrellisSearch, block_dims
from freegvc._channel.counter import Address, Kind
from freegvc._channel.normal_table import table_float
from freegvc._channel.permutation import parameters
from freegvc._channel.ring import RESCALE

MAX_LOG2_STATES = 14  # 64 KB of totals; those of 2^16 states do not fit into a multiprocessor
_CHOICE_BYTES = 1 << 28  # for the decisions of the lines that are searched at once
_PLACES = 1024  # of a program that deals or delivers
_GROUPS = 128  # of eight normals, of a program
_WORDS = 256  # of a program


def _signed(word: int) -> int:
    """The int32 with the bits of a 32-bit word."""
    return word - (1 << 32) if word >> 31 else word


def _scalars(address: Address, kind: Kind) -> list[int]:
    return [_signed(word) for word in address.scalars(kind)]


class CudaDealer:
    """See `Dealer`; each kernel computes the permutation again."""

    def __init__(self, backend: CudaBackend, address: Address, dims: int) -> None:
        self._backend = backend
        self._address = address
        self._dims = dims
        keys, low_bits, high_bits = parameters(address, dims)
        self._network = [*map(_signed, keys), low_bits, high_bits]
        self._grid = (triton.cdiv(dims, _PLACES),)

    def deal(self, delta: Tensor, blocks: int) -> Tensor:
        """The blocks' targets: float32 [B, n]."""
        width = block_dims(self._dims, blocks)
        targets = torch.zeros(blocks, width, device=self._backend.device)
        with self._backend.current():
            triton_noise.deal[self._grid](
                delta.contiguous(), targets, self._dims, blocks, width,
                *_scalars(self._address, Kind.SIGNS), *self._network, PLACES=_PLACES,
            )  # fmt: skip
        return targets

    def deliver(self, rows: np.ndarray, turned: np.ndarray) -> Tensor:
        """n: float32 [D]."""
        device = self._backend.device
        n = torch.empty(self._dims, device=device)
        signs_c2 = _scalars(self._address, Kind.SIGNS)[0]
        with self._backend.current():
            triton_noise.deliver[self._grid](
                self._backend.table, _there(rows.astype(np.int64), device),
                _there(turned.astype(np.float32), device), n, self._dims, len(rows), signs_c2,
                *_scalars(self._address, Kind.CODEBOOK), *self._network, PLACES=_PLACES,
            )  # fmt: skip
        return n


def _there(array: np.ndarray, device: torch.device) -> Tensor:
    """A copy of a small array on the device; nothing waits for it."""
    return torch.from_numpy(array).to(device, non_blocking=True)


class CudaTrellis:
    """See `TrellisSearch`."""

    side_by_side = True

    def __init__(self, backend: CudaBackend, log2_states: int) -> None:
        self._backend = backend
        self.device = backend.device
        self._log2_states = log2_states
        self._half = 1 << log2_states - 1
        self._warps = min(max(self._half >> 8, 4), 16)

    def best_paths(self, scores: Tensor, lines: Lines, seams: Tensor) -> tuple[Tensor, Tensor]:
        """The best path along each line."""
        states = torch.empty(int(lines.keep.sum()), dtype=torch.int32, device=self.device)
        totals = torch.empty(len(lines), device=self.device)
        groups = _groups(lines.length, _CHOICE_BYTES // self._half)
        table = self._table(lines, groups)
        room = max(int(lines.length[start:stop].sum()) for start, stop in groups)
        choices = torch.empty(room, self._half, dtype=torch.int8, device=self.device)
        with self._backend.current():
            for start, stop in groups:
                triton_trellis.best_paths[(stop - start,)](
                    scores, table, seams, choices, states, totals, start,
                    LOG2_STATES=self._log2_states, RESCALE=RESCALE, num_warps=self._warps,
                )  # fmt: skip
        return states, totals

    def seam_ranks(self, scores: Tensor, lines: Lines) -> Tensor:
        """The best total through each state in the middle of each line."""
        parts = torch.empty(2, len(lines), 2 * self._half, device=self.device)
        with self._backend.current():
            triton_trellis.seam_ranks[(len(lines), 2)](
                scores, self._table(lines, [(0, len(lines))]), parts,
                LOG2_STATES=self._log2_states, RESCALE=RESCALE, num_warps=self._warps,
            )  # fmt: skip
        return parts.sum(dim=0)

    def best_word(
        self, scores: Tensor, columns: Tensor, turned: Tensor, words: Tensor
    ) -> tuple[Tensor, Tensor]:
        """The best of these words."""
        totals = torch.empty(len(words), device=self.device)
        with self._backend.current():
            triton_trellis.word_totals[(triton.cdiv(len(words), _WORDS),)](
                scores, columns, turned, words, totals, *scores.shape, len(columns), len(words),
                WORDS=_WORDS,
            )  # fmt: skip
        total = totals.max(dim=0, keepdim=True).values
        places = torch.arange(len(words), device=self.device)
        first = torch.where(totals == total, places, len(words)).min(dim=0, keepdim=True).values
        return words.index_select(0, first), total

    def _table(self, lines: Lines, groups: list[tuple[int, int]]) -> Tensor:
        """The lines as the kernels read them: int64 [P, 8]."""
        before = [np.cumsum(part) - part for part in (lines.length[a:b] for a, b in groups)]
        columns = np.vstack([lines.table, np.concatenate(before), lines.kept_before])
        return _there(np.ascontiguousarray(columns.T), self.device)


def _groups(lengths: np.ndarray, room: int) -> list[tuple[int, int]]:
    """Ranges of lines that have at most `room` blocks together, or are one line."""
    bounds, blocks = [0], 0
    for line, length in enumerate(lengths.tolist()):
        if blocks + length > room and line > bounds[-1]:
            bounds.append(line)
            blocks = 0
        blocks += length
    return list(pairwise([*bounds, len(lengths)]))


class CudaBackend:
    """See `Backend`."""

    numbers_at_once = 6

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.table = torch.tensor(table_float(), device=device)

    def current(self) -> AbstractContextManager[object]:
        """Makes the device the one that kernels are launched on; the interpreter needs none."""
        return torch.cuda.device(self.device) if self.device.type == "cuda" else nullcontext()

    def normals(
        self, address: Address, kind: Kind, rows: np.ndarray, dims: int, out: Tensor | None = None
    ) -> Tensor:
        """Rows of normals."""
        if out is None:
            out = torch.empty(len(rows), dims, device=self.device)
        groups = triton.cdiv(triton.cdiv(dims, 8), _GROUPS)
        with self.current():
            triton_noise.fill_normals[(len(rows), groups)](
                self.table, _there(np.asarray(rows, np.int64), self.device), out, dims,
                out.stride(0), *_scalars(address, kind), GROUPS=_GROUPS,
            )  # fmt: skip
        return out

    def dealer(self, address: Address, dims: int) -> Dealer:
        """The dealer of one step."""
        return CudaDealer(self, address, dims)

    def trellis(self, log2_states: int) -> TrellisSearch:
        """The searches with 2^log2_states states; on the CPU if they are too many for a kernel."""
        if log2_states > MAX_LOG2_STATES:
            return CpuTrellis(log2_states)
        return CudaTrellis(self, log2_states)
