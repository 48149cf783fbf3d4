"""The scores of a step: the product of the codebook and the blocks' targets, in tiles.

A tile is dropped after its use, so memory is bounded for any D, K and m.
"""

from __future__ import annotations

import numpy as np
import torch

from freegvc._channel.backend.interface import Backend
from freegvc._channel.counter import Address, Kind
from freegvc._channel.ring import memory, rows_in_use

TILE_FLOATS = 1 << 24  # 64 MB, for a tile of scores and for a tile of the codebook
_KEPT_FLOATS = 24 << 20  # a codebook of up to 100 MB is made once and kept
_DEVICE_TILE_FLOATS = 1 << 26  # 256 MB, on an accelerator


def _tile_floats(device: torch.device) -> int:
    """How many floats a tile may have."""
    return TILE_FLOATS if device.type == "cpu" else _DEVICE_TILE_FLOATS


def rings_at_once(blocks: int, log2_states: int, device: torch.device) -> int:
    """How many rings of about K blocks fit into one tile, at least 1."""
    return max(1, _tile_floats(device) // (blocks << log2_states - 2))


def _tile_blocks(blocks: int, log2_states: int, floats: int) -> int:
    rows_bits = min(log2_states - 2, blocks)
    return min(blocks, max(floats >> rows_bits, 2 * memory(log2_states)))


def normals_to_make(blocks: int, width: int, log2_states: int) -> int:
    """How many normals a search on the CPU makes.

    Args:
        blocks: K.
        width: n, the dims of a block.
        log2_states: m.
    """
    codebook = width << min(log2_states - 2, blocks)
    if codebook <= _KEPT_FLOATS:
        return codebook
    return codebook * -(-blocks // _tile_blocks(blocks, log2_states, TILE_FLOATS))


class Scores:
    """<C_r, target_b> of all rows r, for any blocks b.

    Args:
        backend: makes the codebook.
        address: where in the stream.
        targets: float32 [K, n], rows d_b * delta_b, on the backend's device.
        log2_states: m.

    Attributes:
        blocks: K.
        rows: the rows of the codebook that have a score, int64.
        tile_blocks: how many blocks to ask for at once.
    """

    def __init__(
        self, backend: Backend, address: Address, targets: torch.Tensor, log2_states: int
    ) -> None:
        self._backend = backend
        self._address = address
        self._targets = targets
        self.blocks, self._width = targets.shape
        self.rows = rows_in_use(self.blocks, log2_states)
        self._is_cpu = targets.device.type == "cpu"
        floats = _tile_floats(targets.device)
        self.tile_blocks = _tile_blocks(self.blocks, log2_states, floats)
        whole = len(self.rows) * self._width <= (_KEPT_FLOATS if self._is_cpu else floats)
        self._tile_rows = max(1, min(len(self.rows), floats // self._width))
        self._codebook = self._candidates(self.rows) if whole else None
        self._out = targets.new_empty(0)

    def _candidates(self, rows: np.ndarray, out: torch.Tensor | None = None) -> torch.Tensor:
        return self._backend.normals(self._address, Kind.CODEBOOK, rows, self._width, out)

    def of(self, blocks: slice | torch.Tensor) -> torch.Tensor:
        """The scores of some blocks: float32 [len(blocks), rows], valid until the next call."""
        targets = self._targets[blocks]
        if len(self._out) < len(targets):
            self._out = targets.new_empty(0)  # release the old one before the allocation
            self._out = targets.new_empty(len(targets), len(self.rows))
        return self._fill(targets, self._out[: len(targets)])

    def empty(self, blocks: int, columns: int) -> torch.Tensor:
        """Room for scores: float32 [blocks, columns] on the device of the targets."""
        return self._targets.new_empty(blocks, columns)

    def all_into(self, out: torch.Tensor) -> None:
        """Fill float32 [K, rows] with the scores of all blocks."""
        self._fill(self._targets, out)

    def _fill(self, targets: torch.Tensor, out: torch.Tensor) -> torch.Tensor:
        if self._codebook is not None:
            return torch.mm(targets, self._codebook.t(), out=out)
        room = targets.new_empty(self._tile_rows, self._width)
        for start in range(0, len(self.rows), self._tile_rows):
            rows = self.rows[start : start + self._tile_rows]
            tile = self._candidates(rows, room[: len(rows)])
            out[:, start : start + len(rows)] = targets @ tile.t()
        return out
