"""The channel in a few lines of NumPy, slow and plain: what the fast code must agree with."""

from __future__ import annotations

import numpy as np

from freegvc.channel.counter import Address, Kind, words
from freegvc.channel.normals import normals_numpy
from freegvc.channel.permutation import permute
from freegvc.channel.search import arrival_times, process_of_block


def block_signs(address: Address, blocks: int, width: int) -> np.ndarray:
    """d_b: float32 [blocks, width] of -1 and 1."""
    position = np.arange(-(-width // 128), dtype=np.int64)[None, :]
    rows = np.arange(blocks, dtype=np.int64)[:, None]
    drawn = np.stack(words(address, Kind.SIGNS, rows, position), axis=-1)
    bits = (drawn[..., None] >> np.arange(32)) & 1
    return (1 - 2 * bits).reshape(blocks, -1)[:, :width].astype(np.float32)


def encode(
    delta: np.ndarray, blocks: int, log2_candidates: int, factors: np.ndarray, address: Address
) -> np.ndarray:
    """Seeds int64 [B] of PFR for delta float32 [D], its blocks lengthened by factors [B]."""
    dealt = np.zeros((-(-len(delta) // blocks), blocks), np.float32)
    dealt.ravel()[: len(delta)] = delta[permute(address, len(delta), np.arange(len(delta)))]
    rows = dealt.T
    target = rows * block_signs(address, *rows.shape) * factors[:, None].astype(np.float32)
    candidates = np.arange(1 << log2_candidates)
    codebook = normals_numpy(address, Kind.CODEBOOK, candidates, rows.shape[1])
    times = [arrival_times(address, p, len(candidates)) for p in process_of_block(blocks)]
    return np.asarray(np.argmin(np.log(times).T - codebook @ target.T, axis=0))


def decode(seeds: np.ndarray, dims: int, address: Address) -> np.ndarray:
    """n: float32 [D]."""
    width = -(-dims // len(seeds))
    rows = normals_numpy(address, Kind.CODEBOOK, seeds, width)
    n = np.empty(dims, np.float32)
    order = permute(address, dims, np.arange(dims))
    n[order] = (rows * block_signs(address, len(seeds), width)).T.ravel()[:dims]
    return n
