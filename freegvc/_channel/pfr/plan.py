"""What a truncated search delivers, and how to size blocks and targets so that delta arrives.

A search for rho delivers less than rho when N is small compared with the spread of the log weights.
The delivered length depends only on rho and N; `tools/pfr_tables.py` tabulates it by
simulation. Only the encoder reads this table, and its choices go into the stream, so floats are
allowed here.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

import numpy as np

from freegvc._channel.delta import MIN_KL_BITS, kl_bits_of, rho_of
from freegvc._channel.num_blocks import round_num_blocks
from freegvc._channel.pfr.index_law import LOG2_CANDIDATES

_DELIVERED = 0.9995  # the scaling of aims stops at this fraction
_MAX_SCALE = 2.0
_MAX_CODEBOOK = 1 << 29  # normals per step; 0.7 s to make on two cores


@dataclass(frozen=True, slots=True)
class Curve:
    """What each aim delivers and costs with one N; all float64 [A], by rising aim.

    Attributes:
        aim: the rho that is searched for.
        delivered: E[<n, delta>] / ||delta||, rising.
        index_bits: mean coded bits of the index.
    """

    aim: np.ndarray
    delivered: np.ndarray
    index_bits: np.ndarray

    def aim_for(self, rho: np.ndarray) -> np.ndarray:
        """The aim that delivers rho; at most the aim of 24 bits."""
        return np.asarray(np.interp(rho, self.delivered, self.aim))

    def aims_for_step(self, rho: np.ndarray) -> np.ndarray:
        """Aims [B] for blocks of ||delta_b|| = rho [B] such that the whole step delivers delta.

        If energy is so uneven that some blocks cannot deliver all of theirs, the others deliver a
        few percent more: sum_b <n_b, delta_b> = ||delta||^2. That costs less than more blocks.
        """
        energy = float(np.sum(rho**2))
        scale = 1.0
        for _ in range(20):
            aim = self.aim_for(scale * rho)
            fraction = float(np.sum(rho * np.interp(aim, self.aim, self.delivered))) / energy
            if fraction >= _DELIVERED or scale > _MAX_SCALE:
                break
            scale /= fraction
        return aim


@lru_cache(maxsize=1)
def curves() -> dict[int, Curve]:
    """The simulated curve of each log2 N."""
    text = resources.files("freegvc._channel.pfr").joinpath("pfr_table.json").read_text("utf-8")
    table = json.loads(text)
    aim = np.sqrt(2 * np.log(2) * np.array(table["aim_bits"]))
    return {
        bits: Curve(
            aim,
            np.maximum.accumulate(table["delivered_rho"][str(bits)]),
            np.array(table["index_bits"][str(bits)]),
        )
        for bits in LOG2_CANDIDATES
    }


def block_kl_bits(log2_candidates: int) -> float:
    """KL in bits that a block delivers when it aims at log2 N bits."""
    curve = curves()[log2_candidates]
    delivered = np.interp(rho_of(log2_candidates), curve.aim, curve.delivered)
    return kl_bits_of(float(delivered) ** 2)


@dataclass(frozen=True, slots=True)
class Plan:
    """How a step is divided: B blocks with 2^log2_candidates candidates; B = 0 sends nothing."""

    log2_candidates: int
    blocks: int


def plan(kl_bits: float, dims: int, log2_candidates: int) -> Plan:
    """Choose B and N for a step.

    B is the least number of blocks that can carry the KL, rounded to one that the stream can
    represent. If the blocks are so long that the codebook gets too large, N is reduced, down to
    2^8.

    Args:
        kl_bits: ||delta||^2 / (2 ln 2).
        dims: D.
        log2_candidates: the largest log2 N to use.

    Returns:
        The plan.
    """
    if kl_bits < MIN_KL_BITS:
        return Plan(log2_candidates, 0)
    for bits in range(log2_candidates, LOG2_CANDIDATES[0] - 1, -2):
        blocks = _num_blocks(kl_bits / block_kl_bits(bits), dims)
        if (dims << bits) // blocks <= _MAX_CODEBOOK:
            break
    return Plan(bits, blocks)


def _num_blocks(wanted: float, dims: int) -> int:
    """The nearest number of blocks that the stream can represent, at most D.

    Args:
        wanted: rounded up to an integer first.
        dims: D.
    """
    blocks = round_num_blocks(math.ceil(wanted))
    while blocks > dims:
        blocks = round_num_blocks(blocks - max(blocks >> 4, 1))
    return blocks


def predicted_bits(kl_bits: float, log2_candidates: int) -> float:
    """Expected coded bits of a step of that KL with blocks of equal energy."""
    if kl_bits < MIN_KL_BITS:
        return 0.0
    curve = curves()[log2_candidates]
    blocks = math.ceil(kl_bits / block_kl_bits(log2_candidates))
    aim = curve.aim_for(np.array(rho_of(kl_bits / blocks)))
    return blocks * float(np.interp(aim, curve.aim, curve.index_bits))
