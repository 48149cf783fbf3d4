"""The coders in a few lines of plain NumPy: slow, a reference that the fast code must match."""

from __future__ import annotations

import numpy as np
import torch

from freegvc._channel.backend.reference import ReferenceDealer, normals_numpy
from freegvc._channel.counter import Address, Kind
from freegvc._channel.pfr.search import arrival_times, process_of_block


def encode(
    delta: np.ndarray, blocks: int, log2_candidates: int, factors: np.ndarray, address: Address
) -> np.ndarray:
    """Seeds int64 [B] of PFR for delta float32 [D], its blocks lengthened by factors [B]."""
    target = _targets(delta, blocks, address) * factors[:, None].astype(np.float32)
    candidates = np.arange(1 << log2_candidates)
    codebook = normals_numpy(address, Kind.CODEBOOK, candidates, target.shape[1])
    times = [arrival_times(address, p, len(candidates)) for p in process_of_block(blocks)]
    return np.asarray(np.argmin(np.log(times).T - codebook @ target.T, axis=0))


def trellis_encode(delta: np.ndarray, blocks: int, m: int, address: Address) -> np.ndarray:
    """Bits int64 [K] of the trellis, K > m: from each start state, the best way back to it."""
    targets, states = _targets(delta, blocks, address), np.arange(1 << m)
    width = targets.shape[1]
    rows = normals_numpy(address, Kind.CODEBOOK, states >> 1 & (1 << m - 2) - 1, width)
    scores = targets @ rows.T * np.where((states ^ states >> m - 1) & 1, -1, 1)
    total = np.where(np.eye(len(states), dtype=bool), 0, -np.inf)  # [start, state]
    before = []
    for score in scores:
        low, high = states >> 1, states >> 1 | 1 << m - 1
        before.append(np.where(total[:, high] > total[:, low], high, low))
        total = np.maximum(total[:, low], total[:, high]) + score
    start = state = int(np.diag(total).argmax())
    bits = []
    for came_from in before[::-1]:
        bits.append(state & 1)
        state = int(came_from[start, state])
    return np.array(bits[::-1])


def trellis_decode(bits: np.ndarray, m: int, dims: int, address: Address) -> np.ndarray:
    """n: float32 [D]; the state of a block is the last m bits around the ring."""
    last = bits[(np.arange(len(bits))[:, None] - np.arange(m)) % len(bits)]
    rows = (last[:, 1:-1] << np.arange(m - 2)).sum(axis=1)
    turn = np.where(last[:, 0] ^ last[:, -1], -1, 1)
    return decode(rows, dims, address, turn)


def decode(
    seeds: np.ndarray, dims: int, address: Address, turn: np.ndarray | None = None
) -> np.ndarray:
    """n: float32 [D]; `turn` are signs of whole blocks."""
    turned = np.ones(len(seeds)) if turn is None else turn
    return ReferenceDealer(address, dims).deliver(seeds, turned).numpy()


def _targets(delta: np.ndarray, blocks: int, address: Address) -> np.ndarray:
    """The blocks' targets, float32 [B, n]."""
    return ReferenceDealer(address, len(delta)).deal(torch.from_numpy(delta), blocks).numpy()
