"""Public noise that is the same float32 on every device."""

from __future__ import annotations

import numpy as np
import torch

from freegvc._channel.backend.choice import backend_of
from freegvc._channel.counter import Address, Kind


def noise(
    address: Address, kind: Kind, dims: int, device: torch.device | str = "cpu"
) -> torch.Tensor:
    """One row of standard normals as a tensor: z_T (START_NOISE) or an unsent step (FREE_NOISE).

    Returns:
        float32 [dims] on `device`, the same bits on every device.
    """
    backend = backend_of(torch.device(device))
    return backend.normals(address, kind, np.zeros(1, np.int64), dims)[0]
