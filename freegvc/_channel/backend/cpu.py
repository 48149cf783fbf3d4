"""The operations on the CPU: numba kernels, split over threads."""

from __future__ import annotations

import threading

import numpy as np
import torch
from torch import Tensor

from freegvc._channel.backend import numba_noise, numba_trellis
from freegvc._channel.backend.interface import Dealer, Lines, TrellisSearch, block_dims
from freegvc._channel.counter import Address, Kind
from freegvc._channel.normal_table import table_float
from freegvc._channel.permutation import parameters
from freegvc._channel.threads import in_threads

CPU = torch.device("cpu")


def permutation(address: Address, dims: int) -> np.ndarray:
    """The whole permutation of range(dims): int32 [dims]."""
    keys, low_bits, high_bits = parameters(address, dims)
    order = np.empty(dims, np.int32)
    in_threads(
        lambda start, stop: numba_noise.fill_permutation(
            keys, low_bits, high_bits, start, stop, order
        ),
        dims,
    )
    return order


class CpuDealer:
    """See `Dealer`; the permutation is made once for all numbers of blocks.

    Args:
        address, dims: of the step.
        device: where delta is given and n returned.
    """

    def __init__(self, address: Address, dims: int, device: torch.device) -> None:
        self._address = address
        self._order = permutation(address, dims)
        self._device = device

    def deal(self, delta: Tensor, blocks: int) -> Tensor:
        """The blocks' targets: float32 [B, n]."""
        width = block_dims(len(delta), blocks)
        targets = np.empty((blocks, width), np.float32)
        here = delta.contiguous().cpu().numpy()
        scalars = self._address.scalars(Kind.SIGNS)
        in_threads(
            lambda start, stop: numba_noise.deal_tiles(
                here, self._order, start, stop, *scalars, targets
            ),
            numba_noise.tiles_of(blocks, width),
        )
        return torch.from_numpy(targets).to(self._device)

    def deliver(self, rows: np.ndarray, turned: np.ndarray) -> Tensor:
        """n: float32 [D]."""
        n = np.empty(len(self._order), np.float32)
        c2, c3, k0, k1 = self._address.scalars(Kind.CODEBOOK)
        signs_c2 = self._address.scalars(Kind.SIGNS)[0]
        table, order = table_float(), self._order
        in_threads(
            lambda start, stop: numba_noise.deliver_tiles(
                table, order, rows, turned, start, stop, c2, signs_c2, c3, k0, k1, n
            ),
            numba_noise.tiles_of(len(rows), block_dims(len(n), len(rows))),
        )
        return torch.from_numpy(n).to(self._device)


class CpuTrellis:
    """See `TrellisSearch`."""

    device = CPU
    side_by_side = False

    def __init__(self, log2_states: int) -> None:
        self._log2_states = log2_states

    def best_paths(self, scores: Tensor, lines: Lines, seams: Tensor) -> tuple[Tensor, Tensor]:
        """The best path along each line."""
        states = np.empty(int(lines.keep.sum()), np.int32)
        totals = np.empty(len(lines), np.float32)
        given = (scores.numpy(), lines.table, lines.kept_before, seams.numpy(), self._log2_states)
        in_threads(
            lambda start, stop: numba_trellis.best_paths(*given, start, stop, states, totals),
            len(lines),
        )
        return torch.from_numpy(states), torch.from_numpy(totals)

    def seam_ranks(self, scores: Tensor, lines: Lines) -> Tensor:
        """The best total through each state in the middle of each line."""
        ranks = np.empty((len(lines), 1 << self._log2_states), np.float32)
        given = (scores.numpy(), lines.table, self._log2_states)
        in_threads(
            lambda start, stop: numba_trellis.seam_ranks(*given, start, stop, ranks), len(lines)
        )
        return torch.from_numpy(ranks)

    def best_word(
        self, scores: Tensor, columns: Tensor, turned: Tensor, words: Tensor
    ) -> tuple[Tensor, Tensor]:
        """The best of these words."""
        parts = (scores.numpy(), columns.numpy(), turned.numpy(), words.numpy())
        found: list[tuple[float, int]] = []
        lock = threading.Lock()

        def search(start: int, stop: int) -> None:
            place, total = numba_trellis.best_word(*parts, start, stop)
            with lock:
                found.append((-total, place))

        in_threads(search, len(words))
        total, best = min(found)
        return words[best : best + 1], torch.tensor([-total], dtype=torch.float32)


class CpuBackend:
    """See `Backend`. On another device than the CPU only matrix products run there.

    Args:
        device: where tensors are expected and returned.
    """

    numbers_at_once = 1

    def __init__(self, device: torch.device = CPU) -> None:
        self.device = device

    def normals(
        self, address: Address, kind: Kind, rows: np.ndarray, dims: int, out: Tensor | None = None
    ) -> Tensor:
        """Rows of normals."""
        rows = np.ascontiguousarray(rows, dtype=np.int64)
        if out is not None and out.device == CPU:
            drawn = out.numpy()
        else:
            drawn = np.empty((len(rows), dims), np.float32)
        scalars = address.scalars(kind)
        in_threads(
            lambda start, stop: numba_noise.fill_normals(
                table_float(), rows, start, stop, dims, *scalars, drawn
            ),
            len(rows),
        )
        if out is None:
            return torch.from_numpy(drawn).to(self.device)
        if out.device != CPU:
            out[: len(rows), :dims] = torch.from_numpy(drawn)
        return out

    def dealer(self, address: Address, dims: int) -> Dealer:
        """The dealer of one step."""
        return CpuDealer(address, dims, self.device)

    def trellis(self, log2_states: int) -> TrellisSearch:
        """The searches with 2^log2_states states."""
        return CpuTrellis(log2_states)
