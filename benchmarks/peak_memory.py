"""Memory of this process, or of a GPU, and its peak since a moment."""

from __future__ import annotations

import resource
from pathlib import Path

import torch

CPU = torch.device("cpu")
_STATUS, _CLEAR_REFS = Path("/proc/self/status"), Path("/proc/self/clear_refs")
_RESET_PEAK = "5"
_MIB = 1 << 20


def resident_mib() -> int:
    """What this process holds now; Linux only."""
    return _status_mib("VmRSS")


def restart_peak(device: torch.device = CPU) -> None:
    """From here on `peak_mib` counts; a process that is not on Linux counts from its start."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    elif _CLEAR_REFS.exists():
        _CLEAR_REFS.write_text(_RESET_PEAK)


def peak_mib(device: torch.device = CPU) -> int:
    """The most that was held since `restart_peak`: by this process, or by torch on a GPU."""
    if device.type == "cuda":
        return int(torch.cuda.max_memory_allocated(device)) // _MIB
    if _STATUS.exists():
        return _status_mib("VmHWM")
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // _MIB  # bytes on macOS


def _status_mib(field: str) -> int:
    lines = _STATUS.read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field)) // 1024
