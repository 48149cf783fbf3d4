"""Plain threads for work that releases the GIL."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor


def threads() -> int:
    """How many CPU cores this process may use.

    OMP_NUM_THREADS is heeded, which torch heeds too, and with which a worker of a cluster is told
    its share of a machine.
    """
    cores = os.cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    wanted = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0]
    return min(cores, int(wanted)) if wanted.isdecimal() and int(wanted) else cores


def in_threads(work: Callable[[int, int], None], count: int) -> None:
    """Call work(start, stop) on consecutive slices of range(count), one for each core."""
    workers = min(threads(), count)
    if workers < 2:
        work(0, count)
        return
    bounds = [count * i // workers for i in range(workers + 1)]
    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(work, bounds[:-1], bounds[1:]))
