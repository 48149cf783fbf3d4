"""What a channel coder costs, delivers and takes: JSON and a figure.

    python -m benchmarks.channel                                   the sweep of the README
    python -m benchmarks.channel --dims 100000 --kl-bits 500       one point

Coded bits are those of real coded bytes: the seeds of all draws of a point go through one range
coder, as the steps of a packet do, so its tail is counted once. Seconds are medians of the draws
after the first, which compiles.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import time
from pathlib import Path
from typing import Any

import constriction
import numpy as np
import torch

from benchmarks.record import RESULTS, write_record
from freegvc.bitstream.index_law import encode_seeds
from freegvc.channel import oracle
from freegvc.channel.blocks import dim_order, split
from freegvc.channel.counter import Address
from freegvc.channel.pfr import PfrCoder
from freegvc.channel.plan import Plan, curves, rho_of

SWEEP = [(16, 100_000, 100), (16, 100_000, 500), (16, 100_000, 2000), (16, 450_000, 10_000)]
SWEEP += [(bits, 450_000, 10_000) for bits in (14, 12, 10, 8)]
TAIL = 0.5  # sigma of the log-normal amplitude of delta: kurtosis 8


def make_delta(dims: int, kl_bits: float, draw: int) -> torch.Tensor:
    """A heavy-tailed delta of that KL: float32 [dims]."""
    rng = np.random.default_rng(draw)
    delta = rng.standard_normal(dims) * np.exp(TAIL * rng.standard_normal(dims))
    return torch.tensor(delta * rho_of(kl_bits) / np.linalg.norm(delta), dtype=torch.float32)


def measure(log2_candidates: int, dims: int, kl_bits: float, draws: int) -> dict[str, Any]:
    """One point: coded bits / KL, delivered fraction, residual variance, seconds, memory."""
    coder = PfrCoder(log2_candidates)
    range_encoder = constriction.stream.queue.RangeEncoder()
    delivered, variance, encode_seconds, decode_seconds = [], [], [], []
    for draw in range(draws):
        delta, address = make_delta(dims, kl_bits, draw), Address(1, 0, draw)
        start = time.perf_counter()
        shot, n = coder.encode(delta, address)
        middle = time.perf_counter()
        decoded = coder.decode(shot, dims, address)
        decode_seconds.append(time.perf_counter() - middle)
        encode_seconds.append(middle - start)
        if not torch.equal(decoded, n):
            raise AssertionError("decode differs from the encoder's own sample")
        encode_seeds(range_encoder, shot.log2_candidates, shot.block_bits, shot.seeds)
        delivered.append(float(n @ delta / (delta @ delta)))
        variance.append(float((n - delta).var()))
    coded_bytes = 4 * len(range_encoder.get_compressed())
    return {
        "coder": coder.name,
        "log2_candidates": log2_candidates,
        "dims": dims,
        "kl_bits": kl_bits,
        "draws": draws,
        "blocks": len(shot.seeds),
        "log2_candidates_used": shot.log2_candidates,
        "coded_over_kl": round(8 * coded_bytes / draws / kl_bits, 4),
        "predicted_over_kl": round(coder.predicted_bits(kl_bits) / kl_bits, 4),
        "delivered": round(statistics.fmean(delivered), 4),
        "residual_variance": round(statistics.fmean(variance), 4),
        "encode_seconds_first": round(encode_seconds[0], 4),
        "encode_seconds": round(statistics.median(encode_seconds[1:] or encode_seconds), 4),
        "decode_seconds": round(statistics.median(decode_seconds[1:] or decode_seconds), 4),
        "peak_memory_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


def against_oracle() -> dict[str, Any]:
    """A small case: the same seeds as ten lines of NumPy, and how much faster."""
    dims, cut, address = 4000, Plan(12, 20), Address(1, 1, 1)
    delta, coder = make_delta(dims, 150, 0), PfrCoder(12)
    rho = split(delta, dim_order(address, dims, coder.device), cut.blocks).norm(dim=1).numpy()
    factors = curves()[12].aims_for_step(rho.astype(np.float64)) / rho
    start = time.perf_counter()
    seeds = oracle.encode(delta.numpy(), cut.blocks, 12, factors, address)
    middle = time.perf_counter()
    shot, _ = coder.encode_blocks(delta, cut, address)
    end = time.perf_counter()
    return {
        "same_seeds": bool(np.array_equal(seeds, shot.seeds)),
        "oracle_seconds": round(middle - start, 4),
        "coder_seconds": round(end - middle, 4),
    }


def plot(points: list[dict[str, Any]], path: Path) -> None:
    """Overhead against encode time, one mark per point."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(6.4, 4.0), layout="constrained")
    for point in points:
        label = f"2^{point['log2_candidates_used']}, {point['dims']:,} dims, {point['kl_bits']:g}"
        axes.plot(point["encode_seconds"], point["coded_over_kl"], "o", label=label + " bits")
    axes.set_xscale("log")
    axes.set_xlabel("encode seconds per step")
    axes.set_ylabel("coded bits / KL")
    axes.set_title("PFR with a shared codebook")
    axes.grid(alpha=0.3)
    axes.legend(fontsize=7)
    figure.savefig(path, dpi=150)
    plt.close(figure)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dims", type=int)
    parser.add_argument("--kl-bits", type=float)
    parser.add_argument("--coder", choices=["pfr"], default="pfr")
    parser.add_argument("--log2-candidates", type=int, default=16)
    parser.add_argument("--draws", type=int, default=5)
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder for channel.json, .png")
    args = parser.parse_args()
    if (args.dims is None) != (args.kl_bits is None):
        parser.error("--dims and --kl-bits belong together")
    sweep = SWEEP if args.dims is None else [(args.log2_candidates, args.dims, args.kl_bits)]
    points = []
    for log2_candidates, dims, kl_bits in sweep:
        points.append(measure(log2_candidates, dims, kl_bits, args.draws))
        print(json.dumps(points[-1]))
    write_record(args.out / "channel.json", {"oracle": against_oracle(), "points": points})
    plot(points, args.out / "channel.png")


if __name__ == "__main__":
    main()
