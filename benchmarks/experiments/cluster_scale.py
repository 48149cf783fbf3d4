"""How far one driver keeps workers busy: a simulation with measured times."""

from __future__ import annotations

import heapq
from dataclasses import dataclass

AHEAD = 2  # GOPs for each worker that are under way, as `Workers.num_ahead`


@dataclass(frozen=True, slots=True)
class Costs:
    """What a GOP takes, in seconds.

    Attributes:
        task: of a worker.
        driver: of the driver: reading, handing over, and taking back.
    """

    task: float
    driver: float


def simulated_seconds(costs: Costs, num_workers: int, num_gops: int) -> float:
    """Until the last of many GOPs is taken back.

    The driver does one thing at a time. It hands a GOP to the worker that has been idle longest,
    and waits where all workers have their share of GOPs under way.
    """
    idle = [0.0] * num_workers  # since when
    done: list[float] = []
    now = last = 0.0
    for _ in range(num_gops):
        if len(done) >= AHEAD * num_workers:
            now = max(now, heapq.heappop(done))
        now += costs.driver
        end = max(now, heapq.heappop(idle)) + costs.task
        heapq.heappush(idle, end)
        heapq.heappush(done, end)
        last = max(last, end)
    return last


def busy_share(costs: Costs, num_workers: int, gops_each: int = 20) -> float:
    """The part of their time that workers work, from the first GOP to the last."""
    num_gops = gops_each * num_workers
    worked = costs.task * num_gops
    return worked / (num_workers * simulated_seconds(costs, num_workers, num_gops))
