"""Simulate truncated PFR searches: freegvc/_channel/pfr/pfr_table.json, and lambda for index_law.

`python -m tools.pfr_tables` writes the table and prints the exponents for
`freegvc/_channel/pfr/index_law.py`.

A block's scores are rho * g_i with g_i ~ N(0, 1), so the winner depends on rho and N alone. Since
the arrival times grow, only record-high g_i can win, and the records of a whole search, however
long, can be drawn at once: if s is the mass above the present record, the next comes after a
geometric(s) gap and has s' = s * uniform. The mean of g_* over an endless search is rho exactly,
so only what truncation loses is estimated, which leaves almost no noise at small rho.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numba
import numpy as np
from scipy.special import ndtri

from freegvc._channel.pfr.index_law import LOG2_CANDIDATES, MAX_AIM_BITS, buckets, frequencies

DEFAULT = Path(__file__).parents[1] / "freegvc" / "channel" / "pfr_table.json"
AIM_BITS = np.arange(2 * MAX_AIM_BITS + 1) / 2
RECORDS = 100  # an endless search has ln(2^62) = 43 +- 7 of them in double precision
CHUNK = 20_000


def draw_records(
    rng: np.random.Generator, searches: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Index, log arrival time and value of the records of each search: float64 [searches, R]."""
    above = np.cumprod(rng.random((searches, RECORDS)), axis=1)
    before = np.concatenate([np.ones((searches, 1)), above[:, :-1]], axis=1)
    with np.errstate(divide="ignore"):
        gaps = 1 + np.floor(np.log(rng.random(above.shape)) / np.log1p(-before))
    index = np.cumsum(gaps, axis=1)
    log_time = np.log(np.cumsum(rng.standard_gamma(gaps), axis=1))
    return index, log_time, -ndtri(above)


@numba.njit
def winners(index: Any, log_time: Any, value: Any, rhos: Any, limits: Any) -> tuple[Any, Any]:
    """Value [searches, rhos, limits] and index of each search's winner among the first `limit`."""
    shape = (index.shape[0], rhos.size, limits.size)
    best_value = np.empty(shape)
    best_index = np.empty(shape)
    for s in range(shape[0]):
        for r in range(shape[1]):
            best, chosen, limit = -np.inf, 0, 0
            for k in range(index.shape[1]):
                while limit < limits.size and index[s, k] > limits[limit]:
                    best_value[s, r, limit] = value[s, chosen]
                    best_index[s, r, limit] = index[s, chosen]
                    limit += 1
                score = rhos[r] * value[s, k] - log_time[s, k]
                if score > best:
                    best, chosen = score, k
            while limit < limits.size:
                best_value[s, r, limit] = value[s, chosen]
                best_index[s, r, limit] = index[s, chosen]
                limit += 1
    return best_value, best_index


def simulate(draws: int, seed: int) -> tuple[np.ndarray, list[np.ndarray]]:
    """Delivered rho [aims, sizes] and, per size, histograms [aims, buckets] of the index."""
    rng = np.random.default_rng(seed)
    rhos = np.sqrt(2 * np.log(2) * AIM_BITS)
    limits = np.array([*(2.0**bits for bits in LOG2_CANDIDATES), np.inf])
    lost = np.zeros((len(rhos), len(LOG2_CANDIDATES)))
    starts = [buckets(bits)[0] for bits in LOG2_CANDIDATES]
    counts = [np.zeros((len(rhos), len(start))) for start in starts]
    for _ in range(draws // CHUNK):
        value, index = winners(*draw_records(rng, CHUNK), rhos, limits)
        lost += (value[:, :, -1:] - value[:, :, :-1]).sum(axis=0)
        for size, start in enumerate(starts):
            bucket = np.searchsorted(start, index[:, :, size], side="right") - 1
            for aim in range(len(rhos)):
                counts[size][aim] += np.bincount(bucket[:, aim], minlength=len(start))
    return rhos[:, None] - lost / draws, [count / draws for count in counts]


def index_bits(log2_candidates: int, exponent: int, histogram: np.ndarray) -> float:
    """Mean coded bits of an index under the law of that exponent."""
    rest_bits = buckets(log2_candidates)[1]
    table = 24 - np.log2(frequencies(log2_candidates, exponent)) + rest_bits
    return float(histogram @ table)


def fit_exponents(log2_candidates: int, histograms: np.ndarray) -> list[int]:
    """The best lambda in thousandths, in steps of 10, for 1 .. 24 block bits."""
    grid = range(0, 2001, 10)
    rest_bits = buckets(log2_candidates)[1]
    costs = np.array([24 - np.log2(frequencies(log2_candidates, e)) + rest_bits for e in grid])
    best = np.argmin(costs @ histograms.T, axis=0)
    return [grid[best[2 * bits]] for bits in range(1, MAX_AIM_BITS + 1)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=2018)
    parser.add_argument("--out", type=Path, default=DEFAULT)
    args = parser.parse_args()
    delivered, histograms = simulate(args.draws, args.seed)
    cost: dict[str, list[float]] = {}
    for size, bits in enumerate(LOG2_CANDIDATES):
        exponents = fit_exponents(bits, histograms[size])
        print(f"    {bits}: {tuple(exponents)},")
        cost[str(bits)] = [
            round(index_bits(bits, exponents[max(0, round(aim) - 1)], histogram), 4)
            for aim, histogram in zip(AIM_BITS, histograms[size], strict=True)
        ]
    table = {
        "made_by": "python -m tools.pfr_tables",
        "draws": args.draws,
        "seed": args.seed,
        "aim_bits": AIM_BITS.tolist(),
        "delivered_rho": {
            str(bits): np.round(delivered[:, size], 5).tolist()
            for size, bits in enumerate(LOG2_CANDIDATES)
        },
        "index_bits": cost,
    }
    lines = [f"  {json.dumps(key)}: {json.dumps(value)}" for key, value in table.items()]
    args.out.write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
