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

import numpy as np
import torch

from freegvc._channel.backend.interface import Backend
from freegvc._channel.counter import Address, Kind
from freegvc._channel.threads import in_threads
from freegvc._channel.uniforms import uniforms_of_row

TILE_FLOATS = 1 << 24  # 64 MB, for a tile of the codebook and for its scores
_DEVICE_TILE_FLOATS = 1 << 27  # 512 MB, on an accelerator: one product, unless D is very large
_PROCESSES = 16
_TILE_ROWS = 8192  # more rows do not fit into a CPU's caches


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


def tiles(candidates: int, blocks: int, width: int, on_cpu: bool) -> list[tuple[int, int]]:
    """Ranges of candidates whose codebook and scores fit a tile each."""
    floats = TILE_FLOATS if on_cpu else _DEVICE_TILE_FLOATS
    rows = max(1, min(candidates, floats // max(blocks, width)))
    if on_cpu:
        rows = min(rows, _TILE_ROWS)
    return [(start, min(start + rows, candidates)) for start in range(0, candidates, rows)]


def best_seeds(
    backend: Backend, address: Address, targets: torch.Tensor, log2_candidates: int
) -> np.ndarray:
    """Choose a candidate for each block, on the device of `targets`.

    Args:
        backend: makes the codebook.
        address: where in the stream.
        targets: float32 [B, n], rows d_b * (factor times delta_b), on the backend's device.
        log2_candidates: log2 N.

    Returns:
        int64 [B]: for each block the first index of the highest <C_i, target_b> - log T_i.
    """
    blocks, dims = targets.shape
    device, candidates = targets.device, 1 << log2_candidates
    log_times, weights = map(torch.from_numpy, _log_times(address, blocks, candidates))
    log_times = log_times.to(device, non_blocking=True)
    # the arrival times are added as further dimensions of the product
    extended = torch.cat([targets, weights.to(device, non_blocking=True)], dim=1)
    ranges = tiles(candidates, blocks, extended.shape[1], device.type == "cpu")
    codebook = targets.new_empty(ranges[0][1], extended.shape[1])
    scores = targets.new_empty(blocks * ranges[0][1])
    best = targets.new_full((blocks,), -torch.inf)
    seeds = torch.zeros(blocks, dtype=torch.int64, device=device)
    for start, stop in ranges:
        tile = codebook[: stop - start]
        backend.normals(address, Kind.CODEBOOK, np.arange(start, stop), dims, tile)
        tile[:, dims:] = log_times[:, start:stop].T
        out = scores[: blocks * (stop - start)].view(blocks, -1)
        values, rows = torch.mm(extended, tile.t(), out=out).max(dim=1)
        better = values > best  # strictly: on a tie the lowest index stays
        best = torch.where(better, values, best)
        seeds = torch.where(better, rows + start, seeds)
    return np.asarray(seeds.cpu())
