"""Public noise that is the same float32 on every device."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from freegvc._channel.counter import Address, Kind

if TYPE_CHECKING:
    import torch


def noise(
    address: Address, kind: Kind, dims: int, device: torch.device | str = "cpu"
) -> torch.Tensor:
    """One row of standard normals as a tensor: z_T (START_NOISE) or an unsent step (FREE_NOISE).

    Returns:
        float32 [dims] on `device`, the same bits on every device.
    """
    import torch  # scoring imports this module and needs neither torch nor a backend

    from freegvc._channel.backend.choice import backend_of

    backend = backend_of(torch.device(device))
    return backend.normals(address, kind, np.zeros(1, np.int64), dims)[0]
