"""The Poisson functional representation as one matrix product for all blocks of a step.

With arrival times T_1 < T_2 < .. of a unit-rate Poisson process and candidates C_i ~ N(0, I), the
candidate of argmin_i log T_i - <C_i, delta> is a sample of N(delta, I) (Li and El Gamal, "Strong
functional representation lemma", 2018; Theis and Ahmed, "Algorithms for the communication of
samples", 2022). All blocks use one codebook. It is made in tiles, each of which is dropped after
its product, so memory is bounded for any N and D.

If all blocks used the same arrival times, a small T_1 would favour the same candidates in all of
them, and the delivered fraction of a step would scatter by 2 % (N = 2^12) to 5 % (2^8), however
many blocks it has. So there are 16 processes, which the blocks use in turn.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from freegvc._channel.counter import Address, Kind
from freegvc._channel.normals import normals, normals_torch
from freegvc._channel.threads import in_threads
from freegvc._channel.uniforms import uniforms_of_row

TILE_FLOATS = 1 << 24  # 64 MB, for a tile of the codebook and for its scores
_PROCESSES = 16
_TILE_ROWS = 8192  # more rows do not fit into the caches


def arrival_times(address: Address, process: int, count: int) -> np.ndarray:
    """T_1 .. T_count: float64 [count].

    Only the encoder uses them, so the logarithm may differ between math libraries.
    """
    times = uniforms_of_row(address, Kind.ARRIVAL_TIMES, process, count)
    np.log(times, out=times)
    return np.cumsum(np.negative(times, out=times), out=times)


def process_of_block(blocks: int) -> np.ndarray:
    """Which process each block uses: int64 [B]."""
    return np.arange(blocks) % _PROCESSES


def _log_times(address: Address, blocks: int, candidates: int) -> tuple[np.ndarray, np.ndarray]:
    """log T, float32 [P, N], and its one-hot weights -1 and 0, float32 [B, P], for the product."""
    processes = process_of_block(blocks)
    log_times = np.empty((min(blocks, _PROCESSES), candidates), np.float32)

    def fill(start: int, stop: int) -> None:
        for process in range(start, stop):
            log_times[process] = np.log(arrival_times(address, process, candidates))

    in_threads(fill, len(log_times))
    return log_times, -(processes[:, None] == np.arange(len(log_times))).astype(np.float32)


def tiles(candidates: int, blocks: int, width: int) -> list[tuple[int, int]]:
    """Ranges of candidates whose codebook and scores fit `TILE_FLOATS` each."""
    rows = max(1, min(candidates, _TILE_ROWS, TILE_FLOATS // max(blocks, width)))
    return [(start, min(start + rows, candidates)) for start in range(0, candidates, rows)]


def _scan(
    ranges: list[tuple[int, int]],
    best_in_tile: Callable[[int, int], tuple[Any, Any]],
    best: Any,
    seeds: Any,
) -> Any:
    for start, stop in ranges:
        values, rows = best_in_tile(start, stop)
        better = values > best  # strictly: on a tie the lowest index stays
        best[better] = values[better]
        seeds[better] = rows[better] + start
    return seeds


def search_torch(address: Address, targets: Any, log2_candidates: int) -> np.ndarray:
    """Choose a candidate for each block, on the device of `targets`.

    Args:
        address: where in the stream.
        targets: torch float32 [B, n], rows d_b * (factor times delta_b).
        log2_candidates: log2 N.

    Returns:
        int64 [B]: for each block the first index of the highest <C_i, target_b> - log T_i.
    """
    import torch

    blocks, dims = targets.shape
    device = targets.device
    candidates = 1 << log2_candidates
    log_times, weights = map(torch.from_numpy, _log_times(address, blocks, candidates))
    log_times = log_times.to(device)
    # the arrival times are added as further dimensions of the product
    extended = torch.cat([targets, weights.to(device)], dim=1)
    width = extended.shape[1]
    ranges = tiles(candidates, blocks, width)
    codebook = targets.new_empty(ranges[0][1], width)
    scores = targets.new_empty(blocks * ranges[0][1])

    def best_in_tile(start: int, stop: int) -> tuple[Any, Any]:
        tile = codebook[: stop - start]
        if device.type == "cpu":
            normals(address, Kind.CODEBOOK, np.arange(start, stop), dims, out=tile.numpy())
        else:
            rows = torch.arange(start, stop, dtype=torch.int64, device=device)
            tile[:, :dims] = normals_torch(address, Kind.CODEBOOK, rows, dims)
        tile[:, dims:] = log_times[:, start:stop].T
        out = scores[: blocks * (stop - start)].view(blocks, -1)
        return torch.mm(extended, tile.t(), out=out).max(dim=1)

    best = targets.new_full((blocks,), -torch.inf)
    seeds = torch.zeros(blocks, dtype=torch.int64, device=device)
    return np.asarray(_scan(ranges, best_in_tile, best, seeds).cpu())


def search_numba(address: Address, targets: np.ndarray, log2_candidates: int) -> np.ndarray:
    """Like `search_torch`, with NumPy's product; float32 [B, n] in, int64 [B] out; no torch."""
    blocks, dims = targets.shape
    candidates = 1 << log2_candidates
    log_times, weights = _log_times(address, blocks, candidates)
    extended = np.concatenate([targets, weights], axis=1)
    width = extended.shape[1]
    ranges = tiles(candidates, blocks, width)
    codebook = np.empty((ranges[0][1], width), np.float32)

    def best_in_tile(start: int, stop: int) -> tuple[Any, Any]:
        tile = codebook[: stop - start]
        normals(address, Kind.CODEBOOK, np.arange(start, stop), dims, out=tile)
        tile[:, dims:] = log_times[:, start:stop].T
        scores = extended @ tile.T
        return scores.max(axis=1), scores.argmax(axis=1)

    best = np.full(blocks, -np.inf, np.float32)
    seeds = np.zeros(blocks, dtype=np.int64)
    return np.asarray(_scan(ranges, best_in_tile, best, seeds))
