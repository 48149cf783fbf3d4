"""What the channel coders cost, deliver and take, side by side: JSON and a figure.

    python -m benchmarks.channel                                   the sweep of the docs
    python -m benchmarks.channel --dims 100000 --kl-bits 500       one point, all coders
    python -m benchmarks.channel --dims 100000 --kl-bits 500 --coder trellis --log2 12

Coded bits are real: all draws of a point are steps of one packet, and what the packet grows by is
counted, so mode, timestep and number of blocks of each step are in. Seconds are medians of the
draws after the first, which compiles.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.peak_memory import peak_mib, resident_mib, restart_peak
from benchmarks.record import RESULTS, write_record
from freegvc.bitstream import PacketEncoder, Step
from freegvc.channel import oracle
from freegvc.channel.blocks import dim_order, split
from freegvc.channel.coders import ChannelCoder
from freegvc.channel.counter import Address
from freegvc.channel.delta import rho_of
from freegvc.channel.names import CODERS as KNOWN
from freegvc.channel.pfr.coder import PfrCoder
from freegvc.channel.pfr.plan import Plan, curves
from freegvc.channel.trellis.coder import TrellisCoder

CODERS = [("pfr", 16), ("pfr", 12), *(("trellis", m) for m in (8, 10, 12, 14, 16))]
LAWS = ("normal", "laplace", "clustered")

# coder, log2 of candidates or states, dims, KL, law, draws
SWEEP = [(*coder, 100_000, kl, "normal", 6) for kl in (20, 100, 500, 2000) for coder in CODERS]
SWEEP += [
    ("trellis", bits, 1_100_000, kl, law, 10)
    for bits in (12, 16)
    for kl in (500, 2000, 20_000)
    for law in ("normal", "laplace")
]
SWEEP += [
    ("trellis", bits, 1_100_000, kl, "normal", 5) for bits in (12, 16) for kl in (100, 50_000)
]
SWEEP += [("trellis", 12, dims, 2000, "normal", 5) for dims in (10_000, 4_000_000)]
SWEEP += [
    ("trellis", 12, 1_100_000, 2000, "clustered", 5),
    ("pfr", 16, 1_100_000, 2000, "normal", 3),
]

# name, overhead = 1 / efficiency, as published or measured on published code, at D = 100,000
PUBLISHED = (
    ("image codec of this family: PFR, 2^16, Zipf", 1 / 0.76),
    ("argmax of 2^16, fixed-length index", 1 / 0.83),
    ("multi-atom codebooks, 30 of 16384", 1 / 0.73),
    ("polar code on signs", 1 / 0.85),
    ("zero-shot video codec, formula", 1 / 0.49),
)


def make_delta(dims: int, kl_bits: float, law: str, draw: int) -> torch.Tensor:
    """A delta of that KL: float32 [dims]. Clustered: nine tenths of it in a tenth of the field."""
    rng = np.random.default_rng(draw)
    delta = rng.laplace(size=dims) if law == "laplace" else rng.standard_normal(dims)
    if law == "clustered":
        delta[dims // 10 :] /= 9
    return torch.tensor(delta * rho_of(kl_bits) / np.linalg.norm(delta), dtype=torch.float32)


def make_coder(name: str, bits: int) -> ChannelCoder:
    """A coder with 2^bits candidates or states."""
    coders: dict[str, type[PfrCoder] | type[TrellisCoder]]
    coders = {"pfr": PfrCoder, "trellis": TrellisCoder}
    return coders[name](bits)


def measure(
    name: str, bits: int, dims: int, kl_bits: float, law: str, draws: int
) -> dict[str, Any]:
    """One point: coded bits / KL, delivered fraction, residual variance, seconds, memory."""
    coder = make_coder(name, bits)
    timestep, jump = 65_535, 65_535 >> 3  # as the packet expects them
    packet = PacketEncoder(start_timestep=timestep, shot=KNOWN[name].shot)
    delivered, variance, encode_seconds, decode_seconds, extra = [], [], [], [], 0
    blocks, first_bytes = [], 0
    for draw in range(draws + 1):  # the first stands for the step before
        delta, address = make_delta(dims, kl_bits, law, draw), Address(1, 0, draw)
        before = resident_mib()
        restart_peak()
        start = time.perf_counter()
        shot, n = coder.encode(delta, address)
        middle = time.perf_counter()
        decoded = coder.decode(shot, dims, address)
        end = time.perf_counter()
        if not torch.equal(decoded, n):
            raise AssertionError("decode differs from the encoder's own sample")
        timestep, jump = timestep - jump, jump - (jump >> 3)
        packet.add(Step(timestep, shot))
        if draw == 0:
            first_bytes = len(packet.payload())
            continue
        extra = max(extra, peak_mib() - before)
        encode_seconds.append(middle - start)
        decode_seconds.append(end - middle)
        delivered.append(float(n @ delta / (delta @ delta)))
        variance.append(float((n - delta).var()))
        blocks.append(shot.num_blocks)
    coded_bits = 8 * (len(packet.payload()) - first_bytes) / draws
    return {
        "coder": name,
        "log2_candidates": bits,
        "dims": dims,
        "kl_bits": kl_bits,
        "law": law,
        "draws": draws,
        "blocks": round(statistics.fmean(blocks), 1),
        "log2_candidates_used": shot.mode[0],
        "coded_over_kl": round(coded_bits / kl_bits, 4),
        "predicted_over_kl": round(coder.predicted_bits(kl_bits) / kl_bits, 4),
        "delivered": round(statistics.fmean(delivered), 4),
        "delivered_deviation": round(statistics.pstdev(delivered), 4),
        "residual_variance": round(statistics.fmean(variance), 4),
        "encode_seconds": round(statistics.median(encode_seconds), 4),
        "decode_seconds": round(statistics.median(decode_seconds), 4),
        "extra_memory_mib": extra,
    }


def against_oracle() -> dict[str, Any]:
    """Small cases: the same seeds as a few lines of NumPy."""
    dims, cut, address = 4000, Plan(12, 20), Address(1, 1, 1)
    delta, coder = make_delta(dims, 150, "normal", 0), PfrCoder(12)
    rho = split(delta, dim_order(address, dims, coder.device), cut.blocks).norm(dim=1).numpy()
    factors = curves()[12].aims_for_step(rho.astype(np.float64)) / rho
    seeds = oracle.encode(delta.numpy(), cut.blocks, 12, factors, address)
    shot, _ = coder.encode_blocks(delta, cut, address)
    bits = oracle.trellis_encode(delta.numpy(), 160, 8, address)
    path, _ = TrellisCoder(8).encode_blocks(delta, 160, address)
    return {
        "pfr_same_seeds": bool(np.array_equal(seeds, shot.seeds)),
        "trellis_same_bits": bool(np.array_equal(bits, path.bits)),
    }


def plot(points: list[dict[str, Any]], path: Path) -> None:
    """Overhead against encode time at the bits that most points have."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(7.2, 4.6), layout="constrained")
    kl_bits = statistics.mode(point["kl_bits"] for point in points)
    shown = [p for p in points if p["kl_bits"] == kl_bits and p["law"] == "normal"]
    for (coder, dims), mark in zip(
        sorted({(p["coder"], p["dims"]) for p in shown}), "osD^vPX*", strict=False
    ):
        line = [p for p in shown if (p["coder"], p["dims"]) == (coder, dims)]
        line.sort(key=lambda p: p["log2_candidates"])
        seconds = [p["encode_seconds"] for p in line]
        overhead = [p["coded_over_kl"] for p in line]
        axes.plot(seconds, overhead, f"{mark}-", label=f"{coder}, {dims:,} dims")
        for point, x, y in zip(line, seconds, overhead, strict=True):
            text = f"2^{point['log2_candidates_used']}"
            axes.annotate(text, (x, y), (3, 4), textcoords="offset points", fontsize=7)
    for name, overhead_line in PUBLISHED:
        if overhead_line < 1.5:
            axes.axhline(overhead_line, color="0.6", linewidth=0.8, linestyle="--")
            axes.annotate(
                f"published: {name}",
                (1, overhead_line),
                (-3, 2),
                xycoords=("axes fraction", "data"),
                textcoords="offset points",
                ha="right",
                fontsize=6,
                color="0.4",
            )
    axes.axhline(1, color="k", linewidth=1)
    axes.annotate(
        "lower bound", (0, 1), (3, 3), ("axes fraction", "data"), "offset points", fontsize=7
    )
    axes.set_xscale("log")
    axes.set_xlabel("encode seconds per step")
    axes.set_ylabel("coded bits / KL")
    axes.set_title(f"Steps of {kl_bits:,g} bits, 2 CPU cores")
    axes.set_ylim(bottom=0.97)
    axes.legend(fontsize=7, loc="center left", bbox_to_anchor=(0, 0.55))
    figure.savefig(path, dpi=150)
    plt.close(figure)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dims", type=int)
    parser.add_argument("--kl-bits", type=float)
    parser.add_argument("--coder", choices=["pfr", "trellis"])
    parser.add_argument("--log2", type=int, help="of candidates or states")
    parser.add_argument("--law", choices=LAWS, default="normal")
    parser.add_argument("--draws", type=int, default=5)
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder for channel.json, .png")
    args = parser.parse_args()
    if (args.dims is None) != (args.kl_bits is None):
        parser.error("--dims and --kl-bits belong together")
    sweep = SWEEP
    if args.dims is not None:
        coders = [
            (name, bits)
            for name, bits in CODERS
            if args.coder in (None, name) and args.log2 in (None, bits)
        ]
        sweep = [(*coder, args.dims, args.kl_bits, args.law, args.draws) for coder in coders]
    points = []
    for point in sweep:
        points.append(measure(*point))
        print(json.dumps(points[-1]), flush=True)
    record = {
        "oracle": against_oracle(),
        "published": [{"scheme": name, "coded_over_kl": round(y, 2)} for name, y in PUBLISHED],
        "points": points,
    }
    write_record(args.out / "channel.json", record)
    plot(points, args.out / "channel.png")


if __name__ == "__main__":
    main()
