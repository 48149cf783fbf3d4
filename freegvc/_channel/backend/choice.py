"""Which backend a device gets."""

from __future__ import annotations

from functools import lru_cache
from importlib.util import find_spec

import torch

from freegvc._channel.backend.cpu import CpuBackend
from freegvc._channel.backend.interface import Backend


@lru_cache(maxsize=16)
def backend_of(device: torch.device) -> Backend:
    """The backend of a device: Triton on CUDA where it is installed, else numba on the CPU.

    Args:
        device: where tensors are given and returned.
    """
    if device.type == "cuda" and find_spec("triton") is not None:
        from freegvc._channel.backend.cuda import CudaBackend

        return CudaBackend(device)
    return CpuBackend(device)
