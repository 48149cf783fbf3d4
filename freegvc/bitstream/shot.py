"""What one step of the trajectory puts into the stream."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from freegvc.errors import UsageError

MAX_BLOCKS = 1 << 24
MAX_BLOCK_CLASS = 176  # the class of MAX_BLOCKS
MANTISSA_BITS = {"pfr": 3, "trellis": 5}
"""Of the number of blocks: three with its class, the others after it."""


@dataclass(frozen=True, slots=True, eq=False)
class Shot:
    """The coded sample of one step.

    Args:
        log2_candidates: log2 of the number of candidates of a block.
        block_bits: the class of the law that codes the seeds; 1 for the trellis.
        seeds: int64 [B], the chosen candidate of each block; B is a value of `round_num_blocks`
            for the coder.
    """

    log2_candidates: int
    block_bits: int
    seeds: np.ndarray

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Shot):
            return NotImplemented
        mine = (self.log2_candidates, self.block_bits)
        return mine == (other.log2_candidates, other.block_bits) and np.array_equal(
            self.seeds, other.seeds
        )

    __hash__ = None  # type: ignore[assignment]  # an array has no hash


@dataclass(frozen=True, slots=True)
class Step:
    """One coded step: the integer timestep it arrives at, and what was sent to get there."""

    timestep: int
    shot: Shot


def block_class(num_blocks: int, mantissa_bits: int = 3) -> int:
    """Class of a representable number of blocks: itself below 16, then three mantissa bits.

    Mantissa bits beyond the third are those of `finer_blocks`.

    Raises:
        UsageError: the number is not representable.
    """
    if not 0 <= num_blocks <= MAX_BLOCKS or num_blocks != round_num_blocks(
        num_blocks, mantissa_bits
    ):
        least = 1 << mantissa_bits
        raise UsageError(
            f"a step has {num_blocks} blocks; the stream holds 0..{2 * least - 1} and "
            f"({least}..{2 * least - 1}) * 2^e up to {MAX_BLOCKS}: use round_num_blocks"
        )
    if num_blocks < 16:
        return num_blocks
    exponent = num_blocks.bit_length() - 4
    return 8 * exponent + (num_blocks >> exponent)


def blocks_of_class(block_class: int) -> int:
    """Number of blocks of a class 0..MAX_BLOCK_CLASS."""
    if block_class < 16:
        return block_class
    return (8 + block_class % 8) << (block_class // 8 - 1)


def finer_blocks(block_class: int, mantissa_bits: int) -> tuple[int, int]:
    """How many mantissa bits follow the class, and the number of blocks that their unit stands for.

    What they say is added to `blocks_of_class`.
    """
    exponent = max(block_class // 8 - 1, 0)
    bits = min(mantissa_bits - 3, exponent)
    return bits, 1 << (exponent - bits)


def round_num_blocks(num_blocks: int, mantissa_bits: int = 3) -> int:
    """The representable number of blocks that is nearest; a tie goes up."""
    exponent = max(num_blocks.bit_length() - 1 - mantissa_bits, 0)
    rounded = (num_blocks + (1 << exponent >> 1)) >> exponent << exponent
    return min(MAX_BLOCKS, max(0, rounded))
