"""The trellis coder: send n ~ N(delta, I) as one bit per block.

The state of a block is the last m bits sent, around a ring; it names the block's candidate in a
codebook that all blocks share. Viterbi finds the bits whose n has the highest <n, delta>. A block
gains c(m) of it in units of its length, so K = ||delta||^2 / c^2 blocks deliver exactly delta. The
bits are the payload; there is nothing left to entropy code (trellis source coding: Viterbi and
Omura, 1974; Marcellin and Fischer, 1990). `docs/channel-coding.md` has the derivation.
"""

from __future__ import annotations

import math
from collections.abc import Container
from statistics import NormalDist
from typing import ClassVar

import numpy as np
import torch

from freegvc.bitstream.shot import (
    MANTISSA_BITS,
    Shot,
    block_class,
    finer_blocks,
    round_num_blocks,
)
from freegvc.channel.blocks import block_dims, candidates, dim_order, join, signs, split
from freegvc.channel.counter import Address, Kind
from freegvc.channel.normals import noise
from freegvc.channel.plan import MIN_KL_BITS
from freegvc.channel.viterbi import (
    Scores,
    best_bits_numba,
    best_bits_torch,
    normals_to_make,
    rows_of_states,
    states_of_bits,
)

LOG2_STATES = range(8, 17)
# c(m), for m = 8..16, by simulation of long rings
_GAINS = (1.1044, 1.1159, 1.1249, 1.1330, 1.1383, 1.1432, 1.1467, 1.1500, 1.1532)
_MAX_NORMALS = 1 << 30  # of the codebook per search; 1.5 s to make on two cores
_TOLERANCE = 0.008  # of the delivered fraction; the numbers of blocks are 3 % apart
_SHORT_TOLERANCE = 0.1  # over the root of K
_LUCK = 0.5  # what may be hoped for: blocks, over the root of K
_TRIES = ((1 << 29, 8), (1 << 33, 4), (1 << 64, 3))  # searches by their products D 2^m
_MANTISSA_BITS = MANTISSA_BITS["trellis"]
_NORMAL = NormalDist()


class TrellisCoder:
    """Trellis source coding with a shared codebook.

    Args:
        log2_states: m, 8..16. A search costs 2^(m-1) D flops; long steps cost 1.04 bits per bit
            of KL at 16, 1.07 at 12, 1.14 at 8.
        device: where to search and where `n` lives.
        backend: "numba" runs the Viterbi recursion on the CPU, "torch" on the device; by default
            the one that fits the device.

    Raises:
        ValueError: an argument is none of those.
    """

    id: ClassVar[int] = 1
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

    def encode(self, delta: torch.Tensor, address: Address) -> tuple[Shot, torch.Tensor]:
        """Choose the bits that make n a sample of N(delta, I).

        The number of blocks comes from c(m) first. What the search delivers corrects it, as energy
        is never spread evenly. Numbers nearby are tried too, for one may be lucky: a short step
        delivers a few percent more or less than the average.

        Args:
            delta: float32 [D], any device.
            address: where in the stream.

        Returns:
            What to send, and n: float32 [D], equal bit for bit to what `decode` gives. More than
            about 0.9 bits per dim cannot be delivered: there is a block for each dim at most.

        Raises:
            ValueError: delta is not one-dimensional, is empty, or is not finite.
        """
        if delta.ndim != 1 or not len(delta):
            raise ValueError(f"delta has shape {tuple(delta.shape)}; it must be [D] with D >= 1")
        delta = delta.detach().to(self.device, torch.float32)
        energy = float(delta.double().square().sum())
        if not math.isfinite(energy):
            raise ValueError("delta has entries that are not finite, or too large to square")
        if energy / (2 * math.log(2)) < MIN_KL_BITS:
            shot = Shot(self.log2_states, 1, np.zeros(0, dtype=np.int64))
            return shot, self.decode(shot, len(delta), address)
        order = dim_order(address, len(delta), self.device)
        products = len(delta) << self.log2_states - 2
        tries = next(tries for limit, tries in _TRIES if products <= limit)
        fractions: dict[int, float] = {}
        shots: dict[int, Shot] = {}
        wanted = blocks_for(energy, self.log2_states)
        while len(shots) < tries:
            blocks = _next_blocks(wanted, len(delta), shots)
            far = abs(blocks - wanted) > _LUCK * math.sqrt(wanted)
            if blocks in shots or (far and any(_miss(k, f) == 0 for k, f in fractions.items())):
                break
            shots[blocks], score = self._search(delta, blocks, address, order)
            fractions[blocks] = score / energy
            # <n, delta> grows with the root of K
            wanted = float(np.mean([k / max(f, 0.5) ** 2 for k, f in fractions.items()]))
        shot = shots[_best_blocks(fractions)]
        return shot, self._deliver(shot, order, address)

    def encode_blocks(
        self, delta: torch.Tensor, blocks: int, address: Address
    ) -> tuple[Shot, torch.Tensor]:
        """Like `encode`, with the number of blocks (at least 1) given."""
        order = dim_order(address, len(delta), self.device)
        shot, _ = self._search(delta, blocks, address, order)
        return shot, self._deliver(shot, order, address)

    def _search(
        self, delta: torch.Tensor, blocks: int, address: Address, order: torch.Tensor
    ) -> tuple[Shot, float]:
        """The best bits for that number of blocks, and their <n, delta>."""
        width = block_dims(len(delta), blocks)
        log2_states = self.log2_states
        while log2_states > 8 and normals_to_make(blocks, width, log2_states) > _MAX_NORMALS:
            log2_states -= 1
        targets = split(delta, order, blocks)
        targets *= signs(address, blocks, width, self.device)
        scores = Scores(address, targets, log2_states)
        search = best_bits_torch if self.backend == "torch" else best_bits_numba
        shot = Shot(log2_states, 1, search(scores, log2_states))
        chosen = self._candidates(shot, width, address)
        return shot, float(torch.dot(chosen.view(-1), targets.view(-1)))

    def decode(self, shot: Shot, dims: int, address: Address) -> torch.Tensor:
        """Make n from what was sent; only the chosen candidates are generated.

        Args:
            shot: what `encode` gave. The reader of the stream has checked its limits.
            dims: D.
            address: where in the stream.

        Returns:
            n: float32 [D] on the coder's device.
        """
        blocks = len(shot.seeds)
        if not blocks:
            return noise(address, Kind.FREE_NOISE, dims, self.device)
        order = dim_order(address, dims, self.device)
        return self._deliver(shot, order, address)

    def predicted_bits(self, kl_bits: float) -> float:
        """Expected coded bits of a step of that KL, for planning."""
        if kl_bits < MIN_KL_BITS:
            return 0.0
        return blocks_for(2 * math.log(2) * kl_bits, self.log2_states)

    def _candidates(self, shot: Shot, width: int, address: Address) -> torch.Tensor:
        """The candidate of each block, before its signs d_b: float32 [K, n]."""
        log2_states = shot.log2_candidates
        rows, turned = rows_of_states(states_of_bits(shot.seeds, log2_states), log2_states)
        chosen = candidates(address, rows, width, self.device)
        return chosen.mul_(torch.from_numpy(turned).to(chosen)[:, None])

    def _deliver(self, shot: Shot, order: torch.Tensor, address: Address) -> torch.Tensor:
        blocks = len(shot.seeds)
        width = block_dims(len(order), blocks)
        chosen = self._candidates(shot, width, address)
        return join(chosen.mul_(signs(address, blocks, width, self.device)), order)


def delivered_energy(blocks: float, log2_states: int) -> float:
    """||delta||^2 that K blocks of equal energy deliver on average.

    Short rings are as good as 2^K independent candidates, whose best is about the quantile at
    1 - 0.625 / 2^K (Blom, 1958); long ones reach c(m).
    """
    limit = blocks * _GAINS[log2_states - LOG2_STATES.start] ** 2
    if blocks > 64:
        return limit
    best = -_NORMAL.inv_cdf(0.625 / (2.0**blocks + 0.25))
    return min(limit, best**2)


def blocks_for(energy: float, log2_states: int) -> float:
    """K that delivers ||delta||^2: the inverse of `delivered_energy`, at least 1."""
    low, high = 1.0, 4 + 2 * energy
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (
            (middle, high) if delivered_energy(middle, log2_states) < energy else (low, middle)
        )
    return high


def _next_blocks(wanted: float, dims: int, tried: Container[int]) -> int:
    """The number nearest to `wanted` that the stream can say and that was not tried, 1 to D."""
    middle = max(1, min(round(wanted), dims))
    unit = finer_blocks(block_class(round_num_blocks(middle)), _MANTISSA_BITS)[1]
    near = {round_num_blocks(middle + unit * j, _MANTISSA_BITS) for j in range(-8, 9)}
    free = [blocks for blocks in near if 1 <= blocks <= dims and blocks not in tried]
    return min(free, key=lambda blocks: (abs(blocks - wanted), blocks), default=middle)


def _miss(blocks: int, fraction: float) -> float:
    """By how much more than may be tolerated the delivered fraction is not 1."""
    return max(abs(fraction - 1) - max(_TOLERANCE, _SHORT_TOLERANCE / math.sqrt(blocks)), 0.0)


def _best_blocks(fractions: dict[int, float]) -> int:
    """Of the numbers tried, by what they delivered: the cheapest that is close enough."""

    def rank(blocks: int) -> tuple[float, float]:
        fraction = fractions[blocks]
        cost = blocks / fraction**2 if fraction > 0 else math.inf
        return _miss(blocks, fraction), cost

    return min(fractions, key=rank)
