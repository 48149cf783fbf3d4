"""The PFR coder: send n ~ N(delta, I) as one index per block.

The paper's coder (Free-GVC), with one codebook and one matrix product for all blocks of a step,
and with lengthened targets, so that a truncated search delivers all of delta and not 0.86 of it.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import torch

from freegvc._channel.backend.choice import backend_of
from freegvc._channel.backend.interface import Backend, Dealer
from freegvc._channel.counter import Address, Kind
from freegvc._channel.delta import check_delta, kl_bits_of
from freegvc._channel.normals import noise
from freegvc._channel.pfr.index_law import LOG2_CANDIDATES, MAX_AIM_BITS
from freegvc._channel.pfr.plan import Plan, curves, plan, predicted_bits
from freegvc._channel.pfr.search import best_seeds
from freegvc._channel.pfr.shot import PfrShot


class PfrCoder:
    """Poisson functional representation with a shared codebook.

    Args:
        log2_candidates: the largest log2 N, one of 8, 10, 12, 14, 16. The search costs 2 N D
            flops; 16 costs least (1.26 bits per bit of KL), 12 is 16 times faster (1.34).
        device: where to search and where `n` is returned.
        backend: who does it; by default the device's own.

    Raises:
        ValueError: log2_candidates is not one of these.
    """

    name: ClassVar[str] = "pfr"

    def __init__(
        self,
        log2_candidates: int = 16,
        device: torch.device | str = "cpu",
        backend: Backend | None = None,
    ) -> None:
        if log2_candidates not in LOG2_CANDIDATES:
            raise ValueError(
                f"log2_candidates is {log2_candidates}; it must be one of {LOG2_CANDIDATES}"
            )
        self.log2_candidates = log2_candidates
        self.device = torch.device(device)
        self._backend = backend or backend_of(self.device)

    def encode(
        self, delta: torch.Tensor, address: Address, kl_bits: float | None = None
    ) -> tuple[PfrShot, torch.Tensor]:
        """Choose the candidates that make n a sample of N(delta, I).

        Args:
            delta: float32 [D], any device.
            address: where in the stream.
            kl_bits: its KL, if it is known; this saves waiting for the device.

        Returns:
            What to send, and n: float32 [D], equal bit for bit to what `decode` gives.

        Raises:
            ValueError: delta is not one-dimensional, is empty, or is not finite.
        """
        delta, energy = check_delta(delta, self.device, kl_bits)
        cut = plan(kl_bits_of(energy), len(delta), self.log2_candidates)
        if cut.blocks:
            return self.encode_blocks(delta, cut, address)
        shot = PfrShot(cut.log2_candidates, 1, np.zeros(0, dtype=np.int64))
        return shot, self.decode(shot, len(delta), address)

    def encode_blocks(
        self, delta: torch.Tensor, cut: Plan, address: Address
    ) -> tuple[PfrShot, torch.Tensor]:
        """Like `encode`, with given numbers of blocks (at least 1) and candidates."""
        dealer = self._backend.dealer(address, len(delta))
        targets = dealer.deal(delta, cut.blocks)
        rho = targets.norm(dim=1).double().cpu().numpy()
        aim = curves()[cut.log2_candidates].aims_for_step(rho)
        factor = np.divide(aim, rho, out=np.ones_like(rho), where=rho > 0)
        targets *= torch.from_numpy(factor.astype(np.float32)).to(self.device)[:, None]
        seeds = best_seeds(self._backend, address, targets, cut.log2_candidates)
        aim_bits = kl_bits_of(float(np.mean(aim**2)))
        shot = PfrShot(cut.log2_candidates, min(max(round(aim_bits), 1), MAX_AIM_BITS), seeds)
        return shot, _deliver(seeds, dealer)

    def decode(self, shot: PfrShot, dims: int, address: Address) -> torch.Tensor:
        """Make n from what was sent; only the chosen candidates are made.

        Args:
            shot: from `encode`, or from a packet, whose decoder has checked its limits.
            dims: D.
            address: where in the stream.

        Returns:
            n: float32 [D] on the coder's device.
        """
        if not shot.num_blocks:
            return noise(address, Kind.FREE_NOISE, dims, self.device)
        return _deliver(shot.seeds, self._backend.dealer(address, dims))

    def predicted_bits(self, kl_bits: float) -> float:
        """Expected coded bits of a step of that KL."""
        return predicted_bits(kl_bits, self.log2_candidates)


def _deliver(seeds: np.ndarray, dealer: Dealer) -> torch.Tensor:
    return dealer.deliver(seeds, np.ones(len(seeds), np.float32))
