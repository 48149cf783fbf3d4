"""The trellis coder: send n ~ N(delta, I) as one bit per block.

The state of a block is the last m bits sent, around a ring; it selects the block's candidate in a
codebook that all blocks use. Viterbi's algorithm finds the bits whose n has the highest <n, delta>.
Each block contributes c(m) times the length of its delta, so K = ||delta||^2 / c^2 blocks deliver
exactly delta. The bits are the payload, without entropy coding (trellis source coding: Viterbi and
Omura, 1974; Marcellin and Fischer, 1990). `docs/channel-coding.md` has the derivation.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import ClassVar

import numpy as np
import torch

from freegvc._channel.backend.choice import backend_of
from freegvc._channel.backend.interface import Backend, Dealer, block_dims
from freegvc._channel.counter import Address, Kind
from freegvc._channel.delta import MIN_KL_BITS, check_delta, kl_bits_of
from freegvc._channel.normals import noise
from freegvc._channel.ring import rows_of_states, states_of_bits
from freegvc._channel.trellis.plan import best_blocks, blocks_for, miss, next_blocks
from freegvc._channel.trellis.scores import Scores, normals_to_make, rings_at_once
from freegvc._channel.trellis.search import best_bits
from freegvc._channel.trellis.shot import LOG2_STATES, TrellisShot

_MAX_NORMALS = 1 << 30  # of the codebook per search; 1.5 s to make on two cores
# more states find nothing better in a short ring: 1.07 bits per bit of KL at m = 12, 14 and 16, for
# 0.2, 0.5 and 2 s
_SHORT_RING, _SHORT_RING_STATES = 384, 12
_LUCK = 0.5  # numbers of blocks this near to the wanted one, in roots of K, may also deliver delta
_TRIES = ((1 << 29, 8), (1 << 33, 4), (1 << 64, 3))  # how many searches, by products D 2^(m - 2)


class TrellisCoder:
    """Trellis source coding with a shared codebook.

    Args:
        log2_states: m, 8..16; at most 12 in rings of less than 384 blocks. A search costs 2^(m-1) D
            flops; long steps cost 1.04 bits per bit of KL at 16, 1.07 at 12, 1.14 at 8.
        device: where to search and where `n` is returned.
        backend: who does it; by default the device's own.

    Raises:
        ValueError: log2_states is not one of these.
    """

    name: ClassVar[str] = "trellis"

    def __init__(
        self,
        log2_states: int = 12,
        device: torch.device | str = "cpu",
        backend: Backend | None = None,
    ) -> None:
        if log2_states not in LOG2_STATES:
            raise ValueError(f"log2_states is {log2_states}; it must be in 8..16")
        self.log2_states = log2_states
        self.device = torch.device(device)
        self._backend = backend or backend_of(self.device)

    def encode(
        self, delta: torch.Tensor, address: Address, kl_bits: float | None = None
    ) -> tuple[TrellisShot, torch.Tensor]:
        """Choose the bits that make n a sample of N(delta, I).

        The first number of blocks comes from c(m). It is corrected by what the search delivers,
        since energy is never spread evenly. Numbers nearby are tried too, because a short step
        delivers a few percent more or less than the average. A GPU searches the numbers that are
        likely to be tried all at once; which one is chosen does not depend on it.

        Args:
            delta: float32 [D], any device.
            address: where in the stream.
            kl_bits: its KL, if it is known; this saves waiting for the device.

        Returns:
            What to send, and n: float32 [D], equal bit for bit to what `decode` gives. More than
            about 0.9 bits per dim cannot be delivered: there is at most one block for each dim.

        Raises:
            ValueError: delta is not one-dimensional, is empty, or is not finite.
        """
        delta, energy = check_delta(delta, self.device, kl_bits)
        dims = len(delta)
        if kl_bits_of(energy) < MIN_KL_BITS:
            shot = TrellisShot(self.log2_states, np.zeros(0, dtype=np.int64))
            return shot, self.decode(shot, dims, address)
        dealer = self._backend.dealer(address, dims)
        tries = next(tries for limit, tries in _TRIES if dims << self.log2_states - 2 <= limit)
        fractions: dict[int, float] = {}
        found: dict[int, tuple[TrellisShot, float]] = {}
        wanted = self._first_guess(energy, dims)
        while len(fractions) < tries:
            blocks = next_blocks(wanted, dims, fractions)
            far = abs(blocks - wanted) > _LUCK * math.sqrt(wanted)
            if blocks in fractions or (far and any(miss(k, f) == 0 for k, f in fractions.items())):
                break
            if blocks not in found:
                likely = self._likely(wanted, dims, found)
                found |= self._search(delta, likely, address, dealer)
            fractions[blocks] = found[blocks][1] / energy
            # <n, delta> grows with the root of K
            wanted = float(np.mean([k / max(f, 0.5) ** 2 for k, f in fractions.items()]))
        shot, _ = found[best_blocks(fractions)]
        return shot, self._deliver(shot, dealer)

    def encode_blocks(
        self, delta: torch.Tensor, blocks: int, address: Address
    ) -> tuple[TrellisShot, torch.Tensor]:
        """Like `encode`, with a given number of blocks (at least 1)."""
        dealer = self._backend.dealer(address, len(delta))
        shot, _ = self._search(delta, [blocks], address, dealer)[blocks]
        return shot, self._deliver(shot, dealer)

    def _first_guess(self, energy: float, dims: int) -> float:
        """The number of blocks that delivers delta on average, with the m of its search."""
        wanted = blocks_for(energy, self.log2_states)
        return blocks_for(energy, self._log2_states(dims, max(round(wanted), 1)))

    def _likely(self, wanted: float, dims: int, found: Iterable[int]) -> list[int]:
        """The number of blocks to search next, and those that may be asked for after it."""
        tried, likely = set(found), [next_blocks(wanted, dims, set(found))]
        log2_states = self._log2_states(dims, likely[0])
        room = rings_at_once(likely[0], log2_states, self.device)
        while len(likely) < min(self._backend.numbers_at_once, room):
            blocks = next_blocks(wanted, dims, tried.union(likely))
            if blocks in likely or self._log2_states(dims, blocks) != log2_states:
                break
            likely.append(blocks)
        return likely

    def _search(
        self, delta: torch.Tensor, numbers: list[int], address: Address, dealer: Dealer
    ) -> dict[int, tuple[TrellisShot, float]]:
        """The best bits with each of these numbers of blocks, and their <n, delta>."""
        log2_states = self._log2_states(len(delta), numbers[0])
        scores = [
            Scores(self._backend, address, dealer.deal(delta, blocks), log2_states)
            for blocks in numbers
        ]
        found = best_bits(self._backend.trellis(log2_states), scores, log2_states)
        return {
            blocks: (TrellisShot(log2_states, best.bits), best.total)
            for blocks, best in zip(numbers, found, strict=True)
        }

    def _log2_states(self, dims: int, blocks: int) -> int:
        """m, or less for a short ring, or if the codebook of long blocks takes too long to make."""
        log2_states, width = self.log2_states, block_dims(dims, blocks)
        if blocks < _SHORT_RING:
            log2_states = min(log2_states, _SHORT_RING_STATES)
        while log2_states > 8 and normals_to_make(blocks, width, log2_states) > _MAX_NORMALS:
            log2_states -= 1
        return log2_states

    def decode(self, shot: TrellisShot, dims: int, address: Address) -> torch.Tensor:
        """Make n from what was sent; only the chosen candidates are made.

        Args:
            shot: from `encode`, or from a packet, whose decoder has checked its limits.
            dims: D.
            address: where in the stream.

        Returns:
            n: float32 [D] on the coder's device.
        """
        blocks = shot.num_blocks
        if not blocks:
            return noise(address, Kind.FREE_NOISE, dims, self.device)
        return self._deliver(shot, self._backend.dealer(address, dims))

    def predicted_bits(self, kl_bits: float) -> float:
        """Expected coded bits of a step of that KL."""
        if kl_bits < MIN_KL_BITS:
            return 0.0
        return blocks_for(2 * math.log(2) * kl_bits, self.log2_states)

    def _deliver(self, shot: TrellisShot, dealer: Dealer) -> torch.Tensor:
        log2_states = shot.log2_states
        rows, turned = rows_of_states(states_of_bits(shot.bits, log2_states), log2_states)
        return dealer.deliver(rows, turned.astype(np.float32))
