"""What every backend does, and what it is given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from freegvc._channel.counter import Address, Kind


def block_dims(dims: int, blocks: int) -> int:
    """n = ceil(D / B), the dims of a block."""
    return -(-dims // blocks)


class Dealer(Protocol):
    """Deals the dims of one step to blocks of equal energy, and back.

    The permuted dims go to the B blocks in turn, so that block sizes differ by at most one; a zero
    pads the smaller blocks. Each block has its own random signs d_b, so that all blocks can use one
    codebook: <d_b * C_i, delta_b> = <C_i, d_b * delta_b>.
    """

    def deal(self, delta: Tensor, blocks: int) -> Tensor:
        """The blocks' targets d_b * delta_b.

        Args:
            delta: float32 [D] on the backend's device.
            blocks: B; block b gets the permuted dims b, b + B, b + 2 B, ...

        Returns:
            float32 [B, ceil(D / B)] on the backend's device.
        """

    def deliver(self, rows: np.ndarray, turned: np.ndarray) -> Tensor:
        """What was sent: each block's row of the codebook, with its signs, back in its dims.

        Args:
            rows: int64 [B], the row that each block chose.
            turned: float32 [B], -1 or 1: the sign of the whole row.

        Returns:
            n: float32 [D] on the backend's device.
        """


@dataclass(frozen=True, slots=True)
class Lines:
    """P lines of consecutive blocks, each a stretch of a ring; all int64 [P].

    Attributes:
        top: the row of the scores that holds block 0 of the line's ring.
        ring: K, how many blocks the ring has.
        first: the block that the line begins with, modulo K.
        length: T, how many blocks the line has; it may go around the ring several times.
        keep_from: the blocks of the line before this one are not wanted,
        keep: nor are those after this many.
    """

    top: np.ndarray
    ring: np.ndarray
    first: np.ndarray
    length: np.ndarray
    keep_from: np.ndarray
    keep: np.ndarray

    @staticmethod
    def of(rows: list[tuple[int, int, int, int, int, int]]) -> Lines:
        """Lines from a tuple of attributes for each."""
        return Lines(*np.array(rows, np.int64).reshape(-1, 6).T.copy())

    def __len__(self) -> int:
        return len(self.top)

    @property
    def table(self) -> np.ndarray:
        """All attributes, in their order: int64 [6, P]."""
        return np.stack([self.top, self.ring, self.first, self.length, self.keep_from, self.keep])

    @property
    def kept_before(self) -> np.ndarray:
        """How many states the lines before each line keep: int64 [P]."""
        return np.asarray(np.cumsum(self.keep) - self.keep)


class TrellisSearch(Protocol):
    """Searches of the trellis with 2^m states over given scores.

    `scores` is float32 [any, 2^(m - 2)]; a state's score is that of its row with its sign (see
    `rows_of_states`). All tensors are on `device`.

    Attributes:
        device: where scores are expected and results returned.
        side_by_side: whether many lines take no longer than one.
    """

    device: torch.device
    side_by_side: bool

    def best_paths(self, scores: Tensor, lines: Lines, seams: Tensor) -> tuple[Tensor, Tensor]:
        """The path with the highest total score along each line.

        Args:
            scores: of all blocks of all rings.
            lines: P lines.
            seams: int32 [P], the state before the first block and after the last; -1 for any.

        Returns:
            The states of the kept blocks of all lines, one after the other, int32 [sum of keep];
            and the total score of the kept blocks of each line, float32 [P].
        """

    def seam_ranks(self, scores: Tensor, lines: Lines) -> Tensor:
        """The best total of a path through each state at a seam.

        Args:
            scores: of all blocks of all rings.
            lines: P lines around the seams, which are in their middle.

        Returns:
            float32 [P, 2^m], up to a constant for each line.
        """

    def best_word(
        self, scores: Tensor, columns: Tensor, turned: Tensor, words: Tensor
    ) -> tuple[Tensor, Tensor]:
        """The word of bits whose ring has the highest total score; the first one if two are equal.

        Args:
            scores: float32 [K, any], of one ring, K <= 62.
            columns: int64 [2^j], the column of the scores for each state, by its last j bits.
            turned: float32 [2^j], the sign of each state.
            words: int64 [W], K bits each; the lowest bit of a word is sent last.

        Returns:
            The word, int64 [1], and its total, float32 [1].
        """


class Backend(Protocol):
    """The heavy operations on one device.

    Attributes:
        device: where tensors are expected and returned.
        numbers_at_once: how many numbers of blocks are searched at once.
    """

    device: torch.device
    numbers_at_once: int

    def normals(
        self, address: Address, kind: Kind, rows: np.ndarray, dims: int, out: Tensor | None = None
    ) -> Tensor:
        """Rows of standard normals.

        One Philox call gives eight consecutive normals: low 16 bits first, then high, word 0 to
        word 3.

        Args:
            address: where in the stream.
            kind: what the normals are for.
            rows: int64 [R], row numbers in [0, 2^32).
            dims: normals per row.
            out: float32 [>= R, >= dims] to fill; entries outside [R, dims] are not changed.

        Returns:
            float32 [R, dims] on the device, or `out` when it was given.
        """

    def dealer(self, address: Address, dims: int) -> Dealer:
        """The dealer of one step of D dims."""

    def trellis(self, log2_states: int) -> TrellisSearch:
        """The searches with 2^log2_states states."""
