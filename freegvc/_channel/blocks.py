"""From a step's dims to blocks of equal energy and back.

The permuted dims are dealt to the B blocks in turn, so that block sizes differ by at most one; a
zero pads the smaller blocks. Each block has its own random signs d_b, so that all blocks can use
one codebook: <d_b * C_i, delta_b> = <C_i, d_b * delta_b>.
"""

from __future__ import annotations

import numpy as np
import torch

from freegvc._channel.counter import Address, Kind, words
from freegvc._channel.kernels import fill_signs
from freegvc._channel.normals import normals, normals_torch
from freegvc._channel.permutation import permutation, permute
from freegvc._channel.threads import in_threads


def block_dims(dims: int, blocks: int) -> int:
    """n = ceil(D / B), the dims of a block."""
    return -(-dims // blocks)


def dim_order(address: Address, dims: int, device: torch.device) -> torch.Tensor:
    """The permuted order: the dim at each place, int64 [D] on `device`."""
    if device.type == "cpu":
        return torch.from_numpy(permutation(address, dims))
    order: torch.Tensor = permute(address, dims, torch.arange(dims, device=device))
    return order


def signs(address: Address, blocks: int, width: int, device: torch.device) -> torch.Tensor:
    """The signs d_b: float32 [blocks, width] of -1 and 1 on `device`.

    One Philox call gives 128 signs: word 0 to word 3, lowest bit first; a set bit is -1.
    """
    if device.type == "cpu":
        out = np.empty((blocks, width), np.float32)
        scalars = address.scalars(Kind.SIGNS)
        in_threads(lambda start, stop: fill_signs(start, stop, *scalars, out), blocks)
        return torch.from_numpy(out)
    rows = torch.arange(blocks, dtype=torch.int64, device=device)[:, None]
    positions = torch.arange(-(-width // 128), dtype=torch.int64, device=device)[None, :]
    drawn = torch.stack(words(address, Kind.SIGNS, rows, positions), dim=-1)
    bits = (drawn[..., None] >> torch.arange(32, device=device)) & 1
    flips: torch.Tensor = 1 - 2 * bits.reshape(blocks, -1)[:, :width].to(torch.float32)
    return flips


def candidates(
    address: Address, rows: np.ndarray, width: int, device: torch.device
) -> torch.Tensor:
    """Rows C_i of the codebook: float32 [len(rows), width] on `device`, writable."""
    if device.type == "cpu":
        return torch.from_numpy(normals(address, Kind.CODEBOOK, rows, width))
    there = torch.from_numpy(np.asarray(rows, dtype=np.int64)).to(device)
    return normals_torch(address, Kind.CODEBOOK, there, width).contiguous()


def split(x: torch.Tensor, order: torch.Tensor, blocks: int) -> torch.Tensor:
    """Deal [D] to [B, ceil(D / B)]: block b gets the permuted dims b, b + B, b + 2 B, ..."""
    dealt = x.new_zeros(blocks * block_dims(len(x), blocks))
    dealt[: len(x)] = x[order]
    return dealt.view(-1, blocks).t().contiguous()


def join(rows: torch.Tensor, order: torch.Tensor) -> torch.Tensor:
    """The inverse of `split`: [B, n] back to [D]; the padding is dropped."""
    x = rows.new_empty(len(order))
    x[order] = rows.t().reshape(-1)[: len(order)]
    return x
