"""The trellis coder: send n ~ N(delta, I) as one bit per block.

The state of a block is the last m bits sent, around a ring; it selects the block's candidate in a
codebook that all blocks use. Viterbi's algorithm finds the bits whose n has the highest <n, delta>.
Each block contributes c(m) times the length of its delta, so K = ||delta||^2 / c^2 blocks deliver
exactly delta. The bits are the payload, without entropy coding (trellis source coding: Viterbi and
Omura, 1974; Marcellin and Fischer, 1990). `docs/channel-coding.md` has the derivation.
"""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np
import torch

from freegvc._channel.blocks import block_dims, candidates, dim_order, join, signs, split
from freegvc._channel.counter import Address, Kind
from freegvc._channel.delta import MIN_KL_BITS, check_delta, kl_bits_of
from freegvc._channel.normals import noise
from freegvc._channel.trellis.plan import best_blocks, blocks_for, miss, next_blocks
from freegvc._channel.trellis.ring import rows_of_states, states_of_bits
from freegvc._channel.trellis.scores import Scores, normals_to_make
from freegvc._channel.trellis.search import best_bits_numba, best_bits_torch
from freegvc._channel.trellis.shot import LOG2_STATES, TrellisShot

_MAX_NORMALS = 1 << 30  # of the codebook per search; 1.5 s to make on two cores
_LUCK = 0.5  # numbers of blocks this near to the wanted one, in roots of K, may also deliver delta
_TRIES = ((1 << 29, 8), (1 << 33, 4), (1 << 64, 3))  # how many searches, by products D 2^(m - 2)


class TrellisCoder:
    """Trellis source coding with a shared codebook.

    Args:
        log2_states: m, 8..16. A search costs 2^(m-1) D flops; long steps cost 1.04 bits per bit
            of KL at 16, 1.07 at 12, 1.14 at 8.
        device: where to search and where `n` is returned.
        backend: "numba" runs the Viterbi recursion on the CPU, "torch" on the device; by default
            numba for the CPU and torch for any other device.

    Raises:
        ValueError: an argument is not one of these.
    """

    name: ClassVar[str] = "trellis"

    def __init__(
        self,
        log2_states: int = 12,
        device: torch.device | str = "cpu",
        backend: str | None = None,
    ) -> None:
        if log2_states not in LOG2_STATES:
            raise ValueError(f"log2_states is {log2_states}; it must be in 8..16")
        if backend not in (None, "torch", "numba"):
            raise ValueError(f'backend is {backend!r}; it must be "torch" or "numba"')
        self.log2_states = log2_states
        self.device = torch.device(device)
        self.backend = backend or ("numba" if self.device.type == "cpu" else "torch")

    def encode(self, delta: torch.Tensor, address: Address) -> tuple[TrellisShot, torch.Tensor]:
        """Choose the bits that make n a sample of N(delta, I).

        The first number of blocks comes from c(m). It is corrected by what the search delivers,
        since energy is never spread evenly. Numbers nearby are tried too, because a short step
        delivers a few percent more or less than the average.

        Args:
            delta: float32 [D], any device.
            address: where in the stream.

        Returns:
            What to send, and n: float32 [D], equal bit for bit to what `decode` gives. More than
            about 0.9 bits per dim cannot be delivered: there is at most one block for each dim.

        Raises:
            ValueError: delta is not one-dimensional, is empty, or is not finite.
        """
        delta, energy = check_delta(delta, self.device)
        if kl_bits_of(energy) < MIN_KL_BITS:
            shot = TrellisShot(self.log2_states, np.zeros(0, dtype=np.int64))
            return shot, self.decode(shot, len(delta), address)
        order = dim_order(address, len(delta), self.device)
        products = len(delta) << self.log2_states - 2
        tries = next(tries for limit, tries in _TRIES if products <= limit)
        fractions: dict[int, float] = {}
        shots: dict[int, TrellisShot] = {}
        wanted = blocks_for(energy, self.log2_states)
        while len(shots) < tries:
            blocks = next_blocks(wanted, len(delta), shots)
            far = abs(blocks - wanted) > _LUCK * math.sqrt(wanted)
            if blocks in shots or (far and any(miss(k, f) == 0 for k, f in fractions.items())):
                break
            shots[blocks], score = self._search(delta, blocks, address, order)
            fractions[blocks] = score / energy
            # <n, delta> grows with the root of K
            wanted = float(np.mean([k / max(f, 0.5) ** 2 for k, f in fractions.items()]))
        shot = shots[best_blocks(fractions)]
        return shot, self._deliver(shot, order, address)

    def encode_blocks(
        self, delta: torch.Tensor, blocks: int, address: Address
    ) -> tuple[TrellisShot, torch.Tensor]:
        """Like `encode`, with a given number of blocks (at least 1)."""
        order = dim_order(address, len(delta), self.device)
        shot, _ = self._search(delta, blocks, address, order)
        return shot, self._deliver(shot, order, address)

    def _search(
        self, delta: torch.Tensor, blocks: int, address: Address, order: torch.Tensor
    ) -> tuple[TrellisShot, float]:
        """The best bits with that number of blocks, and their <n, delta>."""
        width = block_dims(len(delta), blocks)
        log2_states = self.log2_states
        while log2_states > 8 and normals_to_make(blocks, width, log2_states) > _MAX_NORMALS:
            log2_states -= 1
        targets = split(delta, order, blocks)
        targets *= signs(address, blocks, width, self.device)
        scores = Scores(address, targets, log2_states)
        search = best_bits_torch if self.backend == "torch" else best_bits_numba
        shot = TrellisShot(log2_states, search(scores, log2_states))
        chosen = self._candidates(shot, width, address)
        return shot, float(torch.dot(chosen.view(-1), targets.view(-1)))

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
        order = dim_order(address, dims, self.device)
        return self._deliver(shot, order, address)

    def predicted_bits(self, kl_bits: float) -> float:
        """Expected coded bits of a step of that KL."""
        if kl_bits < MIN_KL_BITS:
            return 0.0
        return blocks_for(2 * math.log(2) * kl_bits, self.log2_states)

    def _candidates(self, shot: TrellisShot, width: int, address: Address) -> torch.Tensor:
        """The candidate of each block, before its signs d_b: float32 [K, n]."""
        log2_states = shot.log2_states
        rows, turned = rows_of_states(states_of_bits(shot.bits, log2_states), log2_states)
        chosen = candidates(address, rows, width, self.device)
        return chosen.mul_(torch.from_numpy(turned).to(chosen)[:, None])

    def _deliver(self, shot: TrellisShot, order: torch.Tensor, address: Address) -> torch.Tensor:
        blocks = shot.num_blocks
        width = block_dims(len(order), blocks)
        chosen = self._candidates(shot, width, address)
        return join(chosen.mul_(signs(address, blocks, width, self.device)), order)
