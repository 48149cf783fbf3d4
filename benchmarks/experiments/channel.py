"""What the channel coders cost, deliver and take, side by side.

Without options the sweep of the docs; with --dims and --kl-bits one point of all coders, or of one.

Coded bits are real: all draws of a point are steps of one packet, and the growth of the packet is
counted, with the mode, timestep and number of blocks of each step. Seconds are medians of the draws
after the first, which compiles.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from benchmarks.experiments.base import Measurement
from benchmarks.peak_memory import peak_mib, resident_mib, restart_peak
from freegvc._bitstream import PacketEncoder, Step
from freegvc._channel import oracle
from freegvc._channel.backend.reference import ReferenceDealer
from freegvc._channel.coders import ChannelCoder
from freegvc._channel.counter import Address
from freegvc._channel.delta import rho_of
from freegvc._channel.names import CODERS as KNOWN
from freegvc._channel.pfr.coder import PfrCoder
from freegvc._channel.pfr.plan import Plan, curves
from freegvc._channel.trellis.coder import TrellisCoder

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
    """A delta with this KL: float32 [dims]. Clustered: nine tenths are in a tenth of the field."""
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
    rho = ReferenceDealer(address, dims).deal(delta, cut.blocks).norm(dim=1).numpy()
    factors = curves()[12].aims_for_step(rho.astype(np.float64)) / rho
    seeds = oracle.encode(delta.numpy(), cut.blocks, 12, factors, address)
    shot, _ = coder.encode_blocks(delta, cut, address)
    bits = oracle.trellis_encode(delta.numpy(), 160, 8, address)
    path, _ = TrellisCoder(8).encode_blocks(delta, 160, address)
    return {
        "pfr_same_seeds": bool(np.array_equal(seeds, shot.seeds)),
        "trellis_same_bits": bool(np.array_equal(bits, path.bits)),
    }


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument("--dims", type=int)
    parser.add_argument("--kl-bits", type=float)
    parser.add_argument("--coder", choices=["pfr", "trellis"])
    parser.add_argument("--log2", type=int, help="of candidates or states")
    parser.add_argument("--law", choices=LAWS, default="normal")
    parser.add_argument("--draws", type=int, default=5)


def records(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """The record of all points.

    Raises:
        SystemExit: --dims without --kl-bits, or the other way round.
    """
    if (options.dims is None) != (options.kl_bits is None):
        sys.exit("--dims and --kl-bits belong together")
    sweep = SWEEP
    if options.dims is not None:
        sweep = [
            (name, bits, options.dims, options.kl_bits, options.law, options.draws)
            for name, bits in CODERS
            if options.coder in (None, name) and options.log2 in (None, bits)
        ]
    rows = []
    for point in sweep:
        rows.append(measure(*point))
        print(rows[-1], flush=True)
    published = [{"scheme": name, "coded_over_kl": round(y, 2)} for name, y in PUBLISHED]
    yield {"oracle": against_oracle(), "published": published, "rows": rows}


EXPERIMENT = Measurement(__doc__, add_arguments, records)
