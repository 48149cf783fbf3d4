"""The clock of measurements on a device."""

from __future__ import annotations

import time

import torch


def now(device: torch.device) -> float:
    """Seconds, read once the device's work is done."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()
