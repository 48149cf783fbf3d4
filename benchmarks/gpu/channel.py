"""Milliseconds of a step of the channel, at the size of a GOP of CogVideoX-2B."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from functools import partial
from typing import Any

import torch

from benchmarks.clock import now
from freegvc._channel.coders import make_coder
from freegvc._channel.counter import Address
from freegvc._channel.delta import rho_of

Row = dict[str, Any]
DIMS = 12 * 16 * 60 * 90  # of 48 frames at 480x720
KL_BITS = (100.0, 500.0, 2_000.0, 10_000.0)
LOG2_STATES = (12, 14)
_REPEATS = 7


def channel_rows(device: torch.device, dims: int = DIMS) -> list[Row]:
    """Encode and decode of one step, by its bits and by m.

    Args:
        device: where the channel runs.
        dims: D of the step.

    Returns:
        For each, milliseconds of the first call, with all that it compiles, and the median of
        seven calls at other addresses.
    """
    return [_row(device, dims, m, bits) for m in LOG2_STATES for bits in KL_BITS]


def _row(device: torch.device, dims: int, log2_states: int, kl_bits: float) -> Row:
    coder = make_coder("trellis", device, log2_states=log2_states)
    delta = torch.randn(dims, generator=torch.Generator().manual_seed(0))
    delta = (delta * rho_of(kl_bits) / delta.norm()).to(device)
    addresses = [Address(1, 0, step) for step in range(_REPEATS + 1)]
    encoded = [_timed(partial(coder.encode, delta, each, kl_bits), device) for each in addresses]
    decoded = [
        _timed(partial(coder.decode, shot, dims, each), device)
        for ((shot, _), _), each in zip(encoded, addresses, strict=True)
    ]
    row: Row = {"dims": dims, "log2_states": log2_states, "kl_bits": kl_bits}
    for way, calls in (("encode", encoded), ("decode", decoded)):
        first, *others = (milliseconds for _, milliseconds in calls)
        row |= {f"first_{way}_ms": first, f"{way}_ms": statistics.median(others)}
    print(row, flush=True)
    return row


def _timed(call: Callable[[], Any], device: torch.device) -> tuple[Any, float]:
    began = now(device)
    result = call()
    return result, round(1000 * (now(device) - began), 3)
