"""The PFR coder: send n ~ N(delta, I) as one index per block.

The paper's coder (Free-GVC), with one codebook and one matrix product for all blocks of a step,
and with lengthened targets, so that a truncated search delivers all of delta and not 0.86 of it.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import torch

from freegvc._channel.blocks import block_dims, candidates, dim_order, join, signs, split
from freegvc._channel.counter import Address, Kind
from freegvc._channel.delta import check_delta, kl_bits_of
from freegvc._channel.normals import noise
from freegvc._channel.pfr.index_law import LOG2_CANDIDATES, MAX_AIM_BITS
from freegvc._channel.pfr.plan import Plan, curves, plan, predicted_bits
from freegvc._channel.pfr.search import search_numba, search_torch
from freegvc._channel.pfr.shot import PfrShot


class PfrCoder:
    """Poisson functional representation with a shared codebook.

    Args:
        log2_candidates: the largest log2 N, one of 8, 10, 12, 14, 16. The search costs 2 N D
            flops; 16 costs least (1.26 bits per bit of KL), 12 is 16 times faster (1.34).
        device: where to search and where `n` is returned.
        backend: "torch", or "numba" for a search on the CPU without torch's product.

    Raises:
        ValueError: an argument is not one of these.
    """

    name: ClassVar[str] = "pfr"

    def __init__(
        self,
        log2_candidates: int = 16,
        device: torch.device | str = "cpu",
        backend: str = "torch",
    ) -> None:
        if log2_candidates not in LOG2_CANDIDATES:
            raise ValueError(
                f"log2_candidates is {log2_candidates}; it must be one of {LOG2_CANDIDATES}"
            )
        if backend not in ("torch", "numba"):
            raise ValueError(f'backend is {backend!r}; it must be "torch" or "numba"')
        self.log2_candidates = log2_candidates
        self.device = torch.device(device)
        self.backend = backend

    def encode(self, delta: torch.Tensor, address: Address) -> tuple[PfrShot, torch.Tensor]:
        """Choose the candidates that make n a sample of N(delta, I).

        Args:
            delta: float32 [D], any device.
            address: where in the stream.

        Returns:
            What to send, and n: float32 [D], equal bit for bit to what `decode` gives.

        Raises:
            ValueError: delta is not one-dimensional, is empty, or is not finite.
        """
        delta, energy = check_delta(delta, self.device)
        cut = plan(kl_bits_of(energy), len(delta), self.log2_candidates)
        if cut.blocks:
            return self.encode_blocks(delta, cut, address)
        shot = PfrShot(cut.log2_candidates, 1, np.zeros(0, dtype=np.int64))
        return shot, self.decode(shot, len(delta), address)

    def encode_blocks(
        self, delta: torch.Tensor, cut: Plan, address: Address
    ) -> tuple[PfrShot, torch.Tensor]:
        """Like `encode`, with given numbers of blocks (at least 1) and candidates."""
        order = dim_order(address, len(delta), self.device)
        flips = signs(address, cut.blocks, block_dims(len(delta), cut.blocks), self.device)
        targets = split(delta, order, cut.blocks) * flips
        rho = targets.norm(dim=1).double().cpu().numpy()
        aim = curves()[cut.log2_candidates].aims_for_step(rho)
        factor = np.divide(aim, rho, out=np.ones_like(rho), where=rho > 0)
        targets *= torch.from_numpy(factor).to(targets)[:, None]
        if self.backend == "torch":
            seeds = search_torch(address, targets, cut.log2_candidates)
        else:
            seeds = search_numba(address, targets.cpu().numpy(), cut.log2_candidates)
        aim_bits = kl_bits_of(float(np.mean(aim**2)))
        shot = PfrShot(cut.log2_candidates, min(max(round(aim_bits), 1), MAX_AIM_BITS), seeds)
        return shot, self._deliver(seeds, flips, order, address)

    def decode(self, shot: PfrShot, dims: int, address: Address) -> torch.Tensor:
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
        flips = signs(address, blocks, block_dims(dims, blocks), self.device)
        return self._deliver(shot.seeds, flips, order, address)

    def predicted_bits(self, kl_bits: float) -> float:
        """Expected coded bits of a step of that KL."""
        return predicted_bits(kl_bits, self.log2_candidates)

    def _deliver(
        self, seeds: np.ndarray, flips: torch.Tensor, order: torch.Tensor, address: Address
    ) -> torch.Tensor:
        return join(candidates(address, seeds, flips.shape[1], self.device) * flips, order)
