"""Free memory of this machine."""

from __future__ import annotations

from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")
OWN_CGROUP = Path("/proc/self/cgroup")


def free_ram_bytes() -> int:
    """RAM that this process can still take: of the machine, and of its container if there is one.

    Memory that holds only copies of files counts as free.
    """
    import psutil

    free: int = psutil.virtual_memory().available
    return max(0, min(free, *_free_in_cgroups(), free))


def _free_in_cgroups() -> list[int]:
    """What is left of the limit of each control group (Linux, version 2) around this process."""
    try:
        lines = OWN_CGROUP.read_text().splitlines()
    except OSError:
        return []  # not Linux
    own = next((line[3:] for line in lines if line.startswith("0::/")), "/")
    inner = CGROUPS / own.lstrip("/")
    groups = [inner, *inner.parents]
    left = []
    for group in groups[: groups.index(CGROUPS) + 1]:
        try:
            limit = int((group / "memory.max").read_text())
            used = int((group / "memory.current").read_text())
            stated = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
            left.append(limit - used + int(stated["inactive_file"]))
        except (OSError, ValueError, KeyError):
            continue  # no limit ("max"), or a group that is not shown in here
    return left
