"""How seeds become bits: a truncated Zipf law over 1..N in integers, for the range coder.

The index i = seed + 1 that a Poisson functional representation chooses falls off like
i^-lambda (Li and El Gamal, "Strong functional representation lemma", 2018). Here lambda is fitted
to truncated searches, in thousandths, one for each (aim bits, log2 N). A bucket (floor(log2 i) and
the next three bits) is coded with a table of frequencies; the remaining bits are equally likely.
The table is computed with `decimal`, whose ln and exp are correctly rounded, so it is the same on
every machine; powf is not.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal
from functools import lru_cache
from typing import Any

import constriction
import numpy as np

from freegvc import _range_coder as range_coder
from freegvc.errors import CorruptStreamError

LOG2_CANDIDATES = (8, 10, 12, 14, 16)
MAX_AIM_BITS = 24

_TOTAL = 1 << range_coder.PRECISION_BITS

# lambda in thousandths, for aim_bits 1, 2, .. 24; tools/pfr_tables.py fits them
# fmt: off
_EXPONENT: dict[int, tuple[int, ...]] = {
    8: (
        1770, 1430, 1230, 1100, 1010, 930, 870, 820, 780, 750, 710, 690,
        660, 640, 620, 600, 580, 570, 550, 540, 530, 520, 510, 500,
    ),
    10: (
        1790, 1480, 1300, 1170, 1080, 1000, 940, 890, 850, 810, 780, 750,
        720, 700, 680, 660, 640, 620, 610, 590, 580, 570, 560, 550,
    ),
    12: (
        1800, 1510, 1340, 1220, 1130, 1060, 1000, 950, 900, 870, 830, 800,
        780, 750, 730, 710, 690, 680, 660, 640, 630, 620, 610, 590,
    ),
    14: (
        1800, 1520, 1360, 1260, 1170, 1100, 1040, 1000, 950, 920, 880, 850,
        830, 800, 780, 760, 740, 720, 710, 690, 680, 660, 650, 640,
    ),
    16: (
        1810, 1530, 1380, 1280, 1200, 1140, 1080, 1030, 990, 960, 920, 900,
        870, 840, 820, 800, 780, 760, 750, 730, 720, 700, 690, 680,
    ),
}
# fmt: on


@dataclass(frozen=True, slots=True)
class _Law:
    """One table. Bucket k holds the indices starts[k] .. starts[k] + 2^rest_bits[k] - 1."""

    starts: np.ndarray  # int64 [K]
    rest_bits: np.ndarray  # int64 [K]
    frequencies: np.ndarray  # int64 [K], each >= 1, sum 2^24
    model: Any  # constriction Categorical


def buckets(log2_candidates: int) -> tuple[np.ndarray, np.ndarray]:
    """First index and log2 of the size of each bucket of 1..N: two int64 arrays [K]."""
    starts, rest_bits = list(range(1, 8)), [0] * 7
    for octave in range(3, log2_candidates):
        for mantissa in range(8):
            starts.append((8 + mantissa) << (octave - 3))
            rest_bits.append(octave - 3)
    starts.append(1 << log2_candidates)  # the last octave holds N alone
    rest_bits.append(0)
    return np.array(starts, dtype=np.int64), np.array(rest_bits, dtype=np.int64)


def frequencies(log2_candidates: int, exponent: int) -> np.ndarray:
    """The masses of the buckets under i^-(exponent / 1000), in units of 2^-24.

    A bucket of w indices has weight w * middle^-lambda, which is within 0.1 % of the exact sum. The
    remainder of the rounding goes to the heaviest bucket.

    Args:
        log2_candidates: log2 N.
        exponent: lambda in thousandths.

    Returns:
        int64 [K], each at least 1, sum 2^24.
    """
    context = Context(prec=28, rounding=ROUND_HALF_EVEN)
    power = context.divide(Decimal(-exponent), Decimal(1000))
    weights = []
    for start, bits in zip(*buckets(log2_candidates), strict=True):
        width = 1 << int(bits)
        middle = context.divide(Decimal(2 * int(start) + width - 1), Decimal(2))
        value = context.exp(context.multiply(power, context.ln(middle)))
        # only integers from here on; 60 bits are well within 28 digits
        weights.append(int(context.multiply(value, Decimal(width << 60))))
    total = sum(weights)
    spare = _TOTAL - len(weights)  # after every bucket has got 1
    counts = [1 + weight * spare // total for weight in weights]
    counts[weights.index(max(weights))] += _TOTAL - sum(counts)
    return np.array(counts, dtype=np.int64)


@lru_cache(maxsize=256)
def _law(log2_candidates: int, aim_bits: int) -> _Law:
    if log2_candidates not in LOG2_CANDIDATES:
        raise CorruptStreamError(
            f"log2 of the number of candidates is {log2_candidates}; "
            f"it must be one of {LOG2_CANDIDATES}"
        )
    if not 1 <= aim_bits <= MAX_AIM_BITS:
        raise CorruptStreamError(f"aim bits are {aim_bits}; they must be in 1..{MAX_AIM_BITS}")
    starts, rest_bits = buckets(log2_candidates)
    counts = frequencies(log2_candidates, _EXPONENT[log2_candidates][aim_bits - 1])
    return _Law(starts, rest_bits, counts, range_coder.table(counts))


def _split(law: _Law, seeds: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Bucket and offset inside the bucket of each seed."""
    index = np.asarray(seeds, dtype=np.int64) + 1
    bucket = np.searchsorted(law.starts, index, side="right") - 1
    return bucket, index - law.starts[bucket]


def _check(log2_candidates: int, seeds: np.ndarray) -> None:
    if seeds.size and (seeds.min() < 0 or seeds.max() >= 1 << log2_candidates):
        raise ValueError(
            f"seeds span {seeds.min()}..{seeds.max()}; they must be in [0, 2^{log2_candidates})"
        )


def encode_seeds(encoder: Any, log2_candidates: int, aim_bits: int, seeds: np.ndarray) -> None:
    """Append seeds to a range encoder.

    Args:
        encoder: constriction.stream.queue.RangeEncoder.
        log2_candidates: log2 N, one of 8, 10, 12, 14, 16.
        aim_bits: 1..24, selects the law together with `log2_candidates`.
        seeds: int64 [B], each in [0, N).

    Raises:
        ValueError: a seed is outside [0, N).
        CorruptStreamError: there is no such law.
    """
    law = _law(log2_candidates, aim_bits)
    seeds = np.asarray(seeds)
    if not seeds.size:
        return
    _check(log2_candidates, seeds)
    bucket, rest = _split(law, seeds)
    encoder.encode(bucket.astype(np.int32), law.model)
    rest_bits = law.rest_bits[bucket]
    wide = rest_bits > 0  # constriction has no model of one symbol
    sizes = (1 << rest_bits[wide]).astype(np.int32)
    encoder.encode(rest[wide].astype(np.int32), constriction.stream.model.Uniform(), sizes)


def decode_seeds(decoder: Any, log2_candidates: int, aim_bits: int, count: int) -> np.ndarray:
    """Read what `encode_seeds` appended.

    Args:
        decoder: constriction.stream.queue.RangeDecoder.
        log2_candidates, aim_bits: as for `encode_seeds`.
        count: B; the caller has checked it against its limit.

    Returns:
        int64 [count], each in [0, N).

    Raises:
        CorruptStreamError: there is no such law.
        AssertionError: by constriction, for words that no encoder writes; see
            `range_coder.decoding`.
    """
    if count == 0:
        return np.zeros(0, np.int64)
    law = _law(log2_candidates, aim_bits)
    bucket = decoder.decode(law.model, count).astype(np.int64)
    rest_bits = law.rest_bits[bucket]
    wide = rest_bits > 0
    sizes = (1 << rest_bits[wide]).astype(np.int32)
    rest = np.zeros(count, dtype=np.int64)
    rest[wide] = decoder.decode(constriction.stream.model.Uniform(), sizes)
    seeds: np.ndarray = law.starts[bucket] + rest - 1
    return seeds


def cost_bits(log2_candidates: int, aim_bits: int, seeds: np.ndarray) -> float:
    """Bits that these seeds take under the table, without the range coder's last bits."""
    law = _law(log2_candidates, aim_bits)
    seeds = np.asarray(seeds)
    _check(log2_candidates, seeds)
    bucket, _ = _split(law, seeds)
    return float(np.sum(24 - np.log2(law.frequencies[bucket]) + law.rest_bits[bucket]))
