"""Normals that are the same float32 on every machine: Philox words through an integer table.

The 16-bit uniform u becomes round(4096 * Phi^-1((u + 1/2) / 65536)) / 4096, which float32 holds
exactly. The table is a file of the package (`tools/normals_table.py` makes it), because math
libraries differ in the last bit of a logarithm. One Philox call gives eight consecutive normals:
low 16 bits first, then high, word 0 to word 3.
"""

from __future__ import annotations

from functools import lru_cache
from importlib import resources
from typing import TYPE_CHECKING

import numpy as np

from freegvc._channel.counter import Address, Kind, words
from freegvc._channel.kernels import fill_normals
from freegvc._channel.threads import in_threads

if TYPE_CHECKING:
    import torch

SCALE = 4096


@lru_cache(maxsize=1)
def table() -> np.ndarray:
    """The table before division by 4096: int16 [65536], increasing, antisymmetric; read-only."""
    with resources.files("freegvc._channel").joinpath("normals_table.npy").open("rb") as file:
        upper = np.load(file)
    full = np.concatenate([-upper[::-1], upper])
    full.flags.writeable = False
    return full


@lru_cache(maxsize=1)
def _table_float() -> np.ndarray:
    full = table().astype(np.float32) / np.float32(SCALE)
    full.flags.writeable = False
    return full


@lru_cache(maxsize=8)
def _table_torch(device: torch.device) -> torch.Tensor:
    import torch

    return torch.tensor(_table_float(), device=device)


def normals_numpy(address: Address, kind: Kind, rows: np.ndarray, dims: int) -> np.ndarray:
    """Like `normals`, in NumPy alone; slow, the reference for the others."""
    positions = np.arange((dims + 7) // 8, dtype=np.int64)
    parts = words(address, kind, rows[:, None], positions[None, :])
    u = np.stack([half for w in parts for half in (w & 0xFFFF, w >> 16)], axis=-1)
    drawn: np.ndarray = _table_float()[u.reshape(len(rows), -1)[:, :dims]]
    return drawn


def normals_torch(address: Address, kind: Kind, rows: torch.Tensor, dims: int) -> torch.Tensor:
    """Like `normals`, in torch on the device of `rows`."""
    import torch

    positions = torch.arange((dims + 7) // 8, dtype=torch.int64, device=rows.device)
    parts = words(address, kind, rows[:, None], positions[None, :])
    u = torch.stack([half for w in parts for half in (w & 0xFFFF, w >> 16)], dim=-1)
    return _table_torch(rows.device)[u.reshape(len(rows), -1)[:, :dims]]


def normals(
    address: Address, kind: Kind, rows: np.ndarray, dims: int, out: np.ndarray | None = None
) -> np.ndarray:
    """Rows of standard normals, on the CPU (numba, all cores).

    Args:
        address: where in the stream.
        kind: what the normals are for.
        rows: int64 [R], row numbers in [0, 2^32).
        dims: normals per row.
        out: float32 [>= R, >= dims] to fill; entries outside [R, dims] are not changed.

    Returns:
        float32 [R, dims], or `out` when it was given.
    """
    rows = np.ascontiguousarray(rows, dtype=np.int64)
    filled = np.empty((len(rows), dims), dtype=np.float32) if out is None else out
    scalars = address.scalars(kind)
    in_threads(
        lambda start, stop: fill_normals(_table_float(), rows, start, stop, dims, *scalars, filled),
        len(rows),
    )
    return filled


def noise(
    address: Address, kind: Kind, dims: int, device: torch.device | str = "cpu"
) -> torch.Tensor:
    """One row of standard normals as a tensor: z_T (START_NOISE) or an unsent step (FREE_NOISE).

    Returns:
        float32 [dims] on `device`, the same bits on every device.
    """
    import torch

    if torch.device(device).type == "cpu":
        return torch.from_numpy(normals(address, kind, np.zeros(1, np.int64), dims)[0])
    return normals_torch(address, kind, torch.zeros(1, dtype=torch.int64, device=device), dims)[0]
